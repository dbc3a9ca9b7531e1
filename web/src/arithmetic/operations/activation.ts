// Activation functions: each as its value, its slope (for gradients) and its formula with the number put in.
import type { Attributes, Operation } from '../base'
import { number } from '../base'
import type { Answer, Curve } from './pointwise'
import { erf, pointwise } from './pointwise'

const NEGATIVE = 'the input is negative'
const POSITIVE = 'the input is positive'

function side(x: number): string {
  return x < 0 ? NEGATIVE : x > 0 ? POSITIVE : x === 0 ? 'the input is 0' : ''
}

function sigmoidOf(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x))
  const e = Math.exp(x)
  return e / (1 + e)
}

function softplusOf(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}

function clamp(x: number): number {
  return Math.min(Math.max(x, 0), 1)
}

const NORMAL = Math.sqrt(2 / Math.PI)

type Make = (attributes: Attributes) => Curve

const relu: Make = () => ({
  value: (x) => (x > 0 ? x : x <= 0 ? 0 : x),
  slope: (x) => (x > 0 ? 1 : 0),
  at: (x) => ({ result: Math.max(x, 0), text: `max(0, ${number(x)})`, note: side(x) }),
})

const leakyRelu: Make = (attributes) => {
  const alpha = attributes['alpha'] as number
  return {
    value: (x) => (x < 0 ? alpha * x : x),
    slope: (x) => (x < 0 ? alpha : 1),
    at: (x) => x < 0
      ? { result: alpha * x, text: `${number(alpha)} × ${number(x)}`, note: NEGATIVE }
      : { result: x, text: number(x), note: side(x) },
  }
}

const thresholdedRelu: Make = (attributes) => {
  const alpha = attributes['alpha'] as number
  return {
    value: (x) => (x > alpha ? x : 0),
    slope: (x) => (x > alpha ? 1 : 0),
    at: (x) => {
      const above = x > alpha
      const text = `${above ? number(x) : 0}, as ${number(x)} ${above ? '>' : '≤'} ${number(alpha)}`
      return { result: above ? x : 0, text, note: `the input is ${above ? 'above' : 'not above'} ${number(alpha)}` }
    },
  }
}

function limit(value: unknown): number | null {
  return value === null ? null : Number(value)
}

const clip: Make = (attributes) => {
  const low = limit(attributes['low'])
  const high = limit(attributes['high'])
  const value = (x: number) => Math.min(Math.max(x, low ?? -Infinity), high ?? Infinity)
  return {
    value,
    slope: (x) => ((low !== null && x < low) || (high !== null && x > high) ? 0 : 1),
    at: (x) => {
      let text = number(x)
      let note = 'within the limits'
      if (low !== null) {
        text = `max(${text}, ${number(low)})`
        if (x < low) note = 'the input is below the lower limit'
      }
      if (high !== null) {
        text = `min(${text}, ${number(high)})`
        if (Math.max(x, low ?? -Infinity) > high) note = 'the input is above the upper limit'
      }
      return { result: value(x), text, note }
    },
  }
}

const elu: Make = (attributes) => {
  const alpha = attributes['alpha'] as number
  const gamma = attributes['gamma'] as number
  const divisor = attributes['divisor'] as number
  return {
    value: (x) => (x < 0 ? gamma * alpha * Math.expm1(x / divisor) : gamma * x),
    slope: (x) => (x < 0 ? (gamma * alpha * Math.exp(x / divisor)) / divisor : gamma),
    at: (x): Answer => {
      let factor = gamma === 1 ? '' : `${number(gamma)} × `
      if (!(x < 0)) return { result: gamma * x, text: factor + number(x), note: side(x) }
      const exponent = divisor === 1 ? number(x) : `${number(x)} / ${number(divisor)}`
      factor += alpha === 1 ? '' : `${number(alpha)} × `
      return {
        result: gamma * alpha * Math.expm1(x / divisor),
        text: factor ? `${factor}(exp(${exponent}) - 1)` : `exp(${exponent}) - 1`,
        scale: Math.abs(gamma * alpha) * (Math.exp(x / divisor) + 1), note: NEGATIVE,
      }
    },
  }
}

const sigmoid: Make = () => ({
  value: sigmoidOf,
  slope: (x) => sigmoidOf(x) * (1 - sigmoidOf(x)),
  at: (x) => {
    const result = sigmoidOf(x)
    return { result, text: `1 / (1 + exp(${number(-x)}))`, scale: 0.5 + Math.abs(result - 0.5) }
  },
})

const hardSigmoid: Make = (attributes) => {
  const alpha = attributes['alpha'] as number
  const beta = attributes['beta'] as number
  return {
    value: (x) => clamp(alpha * x + beta),
    slope: (x) => (alpha * x + beta > 0 && alpha * x + beta < 1 ? alpha : 0),
    at: (x) => {
      const line = alpha * x + beta
      return {
        result: clamp(line), text: `max(0, min(1, ${number(alpha)} × ${number(x)} + ${number(beta)}))`,
        scale: Math.abs(alpha * x) + Math.abs(beta),
        note: line > 0 && line < 1 ? 'within 0 and 1' : line <= 0 ? 'held at 0' : 'held at 1',
      }
    },
  }
}

const hardSwish: Make = () => ({
  value: (x) => x * clamp(x / 6 + 0.5),
  slope: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5),
  at: (x) => {
    const line = x / 6 + 0.5
    const gate = line > 0 && line < 1 ? 'the gate is partly open' : `the gate is ${line <= 0 ? 'shut' : 'open'}`
    return {
      result: x * clamp(line), text: `${number(x)} × max(0, min(1, ${number(x)} / 6 + 0.5))`,
      scale: Math.abs(x) * (Math.abs(x) / 6 + 0.5), note: gate,
    }
  },
})

const tanh: Make = () => ({
  value: Math.tanh,
  slope: (x) => 1 - Math.tanh(x) ** 2,
  at: (x) => ({ result: Math.tanh(x), text: `tanh(${number(x)})` }),
})

const gelu: Make = (attributes) => {
  const byTanh = Boolean(attributes['tanh'])
  const inner = (x: number) => (byTanh ? Math.tanh(NORMAL * (x + 0.044715 * x ** 3)) : erf(x / Math.SQRT2))
  const bend = (x: number) => byTanh
    ? (1 - inner(x) ** 2) * NORMAL * (1 + 3 * 0.044715 * x ** 2)
    : NORMAL * Math.exp((-x * x) / 2)
  return {
    value: (x) => (x / 2) * (1 + inner(x)),
    slope: (x) => 0.5 * (1 + inner(x)) + (x / 2) * bend(x),
    at: (x) => ({
      result: (x / 2) * (1 + inner(x)),
      text: byTanh
        ? `${number(x)} / 2 × (1 + tanh(0.797885 × (${number(x)} + 0.044715 × ${number(x ** 3)})))`
        : `${number(x)} / 2 × (1 + erf(${number(x)} / sqrt(2)))`,
      scale: (Math.abs(x) / 2) * (1 + Math.abs(inner(x))),
    }),
  }
}

const softplus: Make = () => ({
  value: softplusOf,
  slope: sigmoidOf,
  at: (x) => ({ result: softplusOf(x), text: `log(1 + exp(${number(x)}))`, scale: 1 + softplusOf(x) }),
})

const softsign: Make = () => ({
  value: (x) => x / (1 + Math.abs(x)),
  slope: (x) => 1 / (1 + Math.abs(x)) ** 2,
  at: (x) => ({ result: x / (1 + Math.abs(x)), text: `${number(x)} / (1 + |${number(x)}|)` }),
})

const mish: Make = () => ({
  value: (x) => x * Math.tanh(softplusOf(x)),
  slope: (x) => {
    const t = Math.tanh(softplusOf(x))
    return t + x * (1 - t * t) * sigmoidOf(x)
  },
  at: (x) => ({
    result: x * Math.tanh(softplusOf(x)), text: `${number(x)} × tanh(log(1 + exp(${number(x)})))`, scale: Math.abs(x),
  }),
})

const swish: Make = (attributes) => {
  const alpha = attributes['alpha'] as number
  return {
    value: (x) => x * sigmoidOf(alpha * x),
    slope: (x) => {
      const gate = sigmoidOf(alpha * x)
      return gate + alpha * x * gate * (1 - gate)
    },
    at: (x) => {
      const gate = sigmoidOf(alpha * x)
      return {
        result: x * gate, text: `${number(x)} / (1 + exp(${number(-alpha * x)}))`,
        scale: Math.abs(x) * (0.5 + Math.abs(gate - 0.5)),
      }
    },
  }
}

const CURVES: Readonly<Record<string, Make>> = {
  Relu: relu, LeakyRelu: leakyRelu, ThresholdedRelu: thresholdedRelu, Clip: clip, Elu: elu, Sigmoid: sigmoid,
  HardSigmoid: hardSigmoid, HardSwish: hardSwish, Tanh: tanh, Gelu: gelu, Softplus: softplus, Softsign: softsign,
  Mish: mish, Swish: swish,
}

/** The function itself, for a view that draws it. Null for what is no activation. */
export function curveOf(operation: string, attributes: Attributes): ((x: number) => number) | null {
  const [module, name] = operation.split('.') as [string, string]
  return module === 'activation' && CURVES[name] ? CURVES[name](attributes).value : null
}

export const ACTIVATIONS: Readonly<Record<string, (attributes: Attributes) => Operation>> = Object.fromEntries(
  Object.entries(CURVES).map(([name, make]) => [`activation.${name}`, (attributes: Attributes) => pointwise(make(attributes))]),
)
