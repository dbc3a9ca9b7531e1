// Resizing: each value a weighted sum of values around its place in the input, axis by axis. Grey levels stay grey
// levels: with antialiasing in fixed point, rounded after each axis; else summed in float32 and cut off.
import type { Attributes, Operands, Operation, Opening, Part, Sets } from '../base'
import { block, formula, linear, needed, number, range } from '../base'
import type { Index, Numbers, Tensor } from '../tensor'
import { isWhole, ravel, tensor, unravel } from '../tensor'
import type { Axis, Taps } from './resampling'
import { isSame, neighbours, tapsOf } from './resampling'

const BITS = 22
const UNIT = 2 ** BITS
const f = Math.fround

/** Weights in units of 2^-22, halves away from 0. */
function fixed(tap: Taps): number[] {
  return tap.weights.map((weight) => Math.sign(weight) * Math.floor(Math.abs(f(weight * UNIT)) + 0.5))
}

function level(sum: number): number {
  return Math.min(Math.max(Math.floor((sum + UNIT / 2) / UNIT), 0), 255)
}

export function resize(attributes: Attributes): Operation {
  const axes = attributes['axes'] as Axis[]
  const extrapolation = attributes['extrapolation'] as number
  const known = axes.map(() => new Map<number, Taps>())
  const tapAt = (axis: number, place: number): Taps => {
    let found = known[axis]!.get(place)
    if (!found) known[axis]!.set(place, (found = tapsOf(axes[axis]!, place)))
    return found
  }
  const shape = axes.map((axis) => axis.new)
  const levels = (x: Tensor) => isWhole(x.dtype) && axes.some((axis) => axis.mode !== 'nearest' && !isSame(axis))
  const smooth = axes.some((axis) => axis.antialias)

  /** One axis of a tensor brought to its new size. */
  function pass(data: Numbers, from: number[], axis: number, weightsOf: (tap: Taps) => number[], whole: boolean): Float64Array {
    const size = axes[axis]!.new
    const inner = from.slice(axis + 1).reduce((n, each) => n * each, 1)
    const outer = from.slice(0, axis).reduce((n, each) => n * each, 1)
    const made = new Float64Array(outer * size * inner)
    const old = from[axis]!
    const all = range(size).map((place) => tapAt(axis, place))
    const places = all.map((tap) => Int32Array.from(tap.places))
    const weights = all.map((tap) => Float64Array.from(weightsOf(tap)))
    for (let o = 0; o < outer; o++) { // line by line, as they lie in memory
      for (let place = 0; place < size; place++) {
        const to = (o * size + place) * inner
        const own = places[place]!
        const by = weights[place]!
        for (let n = 0; n < own.length; n++) {
          const start = (o * old + own[n]!) * inner
          const weight = by[n]!
          for (let i = 0; i < inner; i++) made[to + i]! += weight * data[start + i]!
        }
        if (whole) for (let i = 0; i < inner; i++) made[to + i] = level(made[to + i]!)
      }
    }
    return made
  }

  function forward(x: Tensor): Tensor {
    const result = tensor(shape, x.dtype)
    const gone = axes.map((axis, n) => range(axis.new).filter((place) => tapAt(n, place).outside))
    if (levels(x) && !smooth) {
      for (let i = 0; i < result.data.length; i++) result.data[i] = cutOff(x, unravel(shape, i), axes)
    } else {
      const whole = levels(x)
      let data: Numbers = x.data
      const from = [...x.shape]
      for (let axis = axes.length - 1; axis >= 0; axis--) {
        if (isSame(axes[axis]!)) continue
        data = pass(data, from, axis, whole ? fixed : (tap) => tap.weights, whole)
        from[axis] = axes[axis]!.new
      }
      for (let i = 0; i < result.data.length; i++) result.data[i] = data[i]!
    }
    if (gone.some((places) => places.length)) {
      const fill = isWhole(x.dtype) ? Math.trunc(extrapolation) : extrapolation
      const outside = gone.map((places) => new Set(places))
      for (let i = 0; i < result.data.length; i++) {
        if (unravel(shape, i).some((place, axis) => outside[axis]!.has(place))) result.data[i] = fill
      }
    }
    return result
  }

  return {
    forward: (operands: Operands) => [forward(needed(operands, 0))],

    open(operands: Operands, index: Index): Opening {
      const x = needed(operands, 0)
      const taps = index.map((place, axis) => tapAt(axis, place))
      const whole = isWhole(x.dtype)
      if (taps.some((tap) => tap.outside)) return linear([], { bias: whole ? Math.trunc(extrapolation) : extrapolation })
      const part = block(0, x, taps.map((tap) => tap.places))
      if (!levels(x)) {
        const weights = outer(taps.map((tap) => tap.weights))
        const only = weights.length === 1 && weights[0] === 1
        return linear([only ? part : { ...part, weights }])
      }
      if (!smooth) {
        const weights = outer(taps.map((tap) => tap.weights))
        const exact = weighted(part.values, weights)
        const made = cutOff(x, index, axes)
        return formula([{ ...part, weights }], made, `${number(exact)}, cut off to ${made}`, {
          facts: { 'before rounding': exact },
        })
      }
      const units = taps.map((tap, axis) => (isSame(axes[axis]!) ? [1] : fixed(tap)))
      const weights = outer(units.map((own, axis) => (isSame(axes[axis]!) ? own : own.map((unit) => unit / UNIT))))
      const { made, words } = inPasses(part, taps, units, axes)
      return formula([{ ...part, weights } as Part], made, `${words} -> ${made}`, {
        facts: { 'before rounding': weighted(part.values, weights) },
      })
    },

    reach(operands: Operands, sets: Sets) {
      const found = needed(operands, 0).shape.map((n, axis) => {
        const set = new Uint8Array(n)
        sets[axis]!.forEach((marked, place) => {
          if (marked) for (const at of tapAt(axis, place).places) set[at] = 1
        })
        return set
      })
      return [found]
    },

    backward(operands: Operands, result: Tensor, gradient: Float64Array) {
      const x = needed(operands, 0)
      const found = new Float64Array(x.data.length)
      for (let i = 0; i < gradient.length; i++) {
        if (!gradient[i]) continue
        const taps = unravel(result.shape, i).map((place, axis) => tapAt(axis, place))
        const part = block(0, x, taps.map((tap) => tap.places))
        const weights = outer(taps.map((tap) => tap.weights))
        for (let n = 0; n < weights.length; n++) {
          found[ravel(x.shape, Array.from(part.index.subarray(n * part.rank, (n + 1) * part.rank)))]! += gradient[i]! * weights[n]!
        }
      }
      return [found]
    },
  }
}

function outer(weights: readonly (readonly number[])[]): Float64Array {
  let product = Float64Array.of(1)
  for (let axis = weights.length - 1; axis >= 0; axis--) {
    const own = weights[axis]!
    const next = new Float64Array(own.length * product.length)
    own.forEach((weight, n) => product.forEach((value, i) => (next[n * product.length + i] = weight * value)))
    product = next
  }
  return product
}

function weighted(values: Float64Array, weights: Float64Array): number {
  let sum = 0
  for (let n = 0; n < values.length; n++) sum += values[n]! * weights[n]!
  return sum
}

/** One grey level from a block of them, the last axis first, each pass rounded; and in words what it went through. */
function inPasses(part: Part, taps: readonly Taps[], units: readonly number[][], axes: readonly Axis[]) {
  let data: Float64Array = part.values
  const shape = taps.map((tap) => tap.places.length)
  const words: string[] = []
  let exact = 0
  for (let axis = axes.length - 1; axis >= 0; axis--) {
    if (isSame(axes[axis]!)) continue
    const inner = shape.slice(axis + 1).reduce((n, each) => n * each, 1)
    const before = shape.slice(0, axis).reduce((n, each) => n * each, 1)
    const count = shape[axis]!
    words.push(words.length ? `${data.length} rounded to whole levels` : `${data.length} grey levels`)
    const next = new Float64Array(before * inner)
    for (let o = 0; o < before; o++) {
      for (let i = 0; i < inner; i++) {
        let sum = 0
        for (let n = 0; n < count; n++) sum += data[(o * count + n) * inner + i]! * units[axis]![n]!
        if (!o && !i) exact = sum / UNIT
        next[o * inner + i] = level(sum)
      }
    }
    data = next
    shape[axis] = 1
  }
  return { made: data[0]!, words: `${words.join(', ')}, weighted ${number(exact)}` }
}

/** The grey level made of two neighbours on each axis, without antialiasing: with the channels last in units of 2^-10,
 *  else in float32, terms in the order of places; either is cut off. */
function cutOff(x: Tensor, index: Index, axes: readonly Axis[]): number {
  const rank = axes.length
  const last = rank === 4 && axes[1]!.scale !== 1
  const spatial = last ? [1, 2] : range(rank - (rank > 3 ? 2 : 0), rank > 3 ? 2 : 0)
  const pairs: number[][] = []
  const weights: number[][] = []
  axes.forEach((axis, n) => {
    const place = index[n]!
    if (!spatial.includes(n)) {
      pairs.push([place])
      weights.push([1])
      return
    }
    const [at, first, second] = neighbours(axis, place)
    pairs.push([first, second])
    if (last) {
      const units = Math.trunc(f(at * 1024))
      weights.push(first < second ? [Math.abs(units - second * 1024), Math.abs(units - first * 1024)] : [512, 512])
    } else {
      weights.push(first < second ? [Math.abs(f(at - f(second))), Math.abs(f(at - f(first)))] : [0.5, 0.5])
    }
  })
  const values = block(0, x, pairs).values
  if (last) return Math.floor(weighted(values, outer(weights)) / 2 ** 20)
  let product = [1]
  for (let axis = rank - 1; axis >= 0; axis--) product = weights[axis]!.flatMap((weight) => product.map((value) => f(weight * value)))
  let sum = 0
  product.forEach((weight, n) => (sum = f(sum + f(weight * values[n]!))))
  return Math.trunc(sum)
}

