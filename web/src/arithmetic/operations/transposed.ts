// Transposed convolution: each value of the input spreads over the output as a convolution's window would gather.
import type { Attributes, Operands, Operation, Part, Sets } from '../base'
import { block, linear, needed, range } from '../base'
import type { Index, Tensor } from '../tensor'
import { tensor } from '../tensor'
import { plane } from './convolution'
import { inPlane, slideOf } from './sliding'

export function transposedConvolution(attributes: Attributes): Operation {
  const slide = slideOf(attributes)
  const flat = inPlane(slide)
  const groups = attributes['groups'] as number
  const extra = attributes['output_padding'] as number[]

  /** On one axis: the places of the kernel, and of the input, that meet at place o of the output. */
  function meeting(axis: number, n: number, o: number): { taps: number[]; places: number[] } {
    const found = { taps: [] as number[], places: [] as number[] }
    for (let k = 0; k < slide.kernel[axis]!; k++) {
      const step = o + slide.pads[axis]![0] - k * slide.dilation[axis]!
      const i = Math.floor(step / slide.stride[axis]!)
      if (i * slide.stride[axis]! === step && i >= 0 && i < n) {
        found.taps.push(k)
        found.places.push(i)
      }
    }
    return found
  }

  function shapeOf(x: Tensor, weight: Tensor): number[] {
    const spatial = x.shape.slice(2).map((n, axis) => {
      const [before, after] = slide.pads[axis]!
      const extent = slide.dilation[axis]! * (slide.kernel[axis]! - 1) + 1
      return slide.stride[axis]! * (n - 1) + extent - before - after + extra[axis]!
    })
    return [x.shape[0]!, weight.shape[1]! * groups, ...spatial]
  }

  return {
    *forward(operands: Operands) {
      const x = needed(operands, 0)
      const weight = needed(operands, 1)
      const bias = operands[2]?.data ?? null
      const result = tensor(shapeOf(x, weight), x.dtype)
      const [h, w] = plane(x.shape)
      const [oh, ow] = plane(result.shape)
      const [kh, kw] = flat.kernel as [number, number]
      const made = weight.shape[1]!
      const per = x.shape[1]! / groups
      for (let b = 0; b < x.shape[0]!; b++) {
        for (let m = 0; m < made * groups; m++) {
          const sums = new Float64Array(oh * ow).fill(bias ? bias[m]! : 0)
          const group = Math.floor(m / made)
          for (let c = group * per; c < (group + 1) * per; c++) {
            const from = (b * x.shape[1]! + c) * h * w
            for (let ky = 0; ky < kh; ky++) {
              for (let kx = 0; kx < kw; kx++) {
                const value = weight.data[((c * made + (m % made)) * kh + ky) * kw + kx]!
                for (let y = 0; y < h; y++) {
                  const row = y * flat.stride[0]! + ky * flat.dilation[0]! - flat.pads[0]![0]
                  if (row < 0 || row >= oh) continue
                  for (let i = 0; i < w; i++) {
                    const column = i * flat.stride[1]! + kx * flat.dilation[1]! - flat.pads[1]![0]
                    if (column >= 0 && column < ow) sums[row * ow + column]! += value * x.data[from + y * w + i]!
                  }
                }
              }
            }
          }
          result.data.set(sums, (b * made * groups + m) * oh * ow)
          yield
        }
      }
      return [result]
    },

    open(operands: Operands, index: Index) {
      const x = needed(operands, 0)
      const weight = needed(operands, 1)
      const bias = operands[2] ?? null
      const [batch, channel, ...place] = index as [number, number, ...number[]]
      const made = weight.shape[1]!
      const group = Math.floor(channel / made)
      const per = x.shape[1]! / groups
      const channels = range(per, group * per)
      const axes = place.map((o, axis) => meeting(axis, x.shape[2 + axis]!, o))
      const values = block(0, x, [[batch], channels, ...axes.map((axis) => axis.places)])
      const kernel = block(1, weight, [channels, [channel % made], ...axes.map((axis) => axis.taps)])
      const part: Part = {
        ...values, weights: kernel.values, weightOperand: 1, weightRank: weight.shape.length, weightIndex: kernel.index,
      }
      return linear([part], {
        bias: bias ? bias.data[channel]! : 0, biasOperand: bias ? 2 : null, biasIndex: bias ? [channel] : [],
      })
    },

    reach(operands: Operands, sets: Sets) {
      const x = needed(operands, 0)
      const made = needed(operands, 1).shape[1]!
      const per = x.shape[1]! / groups
      const channels = new Uint8Array(x.shape[1]!)
      sets[1]!.forEach((marked, m) => {
        if (marked) channels.fill(1, Math.floor(m / made) * per, (Math.floor(m / made) + 1) * per)
      })
      const spatial = x.shape.slice(2).map((n, axis) => {
        const found = new Uint8Array(n)
        sets[2 + axis]!.forEach((marked, o) => {
          if (marked) for (const i of meeting(axis, n, o).places) found[i] = 1
        })
        return found
      })
      return [[sets[0]!, channels, ...spatial], null, null]
    },
  }
}
