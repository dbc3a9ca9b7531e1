// Why this answer, without gradients: cover a part of the picture and look at the probability; and the deletion curve,
// which says whether a heatmap is faithful. By the same rule as inside/occlusion.py.
import type { Picture } from '../source'
import type { DeletionDocument } from '../types'
import { uniform } from './draws'
import type { Frame, Grid } from './heatmap'
import { over } from './heatmap'
import { rint } from './operations/pointwise'

/** The class' probability for a picture. A generator: it yields between pieces of work. */
export type Ask = (picture: Picture) => Generator<void, number>

const WINDOWS = 7
export const STEPS = 20
export const ORDERS = 10

export function meanColour(picture: Picture): number[] {
  const { channels, data } = picture
  const sums = new Array<number>(channels).fill(0)
  for (let i = 0; i < data.length; i++) sums[i % channels]! += data[i]!
  return sums.map((sum) => rint(sum / (data.length / channels)))
}

function share(n: number): number {
  return Math.max(1, rint(n / WINDOWS))
}

function starts(n: number, patch: number, stride: number): number[] {
  const count = Math.ceil((n - patch) / stride) + 1
  return Array.from({ length: count }, (_, i) => i * stride)
}

export interface Occluded {
  readonly heat: Grid
  readonly grain: readonly [number, number]
  readonly method: string
}

export function* occlusion(picture: Picture, ask: Ask, progress: (share: number) => void): Generator<void, Occluded> {
  const { height, width, channels } = picture
  const [rows, columns] = [share(height), share(width)]
  const tops = starts(height, rows, Math.max(1, Math.floor(rows / 2)))
  const lefts = starts(width, columns, Math.max(1, Math.floor(columns / 2)))
  const colour = meanColour(picture)
  const whole = yield* ask(picture)
  const fallen = new Float64Array(height * width)
  const covered = new Float64Array(height * width)
  let done = 0
  for (const top of tops) {
    for (const left of lefts) {
      const data = picture.data.slice()
      const bottom = Math.min(top + rows, height)
      const right = Math.min(left + columns, width)
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = colour[c]!
      }
      const probability = yield* ask({ ...picture, data })
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) {
          fallen[y * width + x]! += whole - probability
          covered[y * width + x]! += 1
        }
      }
      progress(++done / (tops.length * lefts.length))
    }
  }
  return {
    heat: { values: fallen.map((value, i) => value / covered[i]!), height, width },
    grain: [tops.length, lefts.length], method: `occlusion by patches of ${rows}x${columns}`,
  }
}

export function* deletion(
  picture: Picture, heat: Grid, frame: Frame, grain: readonly [number, number], ask: Ask, progress: (share: number) => void,
): Generator<void, DeletionDocument> {
  const { height, width } = picture
  const ties = uniform(height * width, 0, 0)
  const shares = Array.from({ length: STEPS + 1 }, (_, n) => n / STEPS)
  const areas: number[] = []
  let curve: number[] = []
  for (let number = 0; number <= ORDERS; number++) {
    const map = number
      ? over({ values: uniform(grain[0] * grain[1], 0, number), height: grain[0], width: grain[1] }, frame, height, width)
      : over(heat, frame, height, width)
    const order = Array.from(map, (_, i) => i).sort((a, b) => map[b]! - map[a]! || ties[a]! - ties[b]!)
    const found = yield* deleted(picture, order, ask, (part) => progress((number + part) / (ORDERS + 1)))
    if (!number) curve = found
    areas.push(trapezoid(found, shares))
  }
  const [area, ...random] = areas as [number, ...number[]]
  return {
    shares, probabilities: curve, area, random_areas: random, faithful: area < Math.min(...random), verdict: verdict(area, random),
  }
}

function* deleted(picture: Picture, order: readonly number[], ask: Ask, progress: (share: number) => void): Generator<void, number[]> {
  const colour = meanColour(picture)
  const found: number[] = []
  for (let step = 0; step <= STEPS; step++) {
    const end = rint((order.length * step) / STEPS)
    const data = picture.data.slice()
    for (let n = 0; n < end; n++) for (let c = 0; c < picture.channels; c++) data[order[n]! * picture.channels + c] = colour[c]!
    found.push(yield* ask({ ...picture, data }))
    progress((step + 1) / (STEPS + 1))
  }
  return found
}

function trapezoid(values: readonly number[], places: readonly number[]): number {
  let area = 0
  for (let n = 1; n < values.length; n++) area += ((values[n]! + values[n - 1]!) / 2) * (places[n]! - places[n - 1]!)
  return area
}

function verdict(area: number, random: readonly number[]): string {
  const mean = random.reduce((sum, value) => sum + value, 0) / random.length
  const worse = random.filter((value) => value > area).length
  const numbers =
    `the area under the curve is ${area.toFixed(3)}, that of ${random.length} random orders ${mean.toFixed(3)} on average`
  const what = worse === random.length
    ? 'is faithful: replacing its places takes the answer away sooner than any random order'
    : area < mean
      ? `is not clearly faithful: it does better than ${worse} of ${random.length} random orders`
      : 'is not faithful: replacing its places does no more than chance'
  return `The heatmap ${what}; ${numbers}.`
}
