// Softmax and its kin: every value is made of a whole group, along one axis or over several.
import type { Attributes, Operands, Operation, Part, Sets } from '../base'
import { block, formula, needed, number, range } from '../base'
import type { Index, Shape, Tensor } from '../tensor'
import { ravel, sizeOf, strided, stridesOf, tensor } from '../tensor'

/** The positions on each axis of the values that lie along `axes` through `index`. */
export function groupOf(shape: Shape, index: Index, axes: readonly number[]): number[][] {
  return shape.map((n, axis) => (axes.includes(axis) ? range(n) : [index[axis]!]))
}

/** The flat places of every group: [groups][values]. */
export function groups(shape: Shape, axes: readonly number[]): { starts: Int32Array; inner: Int32Array } {
  const strides = stridesOf(shape)
  const of = (within: boolean) => {
    const own = shape.map((n, axis) => (axes.includes(axis) === within ? n : 1))
    return strided(own, strides)
  }
  return { starts: of(false), inner: of(true) }
}

/** Sets with whole axes wherever something is marked. */
export function along(sets: Sets, axes: readonly number[]): Uint8Array[] {
  return sets.map((set, axis) => (axes.includes(axis) ? new Uint8Array(set.length).fill(set.includes(1) ? 1 : 0) : set.slice()))
}

function grouped(x: Tensor, index: Index, axes: readonly number[]): { part: Part; own: number } {
  const positions = groupOf(x.shape, index, axes)
  const own = ravel(positions.map((axis) => axis.length), index.map((n, axis) => (axes.includes(axis) ? n : 0)))
  return { part: block(0, x, positions, 'logit'), own }
}

export function softmax(attributes: Attributes): Operation {
  const axes = attributes['axes'] as number[]
  const logarithm = Boolean(attributes['logarithm'])
  return {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const result = tensor(x.shape, x.dtype)
      const { starts, inner } = groups(x.shape, axes)
      for (const start of starts) {
        let greatest = -Infinity
        for (const place of inner) greatest = Math.max(greatest, x.data[start + place]!)
        let sum = 0
        for (const place of inner) sum += Math.exp(x.data[start + place]! - greatest)
        for (const place of inner) {
          const below = x.data[start + place]! - greatest
          result.data[start + place] = logarithm ? below - Math.log(sum) : Math.exp(below) / sum
        }
      }
      return [result]
    },
    open(operands: Operands, index: Index) {
      const { part, own } = grouped(needed(operands, 0), index, axes)
      const x = part.values[own]!
      const greatest = part.values.reduce((top, value) => Math.max(top, value), -Infinity)
      let sum = 0
      let weighted = 0
      for (const value of part.values) {
        const below = value - greatest
        const e = Math.exp(below)
        sum += e
        if (e > 0) weighted += e * -below
      }
      const depth = greatest - x
      const ofSum = 1 + weighted / sum
      const facts = { maximum: greatest, sum, count: part.values.length }
      if (logarithm) {
        const text = `${number(x)} - ${number(greatest)} - log(${number(sum)})`
        return formula([part], x - greatest - Math.log(sum), text, { scale: depth + Math.abs(Math.log(sum)) + ofSum, facts })
      }
      const result = Math.exp(x - greatest) / sum
      const text = `exp(${number(x)} - ${number(greatest)}) / ${number(sum)}`
      return formula([part], result, text, { scale: result * (depth + ofSum), facts })
    },
    reach: (_operands: Operands, sets: Sets) => [along(sets, axes)],
    backward(operands: Operands, result: Tensor, gradient: Float64Array) {
      const x = needed(operands, 0)
      const found = new Float64Array(sizeOf(x.shape))
      const { starts, inner } = groups(x.shape, axes)
      for (const start of starts) {
        let dot = 0
        for (const place of inner) {
          const at = start + place
          dot += gradient[at]! * (logarithm ? 1 : result.data[at]!)
        }
        for (const place of inner) {
          const at = start + place
          const y = result.data[at]!
          found[at] = logarithm ? gradient[at]! - Math.exp(y) * dot : y * (gradient[at]! - dot)
        }
      }
      return [found]
    },
  }
}

export function hardmax(attributes: Attributes): Operation {
  const axes = attributes['axes'] as number[]
  const winnerOf = (values: Iterable<number>) => {
    let top = -Infinity
    let at = 0
    let n = 0
    for (const value of values) {
      if (value > top) {
        top = value
        at = n
      }
      n++
    }
    return at
  }
  return {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const result = tensor(x.shape, x.dtype)
      const { starts, inner } = groups(x.shape, axes)
      for (const start of starts) {
        const winner = winnerOf(Array.from(inner, (place) => x.data[start + place]!))
        result.data[start + inner[winner]!] = 1
      }
      return [result]
    },
    open(operands: Operands, index: Index) {
      const { part, own } = grouped(needed(operands, 0), index, axes)
      const winner = winnerOf(part.values)
      const is = own === winner
      const text = `${number(part.values[own]!)} ${is ? 'is' : 'is not'} the first greatest of ${part.values.length}`
      return formula([part], is ? 1 : 0, text, { scale: 1, chosen: winner })
    },
    reach: (_operands: Operands, sets: Sets) => [along(sets, axes)],
  }
}
