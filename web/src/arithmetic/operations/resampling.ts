// One axis of a resize: which places of the input each place of the output is made of, with which weights, by
// onnxruntime's own float32 arithmetic, step by step, as src/pellucid/network/operations/resampling.py has it.

export interface Taps {
  readonly places: number[]
  readonly weights: number[]
  readonly outside: boolean
}

export interface Axis {
  readonly old: number
  readonly new: number
  readonly scale: number
  readonly mode: string
  readonly coordinates: string
  readonly nearest: string
  readonly cubic_a: number
  readonly exclude_outside: boolean
  readonly antialias: boolean
  readonly region: readonly [number, number]
}

const f = Math.fround
const NOWHERE: Taps = { places: [], weights: [], outside: true }

export function isSame(axis: Axis): boolean {
  return axis.antialias ? axis.old === axis.new : axis.scale === 1
}

export function tapsOf(axis: Axis, place: number): Taps {
  if (isSame(axis)) return { places: [place], weights: [1], outside: false }
  if (axis.antialias) return antialiased(axis, place)
  const x = coordinate(axis, place)
  if (axis.coordinates === 'tf_crop_and_resize' && !(x >= 0 && x <= axis.old - 1)) return NOWHERE
  if (axis.mode === 'nearest') {
    return { places: [Math.min(Math.max(nearest(axis, x), 0), axis.old - 1)], weights: [1], outside: false }
  }
  return axis.mode === 'linear' ? linear(axis, place) : cubic(axis, x)
}

/** Where the middle of the output's place lies in the input. */
function coordinate(axis: Axis, place: number): number {
  const x = f(place)
  const scale = f(axis.scale)
  const old = f(axis.old)
  const made = f(axis.new)
  const [start, end] = [f(axis.region[0]), f(axis.region[1])]
  switch (axis.coordinates) {
    case 'asymmetric':
      return f(x / scale)
    case 'pytorch_half_pixel':
      return axis.new > 1 ? f(f(f(x + 0.5) / scale) - 0.5) : 0
    case 'tf_half_pixel_for_nn':
      return f(f(x + 0.5) / scale)
    case 'align_corners':
      return axis.new === 1 ? 0 : f(f(x * f(old - 1)) / f(made - 1))
    case 'tf_crop_and_resize':
      if (axis.new > 1) {
        return f(f(start * f(old - 1)) + f(f(f(x * f(end - start)) * f(old - 1)) / f(made - 1)))
      }
      return f(0.5 * f(f(start + end) * f(old - 1)))
    case 'half_pixel_symmetric': {
      const adjustment = f(made / f(scale * old))
      const offset = f(f(old / 2) * f(1 - adjustment))
      return f(offset + (x + 0.5) / scale - 0.5)
    }
    default:
      return f(f(f(x + 0.5) / scale) - 0.5)
  }
}

function awayFromZero(x: number): number {
  return Math.sign(x) * Math.floor(Math.abs(x) + 0.5)
}

function nearest(axis: Axis, x: number): number {
  switch (axis.nearest) {
    case 'simple':
      return axis.scale < 1 ? Math.ceil(x) : Math.trunc(x)
    case 'floor':
      return Math.floor(x)
    case 'ceil':
      return Math.ceil(x)
    case 'round_prefer_ceil':
      return awayFromZero(x)
    default:
      return x === Math.trunc(x) + 0.5 ? Math.floor(x) : awayFromZero(x)
  }
}

/** Linear without antialiasing: the coordinate, brought into the input, and the two places around it. */
export function neighbours(axis: Axis, place: number): [x: number, first: number, second: number] {
  const raw = isSame(axis) ? f(place) : coordinate(axis, place)
  const x = Math.max(0, Math.min(raw, f(axis.old - 1)))
  const first = Math.min(Math.trunc(x), axis.old - 1)
  return [x, first, Math.min(first + 1, axis.old - 1)]
}

function linear(axis: Axis, place: number): Taps {
  const [x, first, second] = neighbours(axis, place)
  if (first === second) return { places: [first], weights: [1], outside: false }
  return merged([first, second], [Math.abs(f(x - f(second))), Math.abs(f(x - f(first)))])
}

function cubic(axis: Axis, x: number): Taps {
  const middle = Math.floor(x)
  const s = f(x - f(middle))
  const a = f(axis.cubic_a)
  const t = f(s + 1)
  const far = f(2 - s)
  const rest = f(1 - s)
  const outer = (d: number) => f(f(f(f(f(f(a * d) - f(5 * a)) * d) + f(8 * a)) * d) - f(4 * a))
  // Each product is rounded before the next, as float32 arithmetic does.
  const near = (d: number) => f(f(f(f(f(f(a + 2) * d) - f(a + 3)) * d) * d) + 1)
  const weights = [outer(t), near(s), near(rest), outer(far)]
  const places = [middle - 1, middle, middle + 1, middle + 2]
  if (axis.exclude_outside) {
    let sum = 0
    places.forEach((at, n) => {
      if (at < 0 || at >= axis.old) weights[n] = 0
      sum = f(sum + weights[n]!)
    })
    weights.forEach((weight, n) => (weights[n] = f(weight / sum)))
  }
  return merged(places.map((at) => Math.min(Math.max(at, 0), axis.old - 1)), weights)
}

function filter(axis: Axis, value: number): number {
  const x = Math.abs(value)
  if (axis.mode === 'linear') return x < 1 ? f(1 - x) : 0
  const a = f(axis.cubic_a)
  if (x < 1) return f(f(f(f(f(f(a + 2) * x) - f(a + 3)) * x) * x) + 1)
  if (x < 2) return f(f(f(f(f(f(x - 5) * x) + 8) * x) - 4) * a)
  return 0
}

/** A triangle, or a cubic, as wide as the output's place is in the input. */
function antialiased(axis: Axis, place: number): Taps {
  const at = coordinate(axis, place)
  if (axis.coordinates === 'tf_crop_and_resize' && !(at >= 0 && at <= axis.old - 1)) return NOWHERE
  const step = f(1 / f(axis.scale))
  const centre = f(0.5 + (step === 1 ? f(place) : at))
  const width = axis.mode === 'cubic' ? 2 : 1
  const support = step >= 1 ? f(width * step) : width
  const shrink = step >= 1 ? f(1 / step) : 1
  let first = Math.floor(f(f(centre - support) + 0.5))
  let last = Math.floor(f(f(centre + support) + 0.5))
  const begin = Math.min(Math.max(first, 0), axis.old)
  const end = Math.min(Math.max(last, 0), axis.old)
  if (axis.exclude_outside) {
    first = begin
    last = end
  }
  let weights: number[] = []
  let sum = 0
  for (let n = first; n < last; n++) {
    weights.push(filter(axis, f(f(f(f(n) - centre) + 0.5) * shrink)))
    sum = f(sum + weights.at(-1)!)
  }
  if (!axis.exclude_outside && begin < end) {
    const before = Math.min(Math.max(-first, 0), weights.length - 1)
    for (let n = 0; n < before; n++) weights[before] = f(weights[before]! + weights[n]!)
    const after = Math.min(Math.max(last - axis.old, 0), weights.length - 1)
    const final = weights.length - after - 1
    for (let n = weights.length - after; n < weights.length; n++) weights[final] = f(weights[final]! + weights[n]!)
    weights = weights.slice(before, before + end - begin)
  }
  const factor = sum ? f(1 / sum) : 1
  const places = Array.from({ length: end - begin }, (_, n) => begin + n)
  return merged(places, weights.map((weight) => f(weight * factor)))
}

/** Each place once, and none without weight. */
function merged(places: readonly number[], weights: readonly number[]): Taps {
  const sums = new Map<number, number>()
  const known = [...new Set(places)].sort((a, b) => a - b)
  for (const place of known) sums.set(place, 0)
  places.forEach((place, n) => sums.set(place, f(sums.get(place)! + weights[n]!)))
  const kept = known.filter((place) => sums.get(place) !== 0)
  return { places: kept, weights: kept.map((place) => sums.get(place)!), outside: false }
}
