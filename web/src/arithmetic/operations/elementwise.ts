// What joins tensors value by value, broadcast: sums, products, quotients, the greatest, comparisons, choices.
import type { Attributes, Formula, Operands, Operation, Opening, Sets } from '../base'
import { changedPlaces, formula, linear, narrowed, needed, number, one } from '../base'
import type { Index, Numbers, Shape, Tensor } from '../tensor'
import { broadcast, isWhole, kept, placeIn, places, ravel, tensor, unravel, wrapped, wrapping } from '../tensor'

/** Each operand's shape, so that NumPy's rule holds: before opset 7 the second could end `tail` axes earlier. */
function shapesOf(operands: Operands, tail: number): Shape[] {
  return operands.map((_, n) => {
    const { shape } = needed(operands, n)
    return n === 1 ? [...shape, ...new Array<number>(tail).fill(1)] : shape
  })
}

const FEW = 8 // where no more than one value of so many has changed, those alone are computed

interface Rule {
  /** The result's value of the operands' values; whether the first are whole numbers. */
  readonly value: (values: readonly number[], whole: boolean) => number
  readonly open: (operands: Operands, at: readonly (readonly number[])[], values: readonly number[]) => Opening
  readonly dtype?: (operands: Operands) => string
  /** d value / d each operand, times the gradient. */
  readonly slopes?: (values: readonly number[]) => readonly number[]
  /** Two operands of one shape or a constant: an inner loop of its own. */
  readonly quick?: (a: number, b: number) => number
}

function elementwise(attributes: Attributes, rule: Rule): Operation {
  const tail = (attributes['tail'] as number | undefined) ?? 0
  const operation: Operation = {
    forward(operands: Operands) {
      const shapes = shapesOf(operands, tail)
      const shape = broadcast(shapes)
      const dtype = rule.dtype ? rule.dtype(operands) : needed(operands, 0).dtype
      const result = tensor(shape, dtype)
      const { data } = result
      const [a, b] = [operands[0]!.data, operands[1]?.data]
      const whole = isWhole(dtype)
      if (rule.quick && b && operands.length === 2 && !whole) {
        if (a.length === data.length && b.length === data.length) {
          for (let i = 0; i < data.length; i++) data[i] = rule.quick(a[i]!, b[i]!)
          return [result]
        }
        if (a.length === data.length && b.length === 1) {
          for (let i = 0; i < data.length; i++) data[i] = rule.quick(a[i]!, b[0]!)
          return [result]
        }
      }
      const at = shapes.map((own) => places(shape, own))
      if (rule.quick && b && operands.length === 2) {
        const [first, second] = [at[0]!, at[1]!]
        const wrap = wrapping(dtype)
        for (let i = 0; i < data.length; i++) data[i] = wrap(rule.quick(a[first[i]!]!, b[second[i]!]!))
        return [result]
      }
      const values = new Array<number>(operands.length)
      const first = isWhole(operands[0]!.dtype)
      for (let i = 0; i < data.length; i++) {
        for (let n = 0; n < values.length; n++) values[n] = operands[n]!.data[at[n]![i]!]!
        const value = rule.value(values, first)
        data[i] = whole ? kept(value, dtype) : value
      }
      return [result]
    },
    again(operands: Operands, before: Tensor, results: readonly Tensor[]) {
      const { shape, dtype, data: old } = results[0]!
      const { data: first, dtype: own } = needed(operands, 0)
      const changed = first.length === old.length ? changedPlaces(first, before.data, first.length / FEW) : null
      if (!changed) return operation.forward(operands) as Tensor[]
      const data = old.slice() as Numbers
      const shapes = shapesOf(operands, tail)
      for (const i of changed) {
        const index = unravel(shape, i)
        const values = shapes.map((each, n) => (n ? operands[n]!.data[ravel(each, placeIn(index, each))]! : first[i]!))
        const value = rule.value(values, isWhole(own))
        data[i] = isWhole(dtype) ? kept(value, dtype) : value
      }
      return [tensor(shape, dtype, data)]
    },
    open(operands: Operands, index: Index) {
      const at = shapesOf(operands, tail).map((shape, n) => {
        const place = placeIn(index, shape)
        return n === 1 && tail ? place.slice(0, place.length - tail) : place
      })
      const values = operands.map((_, n) => needed(operands, n).data[ravel(operands[n]!.shape, at[n]!)]!)
      return rule.open(operands, at, values)
    },
    reach(operands: Operands, sets: Sets) {
      return shapesOf(operands, tail).map((shape, n) => {
        const found = narrowed(sets, shape)
        return n === 1 && tail ? found.slice(0, found.length - tail) : found
      })
    },
  }
  if (!rule.slopes) return operation
  const { slopes } = rule
  return {
    ...operation,
    backward(operands: Operands, result: Tensor, gradient: Float64Array) {
      const at = shapesOf(operands, tail).map((own) => places(result.shape, own))
      const found = operands.map((_, n) => new Float64Array(needed(operands, n).data.length))
      const values = new Array<number>(operands.length)
      for (let i = 0; i < gradient.length; i++) {
        const g = gradient[i]!
        if (!g) continue
        for (let n = 0; n < values.length; n++) values[n] = operands[n]!.data[at[n]![i]!]!
        const own = slopes(values)
        for (let n = 0; n < values.length; n++) found[n]![at[n]![i]!]! += g * own[n]!
      }
      return found
    },
  }
}

export function addition(attributes: Attributes): Operation {
  const sign = attributes['sign'] as number
  return elementwise(attributes, {
    value: (values) => values.reduce((sum, value, n) => sum + (n ? sign * value : value), 0),
    quick: sign === 1 ? (a, b) => a + b : (a, b) => a - b,
    slopes: (values) => values.map((_, n) => (n ? sign : 1)),
    open: (operands, at, values) => {
      const parts = at.map((place, n) => one(n, needed(operands, n), place, 'x', n && sign !== 1 ? sign : null))
      const { dtype } = needed(operands, 0)
      const exact = values.reduce((sum, value, n) => sum + (n ? sign * value : value), 0)
      return linear(parts, { bias: isWhole(dtype) ? wrapped(exact, dtype) - exact : 0 })
    },
  })
}

export function mean(attributes: Attributes): Operation {
  return elementwise(attributes, {
    value: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
    slopes: (values) => values.map(() => 1 / values.length),
    open: (operands, at) => linear(at.map((place, n) => one(n, needed(operands, n), place)), { divisor: at.length }),
  })
}

export function multiplication(attributes: Attributes): Operation {
  return elementwise(attributes, {
    value: ([a, b]) => a! * b!,
    quick: (a, b) => a * b,
    slopes: ([a, b]) => [b!, a!],
    open: (operands, at, values) => {
      const a = needed(operands, 0)
      const value = one(0, a, at[0]!)
      const weight = one(1, needed(operands, 1), at[1]!)
      const exact = values[0]! * values[1]!
      const part = {
        ...value, weights: weight.values, weightOperand: 1, weightRank: weight.rank, weightIndex: weight.index,
      }
      return linear([part], { bias: isWhole(a.dtype) ? wrapped(exact, a.dtype) - exact : 0 })
    },
  })
}

interface Said {
  readonly result: number
  readonly text: string
  readonly scale?: number
  readonly note?: string
}

/** f(a, b) of two operands, as a formula. */
function two(
  attributes: Attributes, roles: readonly [string, string], at: (a: number, b: number, whole: boolean) => Said,
  slopes?: Rule['slopes'], dtype?: Rule['dtype'],
): Operation {
  return elementwise(attributes, {
    value: ([a, b], whole) => at(a!, b!, whole).result,
    open: (operands, places, [a, b]): Formula => {
      const said = at(a!, b!, isWhole(needed(operands, 0).dtype))
      const parts = places.map((place, n) => one(n, needed(operands, n), place, roles[n as 0 | 1]))
      const result = kept(said.result, needed(operands, 0).dtype)
      return formula(parts, result, said.text, { scale: said.scale ?? Math.abs(result), note: said.note ?? '' })
    },
    ...(slopes ? { slopes } : {}),
    ...(dtype ? { dtype } : {}),
  })
}

export function division(attributes: Attributes): Operation {
  return two(attributes, ['x', 'divisor'], (a, b, whole) => {
    const text = `${number(a)} / ${number(b)}`
    if (!whole) return { result: a / b, text }
    const result = b === 0 ? 0 : Math.trunc(a / b)
    return { result, text, note: b && a % b ? 'without the fraction' : '' }
  }, ([a, b]) => [1 / b!, -a! / b! ** 2])
}

export function power(attributes: Attributes): Operation {
  return two(attributes, ['x', 'exponent'], (a, b, whole) => ({
    result: whole ? Math.trunc(a ** b) : a ** b, text: `${number(a)} ^ ${number(b)}`,
  }), ([a, b]) => [b! * a! ** (b! - 1), a! > 0 ? a! ** b! * Math.log(a!) : 0])
}

export function remainder(attributes: Attributes): Operation {
  const truncated = Boolean(attributes['truncated'])
  return two(attributes, ['x', 'divisor'], (a, b, whole) => {
    const text = `${number(a)} - ${truncated ? 'trunc' : 'floor'}(${number(a)} / ${number(b)}) × ${number(b)}`
    if (whole && b === 0) return { result: 0, text }
    const rest = a % b
    const result = truncated || !rest || (rest < 0) === (b < 0) ? rest : rest + b
    return { result, text, scale: truncated || whole ? Math.abs(result) : Math.abs(result) + Math.abs(b) }
  })
}

const LOGIC: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b, '<': (a, b) => a < b, '≤': (a, b) => a <= b, '>': (a, b) => a > b, '≥': (a, b) => a >= b,
  and: (a, b) => Boolean(a && b), or: (a, b) => Boolean(a || b), xor: (a, b) => Boolean(a) !== Boolean(b),
}

export function logic(attributes: Attributes): Operation {
  const sign = attributes['sign'] as string
  const holds = LOGIC[sign]
  if (!holds) throw new Error(`no comparison ${sign}`)
  return elementwise(attributes, {
    value: ([a, b]) => (holds(a!, b!) ? 1 : 0),
    dtype: () => 'bool',
    open: (operands, at, [a, b]) => {
      const result = holds(a!, b!)
      const parts = at.map((place, n) => one(n, needed(operands, n), place, n ? 'y' : 'x'))
      return formula(parts, result ? 1 : 0, `${number(a!)} ${sign} ${number(b!)}`, { note: result ? 'true' : 'false' })
    },
  })
}

export function parametricRelu(attributes: Attributes): Operation {
  return two(attributes, ['x', 'slope'], (a, b) => a < 0
    ? { result: a * b, text: `${number(b)} × ${number(a)}`, note: 'the input is negative' }
    : { result: a, text: number(a), note: a > 0 ? 'the input is positive' : a === 0 ? 'the input is 0' : '' },
  ([a, b]) => (a! < 0 ? [b!, a!] : [1, 0]))
}

const NAMED = 6 // as many operands as are named one by one in a text

export function extreme(attributes: Attributes): Operation {
  const largest = Boolean(attributes['largest'])
  const taken = (values: readonly number[]) => {
    let at = 0
    values.forEach((value, n) => {
      if (largest ? value > values[at]! : value < values[at]!) at = n
    })
    return at
  }
  return elementwise(attributes, {
    value: (values) => values[taken(values)]!,
    slopes: (values) => {
      const at = taken(values)
      return values.map((_, n) => (n === at ? 1 : 0))
    },
    open: (operands, at, values) => {
      const parts = at.map((place, n) => one(n, needed(operands, n), place))
      const winner = taken(values)
      parts.unshift(...parts.splice(winner, 1))
      const listed = values.length > NAMED
        ? `${values.slice(0, NAMED - 1).map(number).join(', ')}, ... ${values.length} values`
        : values.map(number).join(', ')
      return formula(parts, values[winner]!, `${largest ? 'max' : 'min'}(${listed})`, { chosen: 0 })
    },
  })
}

export function choice(attributes: Attributes): Operation {
  return elementwise(attributes, {
    value: ([condition, a, b]) => (condition ? a! : b!),
    dtype: (operands) => needed(operands, 1).dtype,
    slopes: ([condition]) => [0, condition ? 1 : 0, condition ? 0 : 1],
    open: (operands, at, [condition]) => {
      const taken = condition ? 1 : 2
      return linear([one(taken, needed(operands, taken), at[taken]!)], { facts: { condition: condition ? 1 : 0 } })
    },
  })
}
