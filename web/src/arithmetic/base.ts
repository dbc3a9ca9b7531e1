// What an operation is: its result as whole tensors, one value opened, which values reach which, and, where gradients
// are needed, its derivative. The same arithmetic as src/pellucid/network/operations, held against it by golden traces.
import type { Index, Numbers, Shape, Tensor } from './tensor'
import { ravel } from './tensor'

export type Operands = readonly (Tensor | null)[]
export type Attributes = { readonly [name: string]: unknown }

/** Values of one operand that enter a result: `index` holds `rank` numbers for each, batch included. */
export interface Part {
  readonly operand: number
  readonly rank: number
  readonly index: Int32Array
  readonly values: Float64Array
  readonly weights: Float64Array | null
  readonly weightOperand: number | null
  readonly weightRank: number
  readonly weightIndex: Int32Array | null
  readonly role: string
}

export interface Window {
  readonly shape: readonly number[]
  readonly cells: Int32Array
  readonly start: readonly number[]
  readonly step: readonly number[]
  readonly channels: readonly number[]
}

export type Facts = Readonly<Record<string, number>>

/** (sum of value x weight + bias) / divisor. */
export interface Linear {
  readonly linear: true
  readonly parts: readonly Part[]
  readonly bias: number
  readonly biasOperand: number | null
  readonly biasIndex: Index
  readonly divisor: number
  readonly facts: Facts
  readonly window: Window | null
}

/** Any other operation: its result, its text with the numbers put in, and what its rounding is measured against. */
export interface Formula {
  readonly linear: false
  readonly parts: readonly Part[]
  readonly result: number
  readonly text: string
  readonly scale: number
  readonly chosen: number | null
  readonly note: string
  readonly facts: Facts
  readonly window: Window | null
}

export type Opening = Linear | Formula

/** Which places of each axis, batch included: the values at all combinations of them. */
export type Sets = readonly Uint8Array[]

export interface Operation {
  /** The results. A generator, so that a long one can be computed piece by piece: it yields between pieces. */
  forward(operands: Operands): Tensor[] | Generator<void, Tensor[]>
  /** The same where the first operand has changed since it was `before`, which came to `results`: only what the change
   * reaches is computed, by the same sums. For operations of one result whose values each see a small part. */
  again?(operands: Operands, before: Tensor, results: readonly Tensor[]): Tensor[] | Generator<void, Tensor[]>
  open(operands: Operands, index: Index, output: number): Opening
  /** For each operand, what of it reaches these places of the result; null: nothing does, or it isn't followed. */
  reach(operands: Operands, sets: Sets, output: number): (Sets | null)[]
  /** d score / d operands from d score / d result 0, as flat float64; null for operands that aren't computed. */
  backward?(operands: Operands, result: Tensor, gradient: Float64Array): (Float64Array | null)[]
}

export type Maker = (attributes: Attributes) => Operation

/** Whether whatever is computed of one comes to the same of the other: 0 and -0 are told apart, NaN is like nothing. */
export function same(a: number, b: number): boolean {
  return a === b && (a !== 0 || 1 / a === 1 / b)
}

/** Where two lists of one length differ; null where that is in more places than `most`. */
export function changedPlaces(now: Numbers, before: Numbers, most: number): number[] | null {
  const found: number[] = []
  for (let i = 0; i < now.length; i++) {
    if (same(now[i]!, before[i]!)) continue
    if (found.length >= most) return null
    found.push(i)
  }
  return found
}

export function needed(operands: Operands, number: number): Tensor {
  const found = operands[number]
  if (!found) throw new Error(`operand ${number} is missing`)
  return found
}

/** A part of one value. */
export function one(operand: number, x: Tensor, place: Index, role = 'x', weight: number | null = null): Part {
  return {
    operand, rank: x.shape.length, index: Int32Array.from(place), values: Float64Array.of(x.data[ravel(x.shape, place)]!),
    weights: weight === null ? null : Float64Array.of(weight), weightOperand: null, weightRank: 0, weightIndex: null, role,
  }
}

export function linear(parts: readonly Part[], more: Partial<Linear> = {}): Linear {
  return {
    linear: true, parts, bias: 0, biasOperand: null, biasIndex: [], divisor: 1, facts: {}, window: null, ...more,
  }
}

export function formula(parts: readonly Part[], result: number, text: string, more: Partial<Formula> = {}): Formula {
  return {
    linear: false, parts, result, text, scale: Math.abs(result), chosen: null, note: '', facts: {}, window: null, ...more,
  }
}

/** The values at all combinations of these positions, in rows. `index` starts with `before`. */
export function block(operand: number, x: Tensor, axes: readonly (readonly number[])[], role = 'x'): Part {
  const rank = x.shape.length
  const count = axes.reduce((n, axis) => n * axis.length, 1)
  const index = new Int32Array(count * rank)
  const values = new Float64Array(count)
  const at = new Array<number>(rank).fill(0)
  const place = new Array<number>(rank)
  for (let n = 0; n < count; n++) {
    for (let axis = 0; axis < rank; axis++) {
      place[axis] = axes[axis]![at[axis]!]!
      index[n * rank + axis] = place[axis]!
    }
    values[n] = x.data[ravel(x.shape, place)]!
    for (let axis = rank - 1; axis >= 0; axis--) {
      if (++at[axis]! < axes[axis]!.length) break
      at[axis] = 0
    }
  }
  return {
    operand, rank, index, values, weights: null, weightOperand: null, weightRank: 0, weightIndex: null, role,
  }
}

export function range(n: number, from = 0): number[] {
  return Array.from({ length: Math.max(n, 0) }, (_, i) => from + i)
}

/** All places of a tensor. */
export function everywhere(shape: Shape): Uint8Array[] {
  return shape.map((n) => new Uint8Array(n).fill(1))
}

export function isEverywhere(sets: Sets): boolean {
  return sets.every((set) => set.every((marked) => marked === 1))
}

/** Whether no value is marked: where one axis has no place, none has. */
export function isNowhere(sets: Sets): boolean {
  return sets.some((set) => !set.includes(1))
}

export function marked(set: Uint8Array): number[] {
  const found: number[] = []
  for (let i = 0; i < set.length; i++) if (set[i]) found.push(i)
  return found
}

/** Sets of an operand that is broadcast to the result. */
export function narrowed(sets: Sets, shape: Shape): Uint8Array[] {
  const spare = sets.length - shape.length
  return shape.map((n, axis) => {
    const set = sets[spare + axis]!
    return n === 1 ? Uint8Array.of(set.includes(1) ? 1 : 0) : set.slice()
  })
}

/** The places of a reshaped tensor as those of the tensor it was, projected on its axes. */
export function reshaped(sets: Sets, to: Shape): Uint8Array[] {
  if (isEverywhere(sets)) return everywhere(to)
  const found = to.map((n) => new Uint8Array(n))
  const axes = sets.map(marked)
  const count = axes.reduce((n, axis) => n * axis.length, 1)
  if (!count) return found
  const shape = sets.map((set) => set.length)
  const at = new Array<number>(axes.length).fill(0)
  for (let n = 0; n < count; n++) {
    let place = 0
    for (let axis = 0; axis < axes.length; axis++) place = place * shape[axis]! + axes[axis]![at[axis]!]!
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const size = to[axis]!
      found[axis]![place % size] = 1
      place = Math.floor(place / size)
    }
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      if (++at[axis]! < axes[axis]!.length) break
      at[axis] = 0
    }
  }
  return found
}

/** Sum without the small errors of adding one after another (Neumaier 1974). */
export function total(values: Iterable<number>): number {
  let sum = 0
  let lost = 0
  for (const value of values) {
    const next = sum + value
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum
    sum = next
  }
  return Number.isFinite(lost) ? sum + lost : sum
}

export function product(part: Part, entry: number): number {
  return part.weights ? part.values[entry]! * part.weights[entry]! : part.values[entry]!
}

export function countOf(opening: Opening): number {
  return opening.parts.reduce((n, part) => n + part.values.length, 0)
}

/** The sum of the products alone. */
export function sumOf(opening: Linear): number {
  const products = new Float64Array(countOf(opening))
  let n = 0
  for (const part of opening.parts) for (let i = 0; i < part.values.length; i++) products[n++] = product(part, i)
  return total(products)
}

export function valueOf(opening: Opening): number {
  return opening.linear ? (sumOf(opening) + opening.bias) / opening.divisor : opening.result
}

/** What rounding is measured against: the sum of the absolute terms. */
export function magnitudeOf(opening: Opening): number {
  if (!opening.linear) return opening.scale
  let sum = Math.abs(opening.bias)
  for (const part of opening.parts) {
    for (let i = 0; i < part.values.length; i++) sum += Math.abs(product(part, i))
  }
  return sum / Math.abs(opening.divisor)
}

export function formulaOf(opening: Opening): string {
  if (!opening.linear) return opening.text
  const count = countOf(opening)
  const first = opening.parts[0]
  let text = count ? number(sumOf(opening)) : '0'
  if (count === 1 && first?.weights && first.values.length) text = `${number(first.values[0]!)} × ${number(first.weights[0]!)}`
  if (opening.biasOperand !== null || opening.bias) {
    text = count ? `${text} + ${number(opening.bias)}` : number(opening.bias)
  }
  if (opening.divisor !== 1) {
    text = text.includes('+') ? `(${text}) / ${number(opening.divisor)}` : `${text} / ${number(opening.divisor)}`
  }
  return text
}

/** A number in a formula: six digits, exact where it is whole, never -0; as Python's `.6g`. */
export function number(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value === 0 ? 0 : value)
  const exponent = Number(value.toExponential(5).split('e')[1])
  if (exponent < -4 || exponent >= 6) {
    const [digits, power] = value.toExponential(5).split('e') as [string, string]
    const short = digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits
    const size = Math.abs(Number(power))
    return `${short}e${power.startsWith('-') ? '-' : '+'}${String(size).padStart(2, '0')}`
  }
  const fixed = value.toFixed(Math.max(0, 5 - exponent))
  return fixed.includes('.') ? fixed.replace(/\.?0+$/, '') : fixed
}

