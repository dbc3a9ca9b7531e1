// Pooling: the largest, the mean or the p-norm of a sliding window, channel by channel.
import type { Attributes, Operands, Operation, Part, Sets, Window } from '../base'
import { block, formula, linear, needed, number } from '../base'
import type { Index, Numbers, Tensor } from '../tensor'
import { isWhole, ravel, tensor } from '../tensor'
import { plane } from './convolution'
import type { Slide } from './sliding'
import { cells, inPlane, sizes, slideOf, start, taps, under } from './sliding'

/** What lies under the window of one value, without the padding. */
function windowOf(slide: Slide, x: Tensor, index: Index): { part: Part; window: Window } {
  const [batch, channel, ...place] = index as [number, number, ...number[]]
  const found = taps(slide, x.shape.slice(2), place)
  return {
    part: block(0, x, [[batch], [channel], ...found.places]),
    window: {
      shape: [1, ...slide.kernel], cells: cells(slide.kernel, 1, found.taps), start: start(slide, place),
      step: slide.dilation, channels: [channel],
    },
  }
}

/** For each axis and output, the first place, one past the last and how many; steps of dilation between. */
function spans(slide: Slide, axis: number, n: number, count: number): { first: Int32Array; last: Int32Array } {
  const first = new Int32Array(count)
  const last = new Int32Array(count)
  const d = slide.dilation[axis]!
  for (let o = 0; o < count; o++) {
    const begin = o * slide.stride[axis]! - slide.pads[axis]![0]
    const before = begin < 0 ? Math.ceil(-begin / d) : 0
    first[o] = begin + before * d
    last[o] = Math.min(begin + (slide.kernel[axis]! - 1) * d + 1, n)
  }
  return { first, last }
}

/** Calls `visit` for each window in its order: where it begins and ends in the flat values, row by row of a plane. A
 * window's values are `x.data[row + i]`, for `row` from `top` to `bottom` by `down` and `i` from `left` to `right` by
 * `along`: a call for each value would be most of what pooling takes. */
function sweep(slide: Slide, x: Tensor, shape: readonly number[], visit: Visit): void {
  const flat = inPlane(slide)
  const [h, w] = plane(x.shape)
  const [oh, ow] = plane(shape)
  const planes = x.shape[0]! * x.shape[1]!
  const rows = spans(flat, 0, h, oh)
  const columns = spans(flat, 1, w, ow)
  const [down, along] = [flat.dilation[0]! * w, flat.dilation[1]!]
  let at = 0
  for (let p = 0; p < planes; p++) {
    for (let oy = 0; oy < oh; oy++) {
      const top = (p * h + rows.first[oy]!) * w
      const bottom = (p * h + rows.last[oy]!) * w
      for (let ox = 0; ox < ow; ox++) visit(at++, top, bottom, down, columns.first[ox]!, columns.last[ox]!, along)
    }
  }
}

type Visit = (at: number, top: number, bottom: number, down: number, left: number, right: number, along: number) => void

function shapeOf(slide: Slide, x: Tensor): number[] {
  return [x.shape[0]!, x.shape[1]!, ...sizes(slide, x.shape.slice(2))]
}

function reach(slide: Slide) {
  return (operands: Operands, sets: Sets): (Sets | null)[] => {
    const x = needed(operands, 0)
    return [[sets[0]!, sets[1]!, ...under(slide, sets.slice(2), x.shape.slice(2))]]
  }
}

function least(dtype: string): number {
  if (dtype === 'uint8') return 0
  return isWhole(dtype) ? -128 : -3.4028234663852886e38
}

/** The place of a window's largest value, the first of equal ones; -1 where nothing is under it. */
function winnerOf(data: Numbers, top: number, bottom: number, down: number, left: number, right: number, along: number): number {
  let place = -1
  let largest = 0
  for (let row = top; row < bottom; row += down) {
    for (let i = left; i < right; i += along) {
      const value = data[row + i]!
      if (place >= 0 && !(value > largest)) continue
      largest = value
      place = row + i
    }
  }
  return place
}

export function maxPooling(attributes: Attributes): Operation {
  const slide = slideOf(attributes)
  const columnMajor = Boolean(attributes['column_major'])

  /** The winner's place in the whole tensor as one number. */
  function flatPlace(x: Tensor, index: Index): number {
    if (!columnMajor) return ravel(x.shape, index)
    const spatial = x.shape.slice(2)
    const inside = ravel([...spatial].reverse(), [...index.slice(2)].reverse())
    return (index[0]! * x.shape[1]! + index[1]!) * spatial.reduce((n, size) => n * size, 1) + inside
  }

  return {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const shape = shapeOf(slide, x)
      const result = tensor(shape, x.dtype)
      const where = tensor(shape, 'int64')
      const { data } = x
      sweep(slide, x, shape, (at, top, bottom, down, left, right, along) => {
        const place = winnerOf(data, top, bottom, down, left, right, along)
        result.data[at] = place < 0 ? least(x.dtype) : data[place]!
        where.data[at] = place
      })
      return [result, where]
    },

    open(operands: Operands, index: Index, output: number) {
      const x = needed(operands, 0)
      const { part, window } = windowOf(slide, x, index)
      if (!part.values.length) {
        const result = output ? -1 : least(x.dtype)
        return formula([part], result, 'nothing under the window', { window })
      }
      let winner = 0
      for (let n = 1; n < part.values.length; n++) if (part.values[n]! > part.values[winner]!) winner = n
      const top = part.values[winner]!
      if (!output) {
        return formula([part], top, `max of ${part.values.length} values = ${number(top)}`, { chosen: winner, window })
      }
      const place = flatPlace(x, Array.from(part.index.subarray(winner * part.rank, (winner + 1) * part.rank)))
      return formula([part], place, `place of the maximum ${number(top)}`, { chosen: winner, window })
    },

    reach: reach(slide),

    backward(operands: Operands, result: Tensor, gradient: Float64Array) {
      const x = needed(operands, 0)
      const found = new Float64Array(x.data.length)
      sweep(slide, x, result.shape, (at, top, bottom, down, left, right, along) => {
        const place = winnerOf(x.data, top, bottom, down, left, right, along)
        if (place >= 0) found[place]! += gradient[at]!
      })
      return [found]
    },
  }
}

export function averagePooling(attributes: Attributes): Operation {
  const slide = slideOf(attributes)
  const countPads = Boolean(attributes['count_include_pad'])

  /** How many places a window counts: those inside, or the padding's too, never those past the padded end. */
  function divisor(x: Tensor, place: Index, inside: number): number {
    if (!countPads) return Math.max(inside, 1)
    let count = 1
    start(slide, place).forEach((first, axis) => {
      const end = x.shape[2 + axis]! + slide.pads[axis]![1]
      let own = 0
      for (let k = 0; k < slide.kernel[axis]!; k++) if (first + k * slide.dilation[axis]! < end) own++
      count *= own
    })
    return Math.max(count, 1)
  }

  function divisors(x: Tensor, shape: readonly number[], inside: (place: number[]) => number): Float64Array {
    const spatial = shape.slice(2)
    const found = new Float64Array(spatial.reduce((n, size) => n * size, 1))
    for (let n = 0; n < found.length; n++) {
      const place: number[] = []
      let rest = n
      for (let axis = spatial.length - 1; axis >= 0; axis--) {
        place.unshift(rest % spatial[axis]!)
        rest = Math.floor(rest / spatial[axis]!)
      }
      found[n] = divisor(x, place, inside(place))
    }
    return found
  }

  const insideOf = (x: Tensor) => (place: number[]) =>
    taps(slide, x.shape.slice(2), place).taps.reduce((n, axis) => n * axis.length, 1)

  return {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const result = tensor(shapeOf(slide, x), x.dtype)
      const by = divisors(x, result.shape, insideOf(x))
      sweep(slide, x, result.shape, (at, top, bottom, down, left, right, along) => {
        let sum = 0
        for (let row = top; row < bottom; row += down) for (let i = left; i < right; i += along) sum += x.data[row + i]!
        result.data[at] = sum / by[at % by.length]!
      })
      return [result]
    },

    open(operands: Operands, index: Index) {
      const x = needed(operands, 0)
      const { part, window } = windowOf(slide, x, index)
      return linear([part], { divisor: divisor(x, index.slice(2), part.values.length), window })
    },

    reach: reach(slide),

    backward(operands: Operands, result: Tensor, gradient: Float64Array) {
      const x = needed(operands, 0)
      const found = new Float64Array(x.data.length)
      const by = divisors(x, result.shape, insideOf(x))
      sweep(slide, x, result.shape, (at, top, bottom, down, left, right, along) => {
        const own = gradient[at]! / by[at % by.length]!
        for (let row = top; row < bottom; row += down) for (let i = left; i < right; i += along) found[row + i]! += own
      })
      return [found]
    },
  }
}

export function lpPooling(attributes: Attributes): Operation {
  const slide = slideOf(attributes)
  const p = attributes['p'] as number
  return {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const result = tensor(shapeOf(slide, x), x.dtype)
      sweep(slide, x, result.shape, (at, top, bottom, down, left, right, along) => {
        let sum = 0
        for (let row = top; row < bottom; row += down) for (let i = left; i < right; i += along) sum += Math.abs(x.data[row + i]!) ** p
        result.data[at] = sum ** (1 / p)
      })
      return [result]
    },
    open(operands: Operands, index: Index) {
      const { part, window } = windowOf(slide, needed(operands, 0), index)
      let sum = 0
      for (const value of part.values) sum += Math.abs(value) ** p
      return formula([part], sum ** (1 / p), `${number(sum)}^(1/${p})`, { facts: { p, 'sum of |x|^p': sum }, window })
    },
    reach: reach(slide),
  }
}
