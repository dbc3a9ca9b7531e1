// Dense layers: Gemm, with its bias and factors, and MatMul of any ranks. Every value takes in a whole row.
import type { Attributes, Operands, Operation, Part, Sets } from '../base'
import { everywhere, linear, needed } from '../base'
import type { Index, Tensor } from '../tensor'
import { broadcast, isWhole, placeIn, places, ravel, sizeOf, stridesOf, tensor, wrapped } from '../tensor'

/** n values in a line of an operand: before, 0 to n - 1, after. */
function line(operand: Tensor, before: Index, n: number, after: Index): { index: Int32Array; values: Float64Array } {
  const rank = operand.shape.length
  const index = new Int32Array(n * rank)
  const values = new Float64Array(n)
  const step = stridesOf(operand.shape)[before.length]!
  const from = ravel(operand.shape, [...before, 0, ...after])
  for (let i = 0; i < n; i++) {
    index.set([...before, i, ...after], i * rank)
    values[i] = operand.data[from + i * step]!
  }
  return { index, values }
}

function partOf(a: Tensor, b: Tensor, row: ReturnType<typeof line>, column: ReturnType<typeof line>, factor = 1): Part {
  return {
    operand: 0, rank: a.shape.length, index: row.index, values: row.values,
    weights: factor === 1 ? column.values : column.values.map((weight) => weight * factor),
    weightOperand: 1, weightRank: b.shape.length, weightIndex: column.index, role: 'x',
  }
}

/** sums[n] = sum over k of a[from + k step] b[n, k], four rows of b at once. */
function rows(a: Float64Array, b: Tensor, out: Float64Array, at: number, count: number, n: number): void {
  const w = b.data
  let row = 0
  for (; row + 4 <= n; row += 4) {
    const p = row * count
    const q = p + count
    const r = q + count
    const s = r + count
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0
    for (let k = 0; k < count; k++) {
      const value = a[k]!
      s0 += value * w[p + k]!
      s1 += value * w[q + k]!
      s2 += value * w[r + k]!
      s3 += value * w[s + k]!
    }
    out[at + row] = s0
    out[at + row + 1] = s1
    out[at + row + 2] = s2
    out[at + row + 3] = s3
  }
  for (; row < n; row++) {
    let sum = 0
    for (let k = 0; k < count; k++) sum += a[k]! * w[row * count + k]!
    out[at + row] = sum
  }
}

/** sums[n] = sum over k of a[k] b[k, n], b's rows from `start` on. */
function columns(a: Float64Array, b: Tensor, start: number, out: Float64Array, at: number, count: number, n: number): void {
  for (let k = 0; k < count; k++) {
    const value = a[k]!
    if (!value) continue
    const from = start + k * n
    for (let i = 0; i < n; i++) out[at + i]! += value * b.data[from + i]!
  }
}

export function gemm(attributes: Attributes): Operation {
  const alpha = attributes['alpha'] as number
  const beta = attributes['beta'] as number
  const ofA = Boolean(attributes['transposed_a'])
  const ofB = Boolean(attributes['transposed_b'])
  return {
    forward(operands: Operands) {
      const a = needed(operands, 0)
      const b = needed(operands, 1)
      const c = operands[2] ?? null
      const m = a.shape[ofA ? 1 : 0]!
      const count = a.shape[ofA ? 0 : 1]!
      const n = b.shape[ofB ? 0 : 1]!
      const sums = new Float64Array(m * n)
      for (let i = 0; i < m; i++) {
        const row = new Float64Array(count)
        for (let k = 0; k < count; k++) row[k] = a.data[ofA ? k * m + i : i * count + k]!
        if (ofB) rows(row, b, sums, i * n, count, n)
        else columns(row, b, 0, sums, i * n, count, n)
      }
      const shift = c ? places([m, n], c.shape) : null
      const result = tensor([m, n], a.dtype)
      for (let i = 0; i < sums.length; i++) {
        result.data[i] = alpha * sums[i]! + (c && shift ? beta * c.data[shift[i]!]! : 0)
      }
      return [result]
    },

    open(operands: Operands, index: Index) {
      const a = needed(operands, 0)
      const b = needed(operands, 1)
      const c = operands[2] ?? null
      const [m, n] = index as [number, number]
      const count = a.shape[ofA ? 0 : 1]!
      const row = ofA ? line(a, [], count, [m]) : line(a, [m], count, [])
      const column = ofB ? line(b, [n], count, []) : line(b, [], count, [n])
      const facts: Record<string, number> = {}
      if (alpha !== 1) facts['alpha'] = alpha
      if (beta !== 1) facts['beta'] = beta
      const part = partOf(a, b, row, column, alpha)
      if (!c) return linear([part], { facts })
      const place = placeIn(index, c.shape)
      return linear([part], { bias: beta * c.data[ravel(c.shape, place)]!, biasOperand: 2, biasIndex: place, facts })
    },

    reach(operands: Operands, sets: Sets) {
      const a = needed(operands, 0)
      const found = everywhere(a.shape)
      found[ofA ? 1 : 0] = sets[0]!.slice()
      return [found, null, null]
    },

    backward(operands: Operands, result: Tensor, gradient: Float64Array) {
      const a = needed(operands, 0)
      const b = needed(operands, 1)
      const [m, n] = result.shape as [number, number]
      const count = a.shape[ofA ? 0 : 1]!
      const found = new Float64Array(a.data.length)
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          const own = alpha * gradient[i * n + j]!
          if (!own) continue
          for (let k = 0; k < count; k++) {
            found[ofA ? k * m + i : i * count + k]! += own * b.data[ofB ? j * count + k : k * n + j]!
          }
        }
      }
      return [found, null, null]
    },
  }
}

export function matmul(): Operation {
  /** Shapes with two axes at least, and the result's before axes are dropped. */
  function full(a: Tensor, b: Tensor): { of: number[]; by: number[]; result: number[]; shape: number[] } {
    const of = a.shape.length === 1 ? [1, ...a.shape] : [...a.shape]
    const by = b.shape.length === 1 ? [...b.shape, 1] : [...b.shape]
    const batch = broadcast([of.slice(0, -2), by.slice(0, -2)])
    const result = [...batch, of.at(-2)!, by.at(-1)!]
    const shape = [
      ...batch, ...(a.shape.length > 1 ? [of.at(-2)!] : []), ...(b.shape.length > 1 ? [by.at(-1)!] : []),
    ]
    return { of, by, result, shape }
  }
  return {
    forward(operands: Operands) {
      const a = needed(operands, 0)
      const b = needed(operands, 1)
      const { of, by, result, shape } = full(a, b)
      const [m, count, n] = [of.at(-2)!, of.at(-1)!, by.at(-1)!]
      const batch = result.slice(0, -2)
      const ofA = places(batch, of.slice(0, -2))
      const ofB = places(batch, by.slice(0, -2))
      const sums = new Float64Array(sizeOf(result))
      const row = new Float64Array(count)
      for (let g = 0; g < ofA.length; g++) {
        for (let i = 0; i < m; i++) {
          const from = (ofA[g]! * m + i) * count
          for (let k = 0; k < count; k++) row[k] = a.data[from + k]!
          columns(row, b, ofB[g]! * count * n, sums, (g * m + i) * n, count, n)
        }
      }
      const made = tensor(shape, a.dtype)
      for (let i = 0; i < sums.length; i++) made.data[i] = isWhole(a.dtype) ? wrapped(sums[i]!, a.dtype) : sums[i]!
      return [made]
    },

    open(operands: Operands, index: Index) {
      const a = needed(operands, 0)
      const b = needed(operands, 1)
      const tall = a.shape.length > 1 ? 1 : 0
      const wide = b.shape.length > 1 ? 1 : 0
      const batch = index.slice(0, index.length - tall - wide)
      const m = index.slice(batch.length, batch.length + tall)
      const n = wide ? index.slice(-1) : []
      const count = a.shape.at(-1)!
      const row = line(a, [...placeIn(batch, a.shape.slice(0, -2)), ...m], count, [])
      const column = line(b, placeIn(batch, b.shape.slice(0, -2)), count, n)
      const part = partOf(a, b, row, column)
      let bias = 0
      if (isWhole(a.dtype)) {
        let exact = 0
        for (let k = 0; k < count; k++) exact += row.values[k]! * column.values[k]!
        bias = wrapped(exact, a.dtype) - exact
      }
      return linear([part], { bias })
    },

    reach(operands: Operands, sets: Sets) {
      const a = needed(operands, 0)
      const b = needed(operands, 1)
      const tall = a.shape.length > 1
      const wide = b.shape.length > 1
      const before = sets.slice(0, sets.length - (tall ? 1 : 0) - (wide ? 1 : 0))
      const batch = (shape: readonly number[]) => {
        const own = shape.slice(0, -2)
        return own.map((n, axis) => {
          const set = before[before.length - own.length + axis]!
          return n === 1 ? Uint8Array.of(1) : set.slice()
        })
      }
      const all = (n: number) => new Uint8Array(n).fill(1)
      const ofA = tall ? [...batch(a.shape), sets[before.length]!.slice(), all(a.shape.at(-1)!)] : [all(a.shape[0]!)]
      const ofB = wide ? [...batch(b.shape), all(b.shape.at(-2)!), sets.at(-1)!.slice()] : [all(b.shape[0]!)]
      return [ofA, ofB]
    },

    backward(operands: Operands, _result: Tensor, gradient: Float64Array) {
      const a = needed(operands, 0)
      const b = needed(operands, 1)
      const { of, by, result } = full(a, b)
      const [m, count, n] = [of.at(-2)!, of.at(-1)!, by.at(-1)!]
      const batch = result.slice(0, -2)
      const ofA = places(batch, of.slice(0, -2))
      const ofB = places(batch, by.slice(0, -2))
      const toA = new Float64Array(a.data.length)
      const toB = new Float64Array(b.data.length)
      for (let g = 0; g < ofA.length; g++) {
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            const own = gradient[(g * m + i) * n + j]!
            if (!own) continue
            for (let k = 0; k < count; k++) {
              const left = (ofA[g]! * m + i) * count + k
              const right = (ofB[g]! * count + k) * n + j
              toA[left]! += own * b.data[right]!
              toB[right]! += own * a.data[left]!
            }
          }
        }
      }
      return [toA, toB]
    },
  }
}
