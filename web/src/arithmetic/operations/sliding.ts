// A window that slides over the spatial axes: where it lies and what it touches. Shared by convolution and pooling.
import type { Attributes, Sets } from '../base'
import type { Index, Numbers, Shape } from '../tensor'

export interface Slide {
  readonly kernel: Shape
  readonly stride: Shape
  readonly pads: readonly (readonly [number, number])[]
  readonly dilation: Shape
  readonly ceil: boolean
}

export function slideOf(attributes: Attributes): Slide {
  return {
    kernel: attributes['kernel'] as number[], stride: attributes['stride'] as number[],
    pads: attributes['pads'] as [number, number][], dilation: attributes['dilation'] as number[],
    ceil: Boolean(attributes['ceil_mode']),
  }
}

/** How many windows there are on each axis: floor((n + p - d(f - 1) - 1) / s) + 1, or ceil. */
export function sizes(slide: Slide, spatial: Shape): number[] {
  return spatial.map((n, axis) => {
    const [before, after] = slide.pads[axis]!
    const s = slide.stride[axis]!
    const spare = n + before + after - slide.dilation[axis]! * (slide.kernel[axis]! - 1) - 1
    const count = Math.floor(spare / s) + 1
    const hangs = slide.ceil && spare % s !== 0 && count * s < n + before
    return hangs ? count + 1 : count
  })
}

/** The window's first position in the input; negative in the padding. */
export function start(slide: Slide, place: Index): number[] {
  return place.map((o, axis) => o * slide.stride[axis]! - slide.pads[axis]![0])
}

/** On each axis: which places of the kernel lie inside the input, and the positions under them. */
export function taps(slide: Slide, spatial: Shape, place: Index): { taps: number[][]; places: number[][] } {
  const inside: number[][] = []
  const under: number[][] = []
  start(slide, place).forEach((first, axis) => {
    const kept: number[] = []
    const positions: number[] = []
    for (let k = 0; k < slide.kernel[axis]!; k++) {
      const position = first + k * slide.dilation[axis]!
      if (position >= 0 && position < spatial[axis]!) {
        kept.push(k)
        positions.push(position)
      }
    }
    inside.push(kept)
    under.push(positions)
  })
  return { taps: inside, places: under }
}

/** For each cell of [planes, *kernel], the number of its term, or -1 over the border. */
export function cells(kernel: Shape, planes: number, inside: readonly (readonly number[])[]): Int32Array {
  const size = kernel.reduce((n, f) => n * f, 1)
  const found = new Int32Array(planes * size).fill(-1)
  const count = inside.reduce((n, axis) => n * axis.length, 1)
  for (let plane = 0; plane < planes; plane++) {
    for (let n = 0; n < count; n++) {
      let rest = n
      let cell = 0
      let step = 1
      for (let axis = kernel.length - 1; axis >= 0; axis--) {
        const own = inside[axis]!
        cell += own[rest % own.length]! * step
        rest = Math.floor(rest / own.length)
        step *= kernel[axis]!
      }
      found[plane * size + cell] = plane * count + n
    }
  }
  return found
}

/** Which places of the input's spatial axes lie under the marked windows. */
export function under(slide: Slide, sets: Sets, spatial: Shape): Uint8Array[] {
  return spatial.map((n, axis) => {
    const found = new Uint8Array(n)
    const set = sets[axis]!
    for (let o = 0; o < set.length; o++) {
      if (!set[o]) continue
      const first = o * slide.stride[axis]! - slide.pads[axis]![0]
      for (let k = 0; k < slide.kernel[axis]!; k++) {
        const position = first + k * slide.dilation[axis]!
        if (position >= 0 && position < n) found[position] = 1
      }
    }
    return found
  })
}

/** A slide over one axis as one over two, a row of height 1. */
export function inPlane(slide: Slide): Slide {
  if (slide.kernel.length === 2) return slide
  if (slide.kernel.length !== 1) throw new Error('windows over three axes are computed by the command line alone')
  return {
    kernel: [1, ...slide.kernel], stride: [1, ...slide.stride], pads: [[0, 0], ...slide.pads],
    dilation: [1, ...slide.dilation], ceil: slide.ceil,
  }
}

/** A part of a plane. */
export interface Box {
  readonly top: number
  readonly left: number
  readonly rows: number
  readonly columns: number
}

/** The rows and columns in which something differs, in any plane. */
export function changed(now: Numbers, before: Numbers, [h, w]: readonly [number, number]): Box {
  let [top, left, bottom, right] = [h, w, -1, -1]
  for (let i = 0, n = now.length; i < n; i++) {
    if (now[i] === before[i]) continue
    const column = i % w
    const row = ((i - column) / w) % h
    if (row < top) top = row
    if (row > bottom) bottom = row
    if (column < left) left = column
    if (column > right) right = column
  }
  return { top, left, rows: Math.max(0, bottom - top + 1), columns: Math.max(0, right - left + 1) }
}

/** The windows of a plane that see something of a box. */
export function reached(slide: Slide, { top, left, rows, columns }: Box, [oh, ow]: readonly [number, number]): Box {
  const along = (axis: number, first: number, count: number, n: number): [number, number] => {
    const [stride, before] = [slide.stride[axis]!, slide.pads[axis]![0]]
    const wide = (slide.kernel[axis]! - 1) * slide.dilation[axis]!
    const from = Math.max(0, Math.ceil((first + before - wide) / stride))
    const last = Math.min(n - 1, Math.floor((first + count - 1 + before) / stride))
    return [from, count ? Math.max(0, last - from + 1) : 0]
  }
  const [y, high] = along(0, top, rows, oh)
  const [x, wide] = along(1, left, columns, ow)
  return { top: y, left: x, rows: high, columns: wide }
}
