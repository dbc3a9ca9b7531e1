// A heatmap over a picture: numbers on a grid, and which part of the picture the grid covers: inside/heatmap.py.
import { ends, reaching, setsOf } from './field'
import type { State } from './network'

/** top, left, height, width in pixels; it may reach out of the picture (padding), or leave its ends out (cropping). */
export type Frame = readonly [top: number, left: number, height: number, width: number]

export interface Grid {
  readonly values: Float64Array
  readonly height: number
  readonly width: number
}

interface Line {
  readonly first: Int32Array
  readonly second: Int32Array
  readonly weight: Float64Array
  readonly inside: Uint8Array
}

function line(n: number, start: number, length: number, size: number): Line {
  const found = {
    first: new Int32Array(size), second: new Int32Array(size), weight: new Float64Array(size), inside: new Uint8Array(size),
  }
  for (let i = 0; i < size; i++) {
    const share = (i + 0.5 - start) / length
    const place = Math.min(Math.max(share * n - 0.5, 0), n - 1)
    const first = Math.min(Math.trunc(place), n - 1)
    found.first[i] = first
    found.second[i] = Math.min(first + 1, n - 1)
    found.weight[i] = place - first
    found.inside[i] = share >= 0 && share <= 1 ? 1 : 0
  }
  return found
}

/** For drawing: [height, width] of the picture, bilinear; outside of the frame the least value. */
export function over(grid: Grid, frame: Frame, height: number, width: number): Float64Array {
  const rows = line(grid.height, frame[0], frame[2], height)
  const columns = line(grid.width, frame[1], frame[3], width)
  const least = grid.values.reduce((low, value) => Math.min(low, value), Infinity)
  const found = new Float64Array(height * width)
  const at = (row: number, column: number) => grid.values[row * grid.width + column]!
  for (let y = 0; y < height; y++) {
    const [top, bottom, down] = [rows.first[y]!, rows.second[y]!, rows.weight[y]!]
    for (let x = 0; x < width; x++) {
      const [left, right, across] = [columns.first[x]!, columns.second[x]!, columns.weight[x]!]
      const start = at(top, left) * (1 - down) + at(bottom, left) * down
      const end = at(top, right) * (1 - down) + at(bottom, right) * down
      found[y * width + x] = rows.inside[y] && columns.inside[x] ? start * (1 - across) + end * across : least
    }
  }
  return found
}

/** The part of the picture that the network's input `tensor` covers, asked of two of its places off the border. */
export function frameOf(state: State, tensor: string, picture: string): Frame {
  const { height, width } = state.picture
  const whole: Frame = [0, 0, height, width]
  const about = state.tensors.get(tensor)
  const full = state.values.get(tensor)?.shape
  if (tensor === picture || !about || full?.length !== 4) return whole
  const [h, w] = about.channel_last ? [full[1]!, full[2]!] : [full[2]!, full[3]!]
  const source = (row: number, column: number) => {
    const index = about.channel_last ? [0, row, column, 0] : [0, 0, row, column]
    const sets = reaching(state, tensor, setsOf(full, index), picture)
    const [rows, columns] = [sets ? ends(sets[1]!) : null, sets ? ends(sets[2]!) : null]
    return rows && columns ? [rows, columns] : null
  }
  const lines: ([number, number] | null)[] = [null, null]
  for (const part of [8, 4, 3]) {
    const near = [Math.floor(h / part), Math.floor(w / part)]
    const far = [h - 1 - Math.floor(h / part), w - 1 - Math.floor(w / part)]
    const [first, second] = [source(near[0]!, near[1]!), source(far[0]!, far[1]!)]
    if (!first || !second) return whole
    for (const [axis, n, size] of [[0, h, height], [1, w, width]] as const) {
      const [low, last] = first[axis]!
      const [start, high] = second[axis]!
      if (!lines[axis] && near[axis]! < far[axis]! && low > 0 && low < start && last < high && high < size - 1) {
        const step = (start + high - low - last) / 2 / (far[axis]! - near[axis]!)
        lines[axis] = [(low + last + 1) / 2 - (near[axis]! + 0.5) * step, n * step]
      }
    }
    if (lines[0] && lines[1]) break
  }
  const [top, tall] = lines[0] ?? [0, height]
  const [left, broad] = lines[1] ?? [0, width]
  return [top, left, tall, broad]
}
