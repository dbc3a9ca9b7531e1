// To whole numbers and back: x / scale + zero point, rounded and saturated; (x - zero point) scale.
import type { Attributes, Operands, Operation, Part, Sets } from '../base'
import { formula, linear, needed, number, one } from '../base'
import type { Index, Tensor } from '../tensor'
import { ravel, tensor, unravel } from '../tensor'
import { rint } from './pointwise'

function parameterPlace(attributes: Attributes): (index: Index, parameter: Tensor) => number[] {
  const axis = attributes['axis'] as number
  const size = attributes['block'] as number
  return (index, parameter) => {
    if (parameter.data.length === 1) return parameter.shape.map(() => 0)
    if (size) return index.map((n, k) => (k === axis ? Math.floor(n / size) : n))
    return [index[axis]!]
  }
}

export function quantize(attributes: Attributes): Operation {
  const placeOf = parameterPlace(attributes)
  const low = attributes['low'] as number
  const high = attributes['high'] as number
  const held = (value: number) => Math.min(Math.max(value, low), high)
  return {
    forward(operands: Operands) {
      const [x, scale, zero] = [needed(operands, 0), needed(operands, 1), operands[2] ?? null]
      const result = tensor(x.shape, zero ? zero.dtype : low < 0 ? 'int8' : 'uint8')
      for (let i = 0; i < x.data.length; i++) {
        const index = unravel(x.shape, i)
        const by = scale.data[ravel(scale.shape, placeOf(index, scale))]!
        const shift = zero ? zero.data[ravel(zero.shape, placeOf(index, zero))]! : 0
        result.data[i] = held(rint(Math.fround(x.data[i]! / by)) + shift)
      }
      return [result]
    },
    open(operands: Operands, index: Index) {
      const [x, scale, zero] = [needed(operands, 0), needed(operands, 1), operands[2] ?? null]
      const by = one(1, scale, placeOf(index, scale), 'scale')
      const parts: Part[] = [one(0, x, index), by]
      let shift = 0
      if (zero) {
        parts.push(one(2, zero, placeOf(index, zero), 'zero point'))
        shift = parts[2]!.values[0]!
      }
      const value = parts[0]!.values[0]!
      const quotient = Math.fround(value / by.values[0]!)
      const free = rint(quotient) + shift
      const result = held(free)
      return formula(parts, result, `round(${number(value)} / ${number(by.values[0]!)}) + ${shift}`, {
        note: result === free ? '' : `limited to ${low} to ${high}`, facts: { quotient },
      })
    },
    reach: (operands: Operands, sets: Sets) => [sets, ...operands.slice(1).map(() => null)],
  }
}

export function dequantize(attributes: Attributes): Operation {
  const placeOf = parameterPlace(attributes)
  return {
    forward(operands: Operands) {
      const [x, scale, zero] = [needed(operands, 0), needed(operands, 1), operands[2] ?? null]
      const result = tensor(x.shape, scale.dtype)
      for (let i = 0; i < x.data.length; i++) {
        const index = unravel(x.shape, i)
        const by = scale.data[ravel(scale.shape, placeOf(index, scale))]!
        const shift = zero ? zero.data[ravel(zero.shape, placeOf(index, zero))]! : 0
        result.data[i] = (x.data[i]! - shift) * by
      }
      return [result]
    },
    open(operands: Operands, index: Index) {
      const [x, scale, zero] = [needed(operands, 0), needed(operands, 1), operands[2] ?? null]
      const by = one(1, scale, placeOf(index, scale))
      const weighted = (part: Part, sign: number): Part => ({
        ...part, weights: by.values.map((value) => sign * value), weightOperand: 1, weightRank: by.rank,
        weightIndex: by.index,
      })
      const parts = [weighted(one(0, x, index), 1)]
      if (zero) parts.push(weighted(one(2, zero, placeOf(index, zero), 'zero point'), -1))
      return linear(parts)
    },
    reach: (operands: Operands, sets: Sets) => [sets, ...operands.slice(1).map(() => null)],
  }
}
