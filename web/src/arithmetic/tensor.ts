// Whole tensors: a shape with the batch, and flat numbers in rows. The number type is the file's; float32 values are
// kept as such, whole numbers that a byte can't hold as float64, which is exact up to 2^53.

export type Numbers = Float32Array | Float64Array | Uint8Array
export type Shape = readonly number[]
export type Index = readonly number[]

export interface Tensor {
  readonly shape: Shape
  readonly data: Numbers
  readonly dtype: string
}

export function sizeOf(shape: Shape): number {
  let size = 1
  for (const n of shape) size *= n
  return size
}

/** How far apart neighbours lie on each axis. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step
    step *= shape[axis]!
  }
  return strides
}

export function ravel(shape: Shape, index: Index): number {
  let place = 0
  for (let axis = 0; axis < shape.length; axis++) place = place * shape[axis]! + index[axis]!
  return place
}

export function unravel(shape: Shape, place: number): number[] {
  const index = new Array<number>(shape.length)
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const n = shape[axis]!
    index[axis] = place % n
    place = Math.floor(place / n)
  }
  return index
}

const FLOATS = new Set(['float32', 'float16', 'bfloat16'])

/** Room for values of this type. */
export function room(dtype: string, size: number): Numbers {
  if (dtype === 'uint8') return new Uint8Array(size)
  return FLOATS.has(dtype) ? new Float32Array(size) : new Float64Array(size)
}

export function tensor(shape: Shape, dtype: string, data?: Numbers): Tensor {
  return { shape, dtype, data: data ?? room(dtype, sizeOf(shape)) }
}

export function isWhole(dtype: string): boolean {
  return dtype.startsWith('int') || dtype.startsWith('uint')
}

/** What the narrow types of integers hold: the least number and how many there are; all others hold a float64's. */
const SPANS = new Map([8, 16, 32].flatMap((bits) => [
  [`int${bits}`, { low: -(2 ** bits) / 2, span: 2 ** bits }],
  [`uint${bits}`, { low: 0, span: 2 ** bits }],
]))

/** How an integer type keeps whole numbers: modulo 2^bits (of 64 bits, what a float64 holds of it). */
export function wrapping(dtype: string): (value: number) => number {
  const held = SPANS.get(dtype)
  if (!held) return (value) => value
  const { low, span } = held
  return (value) => (value >= low && value < low + span ? value : ((((value - low) % span) + span) % span) + low)
}

export function wrapped(value: number, dtype: string): number {
  return wrapping(dtype)(value)
}

/** A result as a number type keeps it: integers are cut off and wrap; floats are rounded when they are stored. */
export function kept(value: number, dtype: string): number {
  if (isWhole(dtype) && Number.isFinite(value)) return wrapped(Math.trunc(value), dtype)
  if (dtype === 'bool') return value ? 1 : 0
  return value
}

/** NumPy's broadcasting of shapes. */
export function broadcast(shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length))
  const found = new Array<number>(rank).fill(1)
  for (const shape of shapes) {
    for (let axis = 0; axis < shape.length; axis++) {
      const at = rank - shape.length + axis
      const n = shape[axis]!
      if (n !== 1) {
        if (found[at] !== 1 && found[at] !== n) throw new Error(`shapes ${shapes.map((s) => s.join('x')).join(', ')}`)
        found[at] = n
      }
    }
  }
  return found
}

/** Where an operand of this shape holds what enters the result at `index`: axes of size 1 are repeated. */
export function placeIn(index: Index, shape: Shape): number[] {
  const spare = index.length - shape.length
  return shape.map((n, axis) => (n === 1 ? 0 : index[spare + axis]!))
}

/** For every value of a result of `shape`, its place in an operand of shape `from` that is broadcast to it. */
export function places(shape: Shape, from: Shape): Int32Array {
  const strides = stridesOf(from)
  const spare = shape.length - from.length
  const steps = shape.map((_, axis) => {
    const own = axis - spare
    return own < 0 || from[own] === 1 ? 0 : strides[own]!
  })
  return strided(shape, steps)
}

/** The place of every value, in rows, where axis i moves it by steps[i]. */
export function strided(shape: Shape, steps: readonly number[], start = 0): Int32Array {
  const size = sizeOf(shape)
  const found = new Int32Array(size)
  const rank = shape.length
  if (!size) return found
  if (!rank) {
    found[0] = start
    return found
  }
  const last = shape[rank - 1]!
  const step = steps[rank - 1]!
  const index = new Array<number>(rank).fill(0)
  let place = start
  for (let at = 0; at < size; at += last) {
    for (let i = 0, p = place; i < last; i++, p += step) found[at + i] = p
    for (let axis = rank - 2; axis >= 0; axis--) {
      index[axis]!++
      place += steps[axis]!
      if (index[axis]! < shape[axis]!) break
      place -= steps[axis]! * shape[axis]!
      index[axis] = 0
    }
  }
  return found
}
