// Why one class and not another: the difference of two sums, term by term, as the last layer computes them:
// inside/difference.py.
import type { VersusDocument } from '../types'
import type { Part } from './base'
import { product } from './base'
import { figure, openAt, placeOf } from './level'
import type { State } from './network'
import { ravel, unravel } from './tensor'

const SUMS = new Set(['convolution.Convolution', 'dense.Gemm', 'dense.MatMul'])

interface Sum {
  readonly layer: string
  readonly source: string
  readonly part: Part
  readonly factor: number
  readonly bias: number
}

/** From a score back through what only moves, scales or shifts it, to the sum that it is; null where it is none. */
function sumBehind(state: State, scores: string, which: number): Sum | null {
  let tensor = scores
  let full = unravel(state.values.get(scores)!.shape, which)
  let factor = 1
  let bias = 0
  for (;;) {
    const { step, opening } = openAt(state, tensor, full)
    if (!step || !opening?.linear) return null
    const { inputs } = step.node
    const fixed = (operand: number) => state.constants.has(inputs[operand]!)
    const parts = opening.parts.map((part) => dataFirst(part, fixed))
    const live = parts.filter((part) => !fixed(part.operand))
    const [part] = live
    if (live.length !== 1 || !part || (part.weightOperand !== null && !fixed(part.weightOperand))) return null
    factor /= opening.divisor
    let constant = opening.bias
    for (const each of parts) if (fixed(each.operand)) for (let n = 0; n < each.values.length; n++) constant += product(each, n)
    bias += factor * constant
    const source = inputs[part.operand]!
    if (part.values.length !== 1 || SUMS.has(step.node.operation!)) {
      return { layer: step.node.name, source, part, factor, bias }
    }
    factor *= part.weights?.[0] ?? 1
    tensor = source
    full = Array.from(part.index)
  }
}

/** A constant times a value is the value times the constant. */
function dataFirst(part: Part, fixed: (operand: number) => boolean): Part {
  const { weightOperand, weightIndex, weights } = part
  if (weightOperand === null || !weightIndex || !weights) return part
  if (!fixed(part.operand) || fixed(weightOperand)) return part
  return {
    ...part, operand: weightOperand, rank: part.weightRank, index: weightIndex, values: weights, weights: part.values,
    weightOperand: part.operand, weightRank: part.rank, weightIndex: part.index,
  }
}

export function difference(state: State, scores: string, classes: readonly string[], a: number, b: number): VersusDocument | null {
  const [first, second] = [sumBehind(state, scores, a), sumBehind(state, scores, b)]
  if (!first || !second || first.layer !== second.layer || first.source !== second.source) return null
  const { shape, data } = state.values.get(first.source)!
  const weightsOf = ({ part, factor }: Sum) => {
    const found = new Map<number, number>()
    for (let n = 0; n < part.values.length; n++) {
      const place = ravel(shape, Array.from(part.index.subarray(n * part.rank, (n + 1) * part.rank)))
      found.set(place, (found.get(place) ?? 0) + (part.weights?.[n] ?? 1) * factor)
    }
    return found
  }
  const [ofA, ofB] = [weightsOf(first), weightsOf(second)]
  const together = [...new Set([...ofA.keys(), ...ofB.keys()])].sort((p, q) => p - q)
  let sum = first.bias - second.bias
  const terms = together.map((place) => {
    const input = data[place]!
    const [left, right] = [ofA.get(place) ?? 0, ofB.get(place) ?? 0]
    const own = input * (left - right)
    sum += own
    return {
      index: placeOf(state, first.source, unravel(shape, place)).index, input: figure(input), weight_a: figure(left),
      weight_b: figure(right), product: figure(own),
    }
  })
  const values = state.values.get(scores)!.data
  return {
    a: classes[a]!, b: classes[b]!, layer: first.layer, source: placeOf(state, first.source, []).name, terms,
    biases: figure(first.bias - second.bias), sum: figure(sum), scores: [figure(values[a]!), figure(values[b]!)],
  }
}
