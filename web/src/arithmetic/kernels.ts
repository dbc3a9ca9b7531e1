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
  const vectors = frame.filters.map((each) => Float64Array.from(each.kernel.flat()))
  const found: (Near | null)[] = []
  for (let o = 0; o < outputs; o++) {
    const kernel = data.subarray(o * channels * cells, (o + 1) * channels * cells)
    let largest = 0
    for (const value of kernel) largest = Math.max(largest, Math.abs(value))
    let length = 0
    for (const value of kernel) length += (value / (largest || 1)) ** 2
    length = Math.sqrt(length) || 1
    let best = -1
    let bestSize = -1
    let upright = false
    vectors.forEach((vector, n) => {
      let squares = 0
      let sum = 0
      for (let c = 0; c < channels; c++) {
        let part = 0
        for (let i = 0; i < cells; i++) part += (kernel[c * cells + i]! / (largest || 1)) * vector[i]!
        part /= length
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
    })
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
