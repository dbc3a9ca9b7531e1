// Normalisation by statistics: kept ones (batch), or those of the values themselves (instance, group, layer).
import type { Attributes, Formula, Operands, Operation, Part, Sets } from '../base'
import { block, formula, linear, needed, number, one, range, same } from '../base'
import type { Index, Numbers, Tensor } from '../tensor'
import { placeIn, places, ravel, tensor } from '../tensor'
import { along, groupOf, groups } from './softmax'

/** A group's values as a part, the value's own first. */
function valuesOf(x: Tensor, positions: readonly (readonly number[])[], own: Index): Part {
  const part = block(0, x, positions)
  const first = ravel(positions.map((axis) => axis.length), own.map((n, axis) => positions[axis]!.indexOf(n)))
  const order = [first, ...range(part.values.length).filter((n) => n !== first)]
  const index = new Int32Array(part.index.length)
  order.forEach((from, to) => index.set(part.index.subarray(from * part.rank, (from + 1) * part.rank), to * part.rank))
  return { ...part, index, values: Float64Array.from(order, (from) => part.values[from]!) }
}

function statistics(values: ArrayLike<number>): { mean: number; variance: number; size: number } {
  let sum = 0
  let absolute = 0
  for (let i = 0; i < values.length; i++) {
    sum += values[i]!
    absolute += Math.abs(values[i]!)
  }
  const mean = sum / values.length
  let squares = 0
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2
  return { mean, variance: squares / values.length, size: absolute / values.length }
}

/** The terms of a variance, whose rounding a root halves. */
function squaresOf(values: Float64Array, mean: number): number {
  const { size } = statistics(values)
  return values.reduce((sum, value) => sum + Math.abs(value - mean) * (Math.abs(value) + size), 0) / values.length
}

/** (x - mean) / sqrt(variance + epsilon) scale + shift, of the first part's first value. */
function normalised(
  parts: readonly Part[], epsilon: number, scale: number | null, shift: number | null,
  held: readonly [number, number] | null = null,
): Formula {
  const { values } = parts[0]!
  const x = values[0]!
  const own = held ? null : statistics(values)
  const [mean, variance] = held ?? [own!.mean, own!.variance]
  const deviation = Math.sqrt(variance + epsilon)
  let text = `(${number(x)} - ${number(mean)}) / sqrt(${number(variance)} + ${number(epsilon)})`
  if (scale !== null) text += ` × ${number(scale)}`
  if (shift !== null) text += ` + ${number(shift)}`
  const factor = scale ?? 1
  const facts: Record<string, number> = { mean, variance, epsilon, 'standard deviation': deviation }
  if (own) facts['count'] = values.length
  const terms = (Math.abs(x) + (own ? own.size : Math.abs(mean))) / deviation
  return formula(parts, ((x - mean) / deviation) * factor + (shift ?? 0), text, {
    scale: Math.abs(factor) * terms + Math.abs(shift ?? 0), facts,
  })
}

export function batchNormalization(attributes: Attributes): Operation {
  const epsilon = attributes['epsilon'] as number
  const perPlace = Boolean(attributes['per_place'])
  if (attributes['training']) throw new Error('normalisation in training is computed by the command line alone')
  const parameters = (operands: Operands) => [1, 2, 3, 4].map((n) => needed(operands, n).data)
  const parameterOf = (x: Tensor) => {
    const channels = x.shape[1]!
    const area = x.shape.slice(2).reduce((n, size) => n * size, 1)
    return (i: number) => (perPlace ? i % (channels * area) : Math.floor(i / area) % channels)
  }
  /** Computes `into`; where x was `before`, into's values stay. */
  const fill = (operands: Operands, into: Numbers, before: Numbers | null): void => {
    const x = needed(operands, 0)
    const [scale, shift, mean, variance] = parameters(operands)
    if (perPlace) {
      const at = parameterOf(x)
      for (let i = 0; i < x.data.length; i++) {
        if (before && same(x.data[i]!, before[i]!)) continue
        const p = at(i)
        into[i] = ((x.data[i]! - mean![p]!) / Math.sqrt(variance![p]! + epsilon)) * scale![p]! + shift![p]!
      }
      return
    }
    const channels = x.shape[1]!
    const area = x.data.length / x.shape[0]! / channels
    for (let p = 0; p < x.shape[0]! * channels; p++) {
      const c = p % channels
      const m = mean![c]!
      const deviation = Math.sqrt(variance![c]! + epsilon)
      const [s, t] = [scale![c]!, shift![c]!]
      for (let i = p * area; i < (p + 1) * area; i++) {
        if (before && same(x.data[i]!, before[i]!)) continue
        into[i] = ((x.data[i]! - m) / deviation) * s + t
      }
    }
  }
  return {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const result = tensor(x.shape, x.dtype)
      fill(operands, result.data, null)
      return [result]
    },
    again(operands: Operands, before: Tensor, results: readonly Tensor[]) {
      const { shape, dtype, data } = results[0]!
      const made = data.slice() as Numbers
      fill(operands, made, before.data)
      return [tensor(shape, dtype, made)]
    },
    open(operands: Operands, index: Index) {
      const x = needed(operands, 0)
      const place = perPlace ? index.slice(1) : [index[1]!]
      const named = (['scale', 'shift', 'mean', 'variance'] as const).map((role, n) => one(n + 1, needed(operands, n + 1), place, role))
      const [scale, shift, mean, variance] = named as [Part, Part, Part, Part]
      return normalised([one(0, x, index), mean, variance, scale, shift], epsilon, scale.values[0]!, shift.values[0]!, [
        mean.values[0]!, variance.values[0]!,
      ])
    },
    reach: (_operands: Operands, sets: Sets) => [sets, null, null, null, null],
    backward(operands: Operands, _result: Tensor, gradient: Float64Array) {
      const x = needed(operands, 0)
      const [scale, , , variance] = parameters(operands)
      const at = parameterOf(x)
      return [gradient.map((g, i) => (g * scale![at(i)]!) / Math.sqrt(variance![at(i)]! + epsilon)), null, null, null, null]
    },
  }
}

export function groupNormalization(attributes: Attributes): Operation {
  const epsilon = attributes['epsilon'] as number
  const wanted = attributes['groups'] as number | null
  const perGroup = Boolean(attributes['per_group'])
  const sizeOfGroup = (x: Tensor) => (wanted ? x.shape[1]! / wanted : 1)
  return {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const [scale, shift] = [needed(operands, 1).data, needed(operands, 2).data]
      const result = tensor(x.shape, x.dtype)
      const size = sizeOfGroup(x)
      const channels = x.shape[1]!
      const area = x.shape.slice(2).reduce((n, each) => n * each, 1)
      for (let first = 0; first < x.shape[0]! * channels; first += size) {
        const values = x.data.subarray(first * area, (first + size) * area)
        const { mean, variance } = statistics(values)
        const deviation = Math.sqrt(variance + epsilon)
        for (let i = 0; i < values.length; i++) {
          const channel = (first + Math.floor(i / area)) % channels
          const p = perGroup ? Math.floor(channel / size) : channel
          result.data[first * area + i] = ((values[i]! - mean) / deviation) * scale[p]! + shift[p]!
        }
      }
      return [result]
    },
    open(operands: Operands, index: Index) {
      const x = needed(operands, 0)
      const size = sizeOfGroup(x)
      const first = Math.floor(index[1]! / size) * size
      const positions = [[index[0]!], range(size, first), ...x.shape.slice(2).map((n) => range(n))]
      const place = [perGroup ? Math.floor(index[1]! / size) : index[1]!]
      const scale = one(1, needed(operands, 1), place, 'scale')
      const shift = one(2, needed(operands, 2), place, 'shift')
      return normalised([valuesOf(x, positions, index), scale, shift], epsilon, scale.values[0]!, shift.values[0]!)
    },
    reach(operands: Operands, sets: Sets) {
      const x = needed(operands, 0)
      const size = sizeOfGroup(x)
      const channels = new Uint8Array(x.shape[1]!)
      sets[1]!.forEach((marked, c) => {
        if (marked) channels.fill(1, Math.floor(c / size) * size, (Math.floor(c / size) + 1) * size)
      })
      return [[sets[0]!, channels, ...x.shape.slice(2).map((n) => new Uint8Array(n).fill(1))], null, null]
    },
  }
}

export function layerNormalization(attributes: Attributes): Operation {
  const axes = attributes['axes'] as number[]
  const epsilon = attributes['epsilon'] as number
  return {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const result = tensor(x.shape, x.dtype)
      const small = x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n))
      const means = tensor(small, x.dtype)
      const inverses = tensor(small, x.dtype)
      const [scale, shift] = [operands[1] ?? null, operands[2] ?? null]
      const ofScale = scale ? places(x.shape, scale.shape) : null
      const ofShift = shift ? places(x.shape, shift.shape) : null
      const { starts, inner } = groups(x.shape, axes)
      starts.forEach((start, n) => {
        const { mean, variance } = statistics(Float64Array.from(inner, (place) => x.data[start + place]!))
        const deviation = Math.sqrt(variance + epsilon)
        means.data[n] = mean
        inverses.data[n] = 1 / deviation
        for (const place of inner) {
          const i = start + place
          const factor = scale && ofScale ? scale.data[ofScale[i]!]! : 1
          const more = shift && ofShift ? shift.data[ofShift[i]!]! : 0
          result.data[i] = ((x.data[i]! - mean) / deviation) * factor + more
        }
      })
      return [result, means, inverses]
    },
    open(operands: Operands, index: Index, output: number) {
      const x = needed(operands, 0)
      const part = valuesOf(x, groupOf(x.shape, index, axes), index)
      if (output === 1) return linear([part], { divisor: part.values.length })
      if (output === 2) {
        const { mean, variance } = statistics(part.values)
        const result = 1 / Math.sqrt(variance + epsilon)
        return formula([part], result, `1 / sqrt(${number(variance)} + ${number(epsilon)})`, {
          facts: { mean, variance, epsilon, count: part.values.length },
          scale: result * (1 + squaresOf(part.values, mean) / (variance + epsilon)),
        })
      }
      const parts = [part]
      const numbers: (number | null)[] = []
      for (const [place, role] of [[1, 'scale'], [2, 'shift']] as const) {
        const array = operands[place] ?? null
        if (array) parts.push(one(place, array, placeIn(index, array.shape), role))
        numbers.push(array ? parts.at(-1)!.values[0]! : null)
      }
      return normalised(parts, epsilon, numbers[0]!, numbers[1]!)
    },
    reach(operands: Operands, sets: Sets, output: number) {
      const { shape } = needed(operands, 0)
      const found = output
        ? shape.map((n, axis) => (axes.includes(axis) ? new Uint8Array(n).fill(1) : sets[axis]!.slice()))
        : along(sets, axes)
      return [found, ...operands.slice(1).map(() => null)]
    },
  }
}

export function lpNormalization(attributes: Attributes): Operation {
  const axis = attributes['axis'] as number
  const p = attributes['p'] as number
  const normOf = (values: ArrayLike<number>) => {
    let sum = 0
    for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!) ** p
    return sum ** (1 / p)
  }
  return {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const result = tensor(x.shape, x.dtype)
      const { starts, inner } = groups(x.shape, [axis])
      for (const start of starts) {
        const norm = normOf(Float64Array.from(inner, (place) => x.data[start + place]!))
        for (const place of inner) result.data[start + place] = norm ? x.data[start + place]! / norm : 0
      }
      return [result]
    },
    open(operands: Operands, index: Index) {
      const x = needed(operands, 0)
      const part = valuesOf(x, groupOf(x.shape, index, [axis]), index)
      const norm = normOf(part.values)
      const result = norm ? part.values[0]! / norm : 0
      return formula([part], result, `${number(part.values[0]!)} / ${number(norm)}`, { facts: { norm, p } })
    },
    reach: (_operands: Operands, sets: Sets) => [along(sets, [axis])],
  }
}

export function localResponse(attributes: Attributes): Operation {
  const size = attributes['size'] as number
  const [alpha, beta, bias] = [attributes['alpha'], attributes['beta'], attributes['bias']] as [number, number, number]
  const before = Math.floor((size - 1) / 2)
  const after = Math.floor(size / 2)
  const around = (channel: number, channels: number): [number, number] => [
    Math.max(channel - before, 0), Math.min(channel + after, channels - 1),
  ]
  return {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const result = tensor(x.shape, x.dtype)
      const channels = x.shape[1]!
      const area = x.shape.slice(2).reduce((n, each) => n * each, 1)
      for (let b = 0; b < x.shape[0]!; b++) {
        for (let c = 0; c < channels; c++) {
          const [first, last] = around(c, channels)
          for (let i = 0; i < area; i++) {
            let squares = 0
            for (let k = first; k <= last; k++) squares += x.data[(b * channels + k) * area + i]! ** 2
            const at = (b * channels + c) * area + i
            result.data[at] = x.data[at]! / (bias + (alpha / size) * squares) ** beta
          }
        }
      }
      return [result]
    },
    open(operands: Operands, index: Index) {
      const x = needed(operands, 0)
      const [first, last] = around(index[1]!, x.shape[1]!)
      const part = valuesOf(x, [[index[0]!], range(last - first + 1, first), ...index.slice(2).map((n) => [n])], index)
      const own = part.values[0]!
      const squares = part.values.reduce((sum, value) => sum + value ** 2, 0)
      const result = own / (bias + (alpha / size) * squares) ** beta
      const text =
        `${number(own)} / (${number(bias)} + ${number(alpha)} / ${size} × ${number(squares)}) ^ ${number(beta)}`
      return formula([part], result, text, { facts: { 'sum of squares': squares } })
    },
    reach(_operands: Operands, sets: Sets) {
      const channels = new Uint8Array(sets[1]!.length)
      sets[1]!.forEach((marked, c) => {
        const [first, last] = around(c, channels.length)
        if (marked) channels.fill(1, first, last + 1)
      })
      return [[sets[0]!, channels, ...sets.slice(2)]]
    },
    backward(operands: Operands, _result: Tensor, gradient: Float64Array) {
      const x = needed(operands, 0)
      const found = new Float64Array(x.data.length)
      const channels = x.shape[1]!
      const area = x.shape.slice(2).reduce((n, each) => n * each, 1)
      for (let c = 0; c < channels; c++) {
        const [first, last] = around(c, channels)
        for (let i = 0; i < area; i++) {
          const at = c * area + i
          if (!gradient[at]) continue
          let squares = 0
          for (let k = first; k <= last; k++) squares += x.data[k * area + i]! ** 2
          const base = bias + (alpha / size) * squares
          found[at]! += gradient[at]! / base ** beta
          const common = (gradient[at]! * x.data[at]! * -beta * 2 * alpha) / size / base ** (beta + 1)
          for (let k = first; k <= last; k++) found[k * area + i]! += common * x.data[k * area + i]!
        }
      }
      return [found]
    },
  }
}

