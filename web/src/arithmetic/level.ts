// One value opened, as the document that Python writes too: inside/number.py and inside/wire.py.
import type { Figure, LevelDocument, PlaceDocument, TermDocument } from '../types'
import type { Opening, Part } from './base'
import { formulaOf, magnitudeOf, product, valueOf } from './base'
import type { State, Step } from './network'
import type { Tensor } from './tensor'
import { isWhole, ravel } from './tensor'

const CLOSENESS: Readonly<Record<string, number>> = { float64: 1e-12, float32: 1e-6, float16: 1e-3, bfloat16: 8e-3 }
const SMALLEST = 1.2e-38

/** An opened value: what stands there, what made it, and what that comes to. */
export interface Opened {
  readonly tensor: string
  readonly full: readonly number[]
  readonly stored: number
  readonly step: Step | null
  readonly opening: Opening | null
}

export function openAt(state: State, tensor: string, full: readonly number[]): Opened {
  const values = state.values.get(tensor)
  if (!values) throw new Error(`There is nothing called ${tensor} here.`)
  if (full.length !== values.shape.length || full.some((n, axis) => !(n >= 0 && n < values.shape[axis]!))) {
    throw new Error(`${tensor}[${full.join(',')}] is outside: its shape is ${values.shape.join(' x ')}.`)
  }
  const stored = values.data[ravel(values.shape, full)]!
  const made = state.maker.get(tensor)
  if (!made) return { tensor, full, stored, step: null, opening: null }
  return { tensor, full, stored, step: made.step, opening: made.step.operation.open(operandsOf(state, made.step), full, made.output) }
}

export function operandsOf(state: State, step: Step): (Tensor | null)[] {
  return step.node.inputs.map((name) => (name ? state.values.get(name) ?? null : null))
}

/** A full index from one without the batch. */
export function fullIndex(state: State, tensor: string, index: readonly number[]): number[] {
  return state.tensors.get(tensor)?.batch ? [0, ...index] : [...index]
}

export function placeOf(state: State, tensor: string, full: readonly number[]): PlaceDocument {
  const about = state.tensors.get(tensor)
  return { name: about?.name ?? tensor, index: about?.batch ? full.slice(1) : [...full] }
}

/** Whether it is a constant: a weight, or a number of the preprocessing. */
export function isConstant(state: State, tensor: string): boolean {
  return state.constants.has(tensor)
}

export function figure(value: number): Figure {
  return Number.isFinite(value) ? value : Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity'
}

export function termOf(state: State, step: Step, part: Part, entry: number): TermDocument {
  const { inputs } = step.node
  const source = entryOf(state, inputs[part.operand]!, part.index, part.rank, entry)
  return {
    source: source.name, index: source.index, input: figure(part.values[entry]!),
    weight: part.weights ? figure(part.weights[entry]!) : null, product: figure(product(part, entry)),
    weight_source: part.weightOperand !== null && part.weightIndex
      ? entryOf(state, inputs[part.weightOperand]!, part.weightIndex, part.weightRank, entry) : null,
    role: part.role, opened: null,
  }
}

/** `placeOf` an entry of a part: hundreds are made with each piece of a stroke, so without an array in between. */
function entryOf(state: State, tensor: string, places: Int32Array, rank: number, entry: number): PlaceDocument {
  const about = state.tensors.get(tensor)
  const skipped = about?.batch ? 1 : 0
  const index = new Array<number>(rank - skipped)
  for (let axis = 0; axis < index.length; axis++) index[axis] = places[entry * rank + skipped + axis]!
  return { name: about?.name ?? tensor, index }
}

/** Every term, in the order of the window. */
export function termsOf(state: State, opened: Opened): TermDocument[] {
  const { step, opening } = opened
  const found: TermDocument[] = []
  if (step && opening) {
    for (const part of opening.parts) for (let n = 0; n < part.values.length; n++) found.push(termOf(state, step, part, n))
  }
  return found
}

function closes(dtype: string, opening: Opening, difference: number): boolean {
  const closeness = isWhole(dtype) || dtype === 'bool' ? undefined : CLOSENESS[dtype]
  const allowed = closeness === undefined ? 0 : closeness * magnitudeOf(opening) + SMALLEST
  return Number.isFinite(difference) && Math.abs(difference) <= allowed
}

export function levelDocument(state: State, tensor: string, full: readonly number[]): LevelDocument {
  const opened = openAt(state, tensor, full)
  const { step, opening, stored } = opened
  const about = state.tensors.get(tensor)
  const place = placeOf(state, tensor, full)
  const terms = termsOf(state, opened)
  const sum = opening ? valueOf(opening) : null
  const difference = sum === null ? null : sum === stored ? 0 : sum - stored
  const off = state.off.get(tensor)?.has(full.length > 1 ? full[1]! : full[0]!) ?? false
  const facts = opening ? Object.entries(opening.facts).map(([name, value]) => [name, figure(value)]) : []
  return {
    ...place,
    axes: about?.axes ?? full.map((_, axis) => `axis ${axis}`),
    kind: step ? step.node.kind : isConstant(state, tensor) ? 'weight' : 'input',
    operation: step ? step.node.type : '',
    value: figure(stored),
    sum: sum === null ? null : figure(sum),
    difference: difference === null ? null : figure(difference),
    closes: difference === null || !opening ? null : closes(state.values.get(tensor)!.dtype, opening, difference),
    terms: opening?.linear ? terms : null,
    operands: opening && !opening.linear ? terms : null,
    remainder: null,
    bias: opening?.linear ? figure(opening.bias) : null,
    bias_source: opening?.linear && opening.biasOperand !== null && step
      ? placeOf(state, step.node.inputs[opening.biasOperand]!, opening.biasIndex) : null,
    divisor: opening?.linear ? figure(opening.divisor) : null,
    facts: Object.fromEntries(facts),
    formula: opening ? formulaOf(opening) : null,
    note: opening && !opening.linear ? opening.note : '',
    reason: off ? 'This map was switched off by hand: its values are 0.' : step ? '' : given(state, tensor),
    window: opening?.window ? {
      shape: [...opening.window.shape], cells: Array.from(opening.window.cells), start: [...opening.window.start],
      step: [...opening.window.step], channels: [...opening.window.channels],
    } : null,
    chosen: opening && !opening.linear ? opening.chosen : null,
  }
}

function given(state: State, tensor: string): string {
  return `${isConstant(state, tensor) ? 'a constant of the file' : 'an input of the graph'}: nothing computes it`
}

