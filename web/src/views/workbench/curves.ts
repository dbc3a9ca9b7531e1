// Activation functions as curves, by ONNX's names (onnx/docs/Operators.md): for the drawing alone. The opened value
// itself is the source's.
import type { JsonValue } from '../../types'

type Attributes = { readonly [name: string]: JsonValue }
type Curve = (x: number, number: (name: string, otherwise: number) => number) => number

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const erf = (x: number): number => { // Abramowitz and Stegun 7.1.26: error below 1.5e-7, less than a line is wide
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const y = 1 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x)
  return x < 0 ? -y : y
}

const elu: Curve = (x, number) => number('gamma', 1) * (x < 0 ? number('alpha', 1) * Math.expm1(x / number('divisor', 1)) : x)

const CURVES: { readonly [type: string]: Curve } = {
  Relu: (x) => Math.max(0, x),
  LeakyRelu: (x, number) => (x < 0 ? number('alpha', 0.01) * x : x),
  ThresholdedRelu: (x, number) => (x > number('alpha', 1) ? x : 0),
  Clip: (x, number) => Math.min(number('high', Infinity), Math.max(number('low', -Infinity), x)),
  Elu: elu,
  Selu: elu,
  Celu: elu,
  Sigmoid: sigmoid,
  HardSigmoid: (x, number) => Math.max(0, Math.min(1, number('alpha', 0.2) * x + number('beta', 0.5))),
  HardSwish: (x) => (x * Math.max(0, Math.min(6, x + 3))) / 6,
  Tanh: Math.tanh,
  Softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  Softsign: (x) => x / (1 + Math.abs(x)),
  Gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  Swish: (x, number) => x * sigmoid(number('alpha', 1) * x),
  Mish: (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
  Erf: erf,
  Abs: Math.abs,
  Exp: Math.exp,
  Sqrt: (x) => Math.sqrt(x),
}

/** The function of an operation; null where it is none of one number. */
export function curve(type: string, attributes: Attributes): ((x: number) => number) | null {
  const found = CURVES[type]
  if (!found) return null
  return (x) => found(x, (name, otherwise) => {
    const value = attributes[name]
    return typeof value === 'number' ? value : otherwise
  })
}
