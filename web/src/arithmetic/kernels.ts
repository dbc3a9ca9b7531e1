// A layer's learned kernels, and the classical filter that each is nearest to: inside/classical.py.
import type { FrameDocument } from '../types'

export interface Near {
  readonly name: string
  readonly likeness: number
  readonly kernel: readonly (readonly number[])[]
}

/** The nearest for each kernel [outputs, channels, height, width]; null where nothing is near. */
export function nearest(data: Float32Array, shape: readonly number[], frames: readonly FrameDocument[]): (Near | null)[] {
  const [outputs, channels, height, width] = shape as [number, number, number, number]
  const frame = frames.find((each) => each.height === height && each.width === width)
  const threshold = frame?.thresholds[String(channels)]
  if (!frame || threshold === undefined) return new Array<null>(outputs).fill(null)
  const cells = height * width
  const count = frame.filters.length
  const vectors = Float64Array.from(frame.filters.flatMap((each) => each.kernel.flat()))
  const kernel = new Float64Array(channels * cells)
  const found: (Near | null)[] = []
  for (let o = 0; o < outputs; o++) {
    const largest = unit(data, o * channels * cells, kernel)
    let best = -1
    let bestSize = -1
    let upright = false
    for (let n = 0; n < count; n++) {
      let squares = 0
      let sum = 0
      for (let from = 0; from < kernel.length; from += cells) {
        let part = 0
        for (let i = 0; i < cells; i++) part += kernel[from + i]! * vectors[n * cells + i]!
        squares += part * part
        sum += part
      }
      // Equal ones must not be told apart by their last bits; among them an upright one comes first.
      const size = Math.round(Math.min(Math.sqrt(squares), 1) * 1e9) / 1e9
      if (size > bestSize || (size === bestSize && sum >= 0 && !upright)) {
        best = n
        bestSize = size
        upright = sum >= 0
      }
    }
    const filter = frame.filters[best]
    if (!filter || !largest || bestSize < threshold) {
      found.push(null)
      continue
    }
    const inverted = channels === 1 && !upright
    found.push({
      name: filter.title + (inverted ? ', inverted' : '') + (filter.enlarged ? ', enlarged' : ''),
      likeness: inverted ? -bestSize : bestSize,
      kernel: filter.kernel.map((row) => row.map((cell) => (inverted ? -cell : cell))),
    })
  }
  return found
}

/** One kernel at length 1, first by its largest number, as float32's smallest would vanish in their squares. */
function unit(data: Float32Array, from: number, kernel: Float64Array): number {
  let largest = 0
  for (let i = 0; i < kernel.length; i++) largest = Math.max(largest, Math.abs(data[from + i]!))
  let squares = 0
  for (let i = 0; i < kernel.length; i++) {
    kernel[i] = data[from + i]! / (largest || 1)
    squares += kernel[i]! ** 2
  }
  const length = Math.sqrt(squares) || 1
  for (let i = 0; i < kernel.length; i++) kernel[i]! /= length
  return largest
}
