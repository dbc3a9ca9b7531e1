// Reductions: a sum, mean, product, norm or extreme over some axes.
import type { Attributes, Opening, Operands, Operation, Part, Sets } from '../base'
import { block, formula, linear, needed, number, range, same, total } from '../base'
import type { Index, Numbers, Shape, Tensor } from '../tensor'
import { isWhole, kept, tensor } from '../tensor'
import { groups } from './softmax'

interface Rule {
  readonly open: (part: Part, x: Tensor) => Opening
  readonly value: (values: Float64Array, x: Tensor) => number
  readonly dtype?: string
  readonly slope?: (count: number) => number
}

function reduction(attributes: Attributes, rule: Rule): Operation {
  const axes = attributes['axes'] as number[]
  const keep = Boolean(attributes['keep'])
  const shapeOf = (shape: Shape) => keep
    ? shape.map((n, axis) => (axes.includes(axis) ? 1 : n))
    : shape.filter((_, axis) => !axes.includes(axis))
  const positions = (shape: Shape, index: Index) => {
    let rest = 0
    return shape.map((n, axis) => {
      if (!axes.includes(axis)) return [index[rest++]!]
      if (keep) rest++
      return range(n)
    })
  }
  /** Computes `into`; where a group was the same in `before`, into's value stays. */
  const fill = (x: Tensor, into: Numbers, before: Numbers | null): void => {
    const { starts, inner } = groups(x.shape, axes)
    const values = new Float64Array(inner.length)
    for (let n = 0; n < starts.length; n++) {
      let stays = before !== null
      for (let i = 0; i < inner.length; i++) {
        const place = starts[n]! + inner[i]!
        values[i] = x.data[place]!
        stays &&= same(x.data[place]!, before![place]!)
      }
      if (!stays) into[n] = rule.value(values, x)
    }
  }
  const operation: Operation = {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const result = tensor(shapeOf(x.shape), rule.dtype ?? x.dtype)
      fill(x, result.data, null)
      return [result]
    },
    again(operands: Operands, before: Tensor, results: readonly Tensor[]) {
      const { shape, dtype, data } = results[0]!
      const made = data.slice() as Numbers
      fill(needed(operands, 0), made, before.data)
      return [tensor(shape, dtype, made)]
    },
    open(operands: Operands, index: Index) {
      const x = needed(operands, 0)
      return rule.open(block(0, x, positions(x.shape, index)), x)
    },
    reach(operands: Operands, sets: Sets) {
      let rest = 0
      const found = needed(operands, 0).shape.map((n, axis) => {
        if (!axes.includes(axis)) return sets[rest++]!.slice()
        if (keep) rest++
        return new Uint8Array(n).fill(1)
      })
      return [found]
    },
  }
  if (!rule.slope) return operation
  const { slope } = rule
  return {
    ...operation,
    backward(operands: Operands, _result: Tensor, gradient: Float64Array) {
      const x = needed(operands, 0)
      const found = new Float64Array(x.data.length)
      const { starts, inner } = groups(x.shape, axes)
      starts.forEach((start, n) => {
        for (const place of inner) found[start + place] = gradient[n]! * slope(inner.length)
      })
      return [found]
    },
  }
}

export function sum(attributes: Attributes): Operation {
  const mean = Boolean(attributes['mean'])
  return reduction(attributes, {
    value: (values, x) => {
      let found = 0
      for (let i = 0; i < values.length; i++) found += values[i]!
      if (!mean) return isWhole(x.dtype) ? kept(found, x.dtype) : found
      return isWhole(x.dtype) ? Math.trunc(found / values.length) : found / values.length
    },
    slope: (count) => (mean ? 1 / count : 1),
    open: (part, x) => {
      if (!mean) return linear([part])
      if (!isWhole(x.dtype)) return linear([part], { divisor: part.values.length })
      const all = total(part.values)
      const result = Math.trunc(all / part.values.length)
      return formula([part], result, `${all} / ${part.values.length}, cut off to ${number(result)}`)
    },
  })
}

export function extremeOver(attributes: Attributes): Operation {
  const largest = Boolean(attributes['largest'])
  const place = Boolean(attributes['place'])
  const last = Boolean(attributes['last'])
  const ofNothing = largest ? -Infinity : Infinity
  const chosenOf = (values: Float64Array) => {
    let at = 0
    values.forEach((value, n) => {
      const better = largest ? value > values[at]! : value < values[at]!
      if (better || (last && value === values[at]!)) at = n
    })
    return at
  }
  return reduction(attributes, {
    ...(place ? { dtype: 'int64' } : {}),
    value: (values) => (!values.length ? ofNothing : place ? chosenOf(values) : values[chosenOf(values)]!),
    open: (part) => {
      if (!part.values.length) return formula([part], ofNothing, `${largest ? 'max' : 'min'} of nothing`, { scale: 0 })
      const chosen = chosenOf(part.values)
      const best = part.values[chosen]!
      const name = largest ? 'max' : 'min'
      const count = part.values.length
      return place
        ? formula([part], chosen, `place ${chosen} of ${count}, ${name} = ${number(best)}`, { chosen })
        : formula([part], best, `${name} of ${count} values = ${number(best)}`, { chosen })
    },
  })
}

interface Said {
  readonly result: number
  readonly text: string
  readonly scale: number
}

const NORMS: Readonly<Record<string, (x: Float64Array) => Said>> = {
  prod: (x) => {
    const result = x.reduce((n, value) => n * value, 1)
    return { result, text: `product of ${x.length} values`, scale: Math.abs(result) * Math.max(1, x.length * 0.06) }
  },
  L1: (x) => {
    const result = total(x.map(Math.abs))
    return { result, text: `sum of ${x.length} absolute values`, scale: result }
  },
  L2: (x) => {
    const squares = total(x.map((value) => value * value))
    return { result: Math.sqrt(squares), text: `sqrt(${number(squares)})`, scale: Math.sqrt(squares) }
  },
  'sum square': (x) => {
    const result = total(x.map((value) => value * value))
    return { result, text: `sum of ${x.length} squares`, scale: result }
  },
  'log sum': (x) => {
    const all = total(x)
    const share = all ? total(x.map(Math.abs)) / Math.abs(all) : 0
    return { result: Math.log(all), text: `log(${number(all)})`, scale: Math.abs(Math.log(all)) + share }
  },
  'log sum exp': (x) => {
    const top = x.reduce((best, value) => Math.max(best, value), -Infinity)
    const all = total(x.map((value) => Math.exp(value - top)))
    return {
      result: top + Math.log(all), text: `${number(top)} + log(${number(all)})`,
      scale: Math.abs(top) + Math.abs(Math.log(all)) + 1,
    }
  },
}

export function norm(attributes: Attributes): Operation {
  const rule = NORMS[attributes['form'] as string]
  if (!rule) throw new Error(`no norm ${String(attributes['form'])}`)
  const whole = (value: number, x: Tensor) => (isWhole(x.dtype) ? Math.trunc(value) : value)
  return reduction(attributes, {
    value: (values, x) => whole(rule(values).result, x),
    open: (part, x) => {
      const { result, text, scale } = rule(part.values)
      return formula([part], whole(result, x), text, { scale })
    },
  })
}
