// Pooling: the largest, the mean or the p-norm of a sliding window, channel by channel.
import type { Attributes, Operands, Operation, Part, Sets, Window } from '../base'
import { block, formula, linear, needed, number } from '../base'
import type { Index, Tensor } from '../tensor'
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

type Visit = (value: number, place: number) => void

/** Calls `visit` for every value under every window, window by window: `begin` first, `end` last. */
function sweep(slide: Slide, x: Tensor, shape: readonly number[], begin: () => void, visit: Visit, end: (at: number) => void) {
  const flat = inPlane(slide)
  const [h, w] = plane(x.shape)
  const [oh, ow] = plane(shape)
  const planes = x.shape[0]! * x.shape[1]!
  const rows = spans(flat, 0, h, oh)
  const columns = spans(flat, 1, w, ow)
  const [dy, dx] = flat.dilation as [number, number]
  let at = 0
  for (let p = 0; p < planes; p++) {
    for (let oy = 0; oy < oh; oy++) {
      for (let ox = 0; ox < ow; ox++) {
        begin()
        for (let y = rows.first[oy]!; y < rows.last[oy]!; y += dy) {
          const row = (p * h + y) * w
          for (let i = columns.first[ox]!; i < columns.last[ox]!; i += dx) visit(x.data[row + i]!, row + i)
        }
        end(at++)
      }
    }
  }
}

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
      let top = 0
      let place = -1
      sweep(slide, x, shape, () => {
        top = least(x.dtype)
        place = -1
      }, (value, at) => {
        if (place < 0 || value > top) {
          top = value
          place = at
        }
      }, (at) => {
        result.data[at] = top
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
      let top = 0
      let place = -1
      sweep(slide, x, result.shape, () => {
        place = -1
      }, (value, at) => {
        if (place < 0 || value > top) {
          top = value
          place = at
        }
      }, (at) => {
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
      let sum = 0
      sweep(slide, x, result.shape, () => {
        sum = 0
      }, (value) => {
        sum += value
      }, (at) => {
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
      let at = 0
      sweep(slide, x, result.shape, () => {}, (_, place) => {
        found[place]! += gradient[at]! / by[at % by.length]!
      }, () => {
        at++
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
      let sum = 0
      sweep(slide, x, result.shape, () => {
        sum = 0
      }, (value) => {
        sum += Math.abs(value) ** p
      }, (at) => {
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
