// Convolution (as machine learning says: cross-correlation).
import type { Attributes, Operands, Operation, Part, Sets } from '../base'
import { block, linear, needed, range } from '../base'
import type { Index, Numbers, Tensor } from '../tensor'
import { sizeOf, tensor } from '../tensor'
import type { Box, Slide } from './sliding'
import { cells, changed, inPlane, reached, sizes, slideOf, start, taps, under } from './sliding'

const LANES = 4 // output channels that are summed together, so that every input value is loaded once for all of them

export function convolution(attributes: Attributes): Operation {
  const slide = slideOf(attributes)
  const groups = attributes['groups'] as number

  /** Computes the values of `result` in a box of each of its planes. */
  function* fill(operands: Operands, result: Tensor, box: Box): Generator<void, Tensor[]> {
    const x = needed(operands, 0)
    const weight = needed(operands, 1)
    const bias = operands[2]?.data ?? null
    const [batch, channels] = x.shape as [number, number]
    const out = weight.shape[0]!
    const flat = inPlane(slide)
    const [h, w] = plane(x.shape)
    const [oh, ow] = plane(result.shape)
    const per = weight.shape[1]!
    const made = out / groups
    for (let b = 0; b < batch; b++) {
      const padded = pad(x, b, channels, h!, w!, flat, oh!, ow!)
      const offsets = offsetsOf(flat, per, padded.rows, padded.columns)
      const lanes = made >= LANES ? LANES : 1
      const packed = pack(weight, lanes, groups)
      for (let g = 0; g < groups; g++) {
        const base = g * per * padded.rows * padded.columns
        for (let m = 0; m < made; m += lanes) {
          const first = g * made + m
          const at = (b * out + first) * oh! * ow!
          const own = packed.subarray((g * Math.ceil(made / lanes) + m / lanes) * offsets.length * lanes)
          const steps = [padded.columns * flat.stride[0]!, flat.stride[1]!] as const
          const to = { data: result.data, at, rows: oh!, columns: ow!, box }
          if (lanes === 1) single(padded.data, base, offsets, own, steps, bias?.[first] ?? 0, to)
          else four(padded.data, base, offsets, own, steps, bias, first, Math.min(LANES, made - m), to)
          yield
        }
      }
    }
    return [result]
  }

  return {
    *forward(operands: Operands) {
      const x = needed(operands, 0)
      const shape = [x.shape[0]!, needed(operands, 1).shape[0]!, ...sizes(slide, x.shape.slice(2))]
      const [rows, columns] = plane(shape)
      return yield* fill(operands, tensor(shape, x.dtype), { top: 0, left: 0, rows, columns })
    },

    *again(operands: Operands, before: Tensor, results: readonly Tensor[]) {
      const { shape, dtype, data } = results[0]!
      const box = reached(inPlane(slide), changed(needed(operands, 0).data, before.data, plane(before.shape)), plane(shape))
      return yield* fill(operands, tensor(shape, dtype, data.slice() as Numbers), box)
    },

    open(operands: Operands, index: Index) {
      const x = needed(operands, 0)
      const weight = needed(operands, 1)
      const bias = operands[2] ?? null
      const [batch, channel, ...place] = index as [number, number, ...number[]]
      const per = weight.shape[1]!
      const first = Math.floor(channel / (weight.shape[0]! / groups)) * per
      const found = taps(slide, x.shape.slice(2), place)
      const channels = range(per)
      const window = block(0, x, [[batch], channels.map((c) => c + first), ...found.places])
      const kernel = block(1, weight, [[channel], channels, ...found.taps])
      const part: Part = {
        ...window, weights: kernel.values, weightOperand: 1, weightRank: weight.shape.length, weightIndex: kernel.index,
      }
      return linear([part], {
        bias: bias ? bias.data[channel]! : 0,
        biasOperand: bias ? 2 : null,
        biasIndex: bias ? [channel] : [],
        window: {
          shape: [per, ...slide.kernel], cells: cells(slide.kernel, per, found.taps), start: start(slide, place),
          step: slide.dilation, channels: channels.map((c) => c + first),
        },
      })
    },

    reach(operands: Operands, sets: Sets) {
      const x = needed(operands, 0)
      const weight = needed(operands, 1)
      const per = weight.shape[1]!
      const made = weight.shape[0]! / groups
      const channels = new Uint8Array(x.shape[1]!)
      for (let m = 0; m < sets[1]!.length; m++) {
        if (sets[1]![m]) channels.fill(1, Math.floor(m / made) * per, (Math.floor(m / made) + 1) * per)
      }
      return [[sets[0]!, channels, ...under(slide, sets.slice(2), x.shape.slice(2))], null, null]
    },

    backward(operands: Operands, result: Tensor, gradient: Float64Array) {
      const x = needed(operands, 0)
      const weight = needed(operands, 1)
      const found = new Float64Array(x.data.length)
      const flat = inPlane(slide)
      const [h, w] = plane(x.shape)
      const [oh, ow] = plane(result.shape)
      const [kh, kw] = flat.kernel as [number, number]
      const per = weight.shape[1]!
      const made = weight.shape[0]! / groups
      for (let m = 0; m < weight.shape[0]!; m++) {
        const group = Math.floor(m / made)
        for (let c = 0; c < per; c++) {
          const from = (group * per + c) * h! * w!
          for (let ky = 0; ky < kh; ky++) {
            for (let kx = 0; kx < kw; kx++) {
              const value = weight.data[((m * per + c) * kh + ky) * kw + kx]!
              for (let oy = 0; oy < oh!; oy++) {
                const y = oy * flat.stride[0]! - flat.pads[0]![0] + ky * flat.dilation[0]!
                if (y < 0 || y >= h!) continue
                for (let ox = 0; ox < ow!; ox++) {
                  const column = ox * flat.stride[1]! - flat.pads[1]![0] + kx * flat.dilation[1]!
                  if (column >= 0 && column < w!) {
                    found[from + y * w! + column]! += value * gradient[(m * oh! + oy) * ow! + ox]!
                  }
                }
              }
            }
          }
        }
      }
      return [found, null, null]
    },
  }
}

/** Height and width of [N, C, h, w], or of [N, C, w]. */
export function plane(shape: readonly number[]): [number, number] {
  return shape.length === 3 ? [1, shape[2]!] : [shape[2]!, shape[3]!]
}

/** Where the values of one or four planes go: the first's place, their size, and the box that is computed. */
interface Target {
  readonly data: Numbers
  readonly at: number
  readonly rows: number
  readonly columns: number
  readonly box: Box
}

interface Padded {
  readonly data: Float64Array
  readonly rows: number
  readonly columns: number
}

/** One picture's planes with their padding written out, as far as windows reach. */
function pad(x: Tensor, b: number, channels: number, h: number, w: number, slide: Slide, oh: number, ow: number): Padded {
  const [top, left] = [slide.pads[0]![0], slide.pads[1]![0]]
  const rows = Math.max((oh - 1) * slide.stride[0]! + (slide.kernel[0]! - 1) * slide.dilation[0]! + 1, top + h)
  const columns = Math.max((ow - 1) * slide.stride[1]! + (slide.kernel[1]! - 1) * slide.dilation[1]! + 1, left + w)
  const data = new Float64Array(channels * rows * columns)
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < h; y++) {
      const from = ((b * channels + c) * h + y) * w
      const to = (c * rows + y + top) * columns + left
      for (let i = 0; i < w; i++) data[to + i] = x.data[from + i]!
    }
  }
  return { data, rows, columns }
}

function offsetsOf(slide: Slide, channels: number, rows: number, columns: number): Int32Array {
  const [kh, kw] = slide.kernel as [number, number]
  const offsets = new Int32Array(channels * kh * kw)
  let n = 0
  for (let c = 0; c < channels; c++) {
    for (let ky = 0; ky < kh; ky++) {
      for (let kx = 0; kx < kw; kx++) {
        offsets[n++] = (c * rows + ky * slide.dilation[0]!) * columns + kx * slide.dilation[1]!
      }
    }
  }
  return offsets
}

const packedBefore = new WeakMap<Numbers, { lanes: number; packed: Float64Array }>()

/** Weights as [groups, blocks, terms, lanes]; kept for as long as the weights are. */
function pack(weight: Tensor, lanes: number, groups: number): Float64Array {
  const known = packedBefore.get(weight.data)
  if (known && known.lanes === lanes) return known.packed
  const terms = sizeOf(weight.shape.slice(1))
  const made = weight.shape[0]! / groups
  const blocks = Math.ceil(made / lanes)
  const packed = new Float64Array(groups * blocks * terms * lanes)
  for (let m = 0; m < weight.shape[0]!; m++) {
    const group = Math.floor(m / made)
    const own = m % made
    const at = (group * blocks + Math.floor(own / lanes)) * terms * lanes + (own % lanes)
    for (let k = 0; k < terms; k++) packed[at + k * lanes] = weight.data[m * terms + k]!
  }
  packedBefore.set(weight.data, { lanes, packed })
  return packed
}

function single(
  x: Float64Array, base: number, offsets: Int32Array, w: Float64Array, steps: readonly [number, number],
  bias: number, { data: out, at, columns, box }: Target,
): void {
  const count = offsets.length
  for (let r = box.top; r < box.top + box.rows; r++) {
    for (let c = box.left; c < box.left + box.columns; c++) {
      const p = base + r * steps[0] + c * steps[1]
      let sum = bias
      for (let k = 0; k < count; k++) sum += x[p + offsets[k]!]! * w[k]!
      out[at + r * columns + c] = sum
    }
  }
}

/** Four output channels at two places at once: eight sums stay in registers. */
function four(
  x: Float64Array, base: number, offsets: Int32Array, w: Float64Array, steps: readonly [number, number],
  bias: Numbers | null, first: number, lanes: number, { data: out, at, rows, columns, box }: Target,
): void {
  const count = offsets.length
  const area = rows * columns
  const [wide, size] = [box.columns, box.rows * box.columns]
  const corner = box.top * columns + box.left
  const begin = base + box.top * steps[0] + box.left * steps[1]
  const b0 = bias ? bias[first]! : 0
  const b1 = bias && lanes > 1 ? bias[first + 1]! : 0
  const b2 = bias && lanes > 2 ? bias[first + 2]! : 0
  const b3 = bias && lanes > 3 ? bias[first + 3]! : 0
  const step = steps[1]
  for (let n = 0; n < size; n += 2) {
    const row = (n / wide) | 0
    const p = begin + row * steps[0] + (n - row * wide) * step
    const second = n + 1 < size
    const next = second ? ((n + 1) / wide) | 0 : row
    const column = second ? n + 1 - next * wide : n - row * wide
    const q = begin + next * steps[0] + column * step
    let s0 = b0, s1 = b1, s2 = b2, s3 = b3, t0 = b0, t1 = b1, t2 = b2, t3 = b3
    for (let k = 0, j = 0; k < count; k++, j += 4) {
      const offset = offsets[k]!
      const u = x[p + offset]!
      const v = x[q + offset]!
      const w0 = w[j]!, w1 = w[j + 1]!, w2 = w[j + 2]!, w3 = w[j + 3]!
      s0 += u * w0
      t0 += v * w0
      s1 += u * w1
      t1 += v * w1
      s2 += u * w2
      t2 += v * w2
      s3 += u * w3
      t3 += v * w3
    }
    // The last place of an odd number is computed, and written, twice.
    let o = at + corner + row * columns + (n - row * wide)
    let r = at + corner + next * columns + column
    out[o] = s0
    out[r] = t0
    if (lanes > 1) {
      out[(o += area)] = s1
      out[(r += area)] = t1
    }
    if (lanes > 2) {
      out[(o += area)] = s2
      out[(r += area)] = t2
    }
    if (lanes > 3) {
      out[(o += area)] = s3
      out[(r += area)] = t3
    }
  }
}
