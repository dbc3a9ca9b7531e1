// What turns each value into another by itself: functions of arithmetic and changes of number type.
import type { Attributes, Operands, Operation, Sets } from '../base'
import { formula, needed, number, one, same } from '../base'
import type { Index, Numbers, Tensor } from '../tensor'
import { isWhole, kept, room, tensor, wrapping } from '../tensor'

/** A function's result, its text with the number put in, what rounding is measured against, and a note. */
export interface Answer {
  readonly result: number
  readonly text: string
  readonly scale?: number
  readonly note?: string
}

export interface Curve {
  readonly value: (x: number) => number
  readonly slope?: (x: number) => number
  readonly at: (x: number) => Answer
}

/** Computes each value by itself: all of them, or again those that have changed. */
function valueByValue(of: (x: Tensor) => (value: number) => number, dtypeOf: (x: Tensor) => string): Pick<Operation, 'forward' | 'again'> {
  return {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const data = room(dtypeOf(x), x.data.length)
      const value = of(x)
      for (let i = 0; i < data.length; i++) data[i] = value(x.data[i]!)
      return [tensor(x.shape, dtypeOf(x), data)]
    },
    again(operands: Operands, { data: before }: Tensor, results: readonly Tensor[]) {
      const x = needed(operands, 0)
      const data = results[0]!.data.slice() as Numbers
      const value = of(x)
      for (let i = 0; i < data.length; i++) if (!same(x.data[i]!, before[i]!)) data[i] = value(x.data[i]!)
      return [tensor(x.shape, dtypeOf(x), data)]
    },
  }
}

/** y[i] = f(x[i]). */
export function pointwise(curve: Curve): Operation {
  const of = ({ dtype }: Tensor) => (isWhole(dtype) || dtype === 'bool' ? (value: number) => kept(curve.value(value), dtype) : curve.value)
  const operation: Operation = {
    ...valueByValue(of, (x) => x.dtype),
    open(operands: Operands, index: Index) {
      const x = needed(operands, 0)
      const part = one(0, x, index)
      const { result, text, scale, note } = curve.at(part.values[0]!)
      const held = kept(result, x.dtype)
      return formula([part], held, text, { scale: scale ?? Math.abs(result), note: note ?? '' })
    },
    reach: (_operands: Operands, sets: Sets) => [sets],
  }
  if (!curve.slope) return operation
  const { slope } = curve
  return {
    ...operation,
    backward(operands: Operands, _result: Tensor, gradient: Float64Array) {
      const x = needed(operands, 0)
      return [gradient.map((g, i) => (g ? g * slope(x.data[i]!) : 0))]
    },
  }
}

/** The error function: Abramowitz and Stegun 7.1.5 near 0, the continued fraction 7.1.14 beyond; to 1e-15. */
export function erf(x: number): number {
  const a = Math.abs(x)
  if (a > 6) return Math.sign(x)
  if (a < 2.5) {
    let term = a
    let sum = a
    for (let n = 1; n < 100; n++) {
      term *= (-a * a) / n
      const next = term / (2 * n + 1)
      sum += next
      if (Math.abs(next) < 1e-17 * Math.abs(sum)) break
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI)
  }
  let fraction = 0
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction)
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction))
}

/** To the nearest whole number, halves to the even neighbour. */
export function rint(x: number): number {
  const down = Math.floor(x)
  const rest = x - down
  if (rest !== 0.5) return Math.round(x)
  return down % 2 === 0 ? down : down + 1
}

const FUNCTIONS: Readonly<Record<string, [value: (x: number) => number, text: string, slope?: (x: number) => number]>> = {
  abs: [Math.abs, '|{x}|', Math.sign],
  ceil: [Math.ceil, 'ceil({x})'],
  erf: [erf, 'erf({x})', (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x)],
  exp: [Math.exp, 'exp({x})', Math.exp],
  floor: [Math.floor, 'floor({x})'],
  log: [Math.log, 'log({x})', (x) => 1 / x],
  neg: [(x) => -x, '-({x})', () => -1],
  not: [(x) => (x === 0 ? 1 : 0), 'not {x}'],
  reciprocal: [(x) => 1 / x, '1 / {x}', (x) => -1 / x ** 2],
  round: [rint, 'round({x})'],
  sign: [Math.sign, 'sign({x})'],
  sqrt: [Math.sqrt, 'sqrt({x})', (x) => 0.5 / Math.sqrt(x)],
}

export function functions(attributes: Attributes): Operation {
  const found = FUNCTIONS[attributes['name'] as string]
  if (!found) throw new Error(`no function ${String(attributes['name'])}`)
  const [value, text, slope] = found
  return pointwise({ value, slope, at: (x) => ({ result: value(x), text: text.replace('{x}', number(x)) }) } as Curve)
}

/** Each value as another number type: what doesn't fit is rounded; towards zero for whole numbers. */
export function cast(attributes: Attributes): Operation {
  const to = attributes['to'] as string
  const whole = isWhole(to)
  const wrap = wrapping(to)
  const round = (x: number, from: string): number => {
    if (to === 'bool') return x === 0 ? 0 : 1
    if (whole) return wrap(Math.trunc(x))
    if (to === 'float64' || from === to) return x
    return Math.fround(x)
  }
  return {
    ...valueByValue(({ dtype }) => (value) => round(value, dtype), () => to),
    open(operands: Operands, index: Index) {
      const x = needed(operands, 0)
      const part = one(0, x, index)
      const value = part.values[0]!
      const result = round(value, x.dtype)
      return formula([part], result, `${number(value)} as ${to}`, { note: result === value ? '' : 'rounded' })
    },
    reach: (_operands: Operands, sets: Sets) => [sets],
    backward: (_operands: Operands, _result: Tensor, gradient: Float64Array) => [gradient],
  }
}
