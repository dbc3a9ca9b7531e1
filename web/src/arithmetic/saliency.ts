// Grad-CAM, by the same rule as inside/saliency.py: weights [C] are the mean over a map's places of d score / d map, the
// heat is max(0, sum of weights x maps).
import type { Grid } from './heatmap'
import { operandsOf } from './level'
import type { State } from './network'

export interface GradCam {
  readonly layer: string
  readonly weights: Float64Array
  readonly heat: Grid
}

/** d (coefficients x scores) / d `layer`, backwards through what stands between. Throws with a sentence where an
 *  operation has no gradient here. */
export function gradient(state: State, scores: string, coefficients: Float64Array, layer: string): Float64Array {
  const needed = new Set([layer])
  for (const step of state.steps) {
    if (step.node.inputs.some((name) => needed.has(name))) step.node.outputs.forEach((name) => name && needed.add(name))
  }
  const found = new Map<string, Float64Array>([[scores, coefficients]])
  for (let n = state.steps.length - 1; n >= 0; n--) {
    const step = state.steps[n]!
    const [made] = step.node.outputs
    const own = made && made !== layer ? found.get(made) : undefined
    if (!made || !own || !needed.has(made)) continue
    if (!step.operation.backward) throw new Error(`${step.node.name} (${step.node.kind}) has no gradient here`)
    const off = state.off.get(made)
    const passed = off?.size ? silenced(own, state.values.get(made)!.shape, off) : own
    step.operation.backward(operandsOf(state, step), state.values.get(made)!, passed).forEach((part, operand) => {
      const source = step.node.inputs[operand]
      if (!part || !source || !needed.has(source)) return
      const known = found.get(source)
      if (!known) found.set(source, part === own ? part.slice() : part)
      else for (let i = 0; i < part.length; i++) known[i]! += part[i]!
    })
  }
  return found.get(layer) ?? new Float64Array(state.values.get(layer)!.data.length)
}

function silenced(own: Float64Array, shape: readonly number[], off: ReadonlySet<number>): Float64Array {
  const passed = own.slice()
  const area = own.length / (shape[1] ?? own.length)
  for (const channel of off) passed.fill(0, channel * area, (channel + 1) * area)
  return passed
}

export function gradCam(state: State, scores: string, target: number, layer: string): GradCam {
  const coefficients = new Float64Array(state.values.get(scores)!.data.length)
  coefficients[target] = 1
  const slopes = gradient(state, scores, coefficients, layer)
  const maps = state.values.get(layer)!
  const [, channels, height, width] = maps.shape.length === 3 ? [1, maps.shape[1]!, 1, maps.shape[2]!] : (maps.shape as number[])
  const area = height! * width!
  const weights = new Float64Array(channels!)
  const values = new Float64Array(area)
  for (let c = 0; c < channels!; c++) {
    let sum = 0
    for (let i = 0; i < area; i++) sum += slopes[c * area + i]!
    weights[c] = sum / area
    for (let i = 0; i < area; i++) values[i]! += weights[c]! * maps.data[c * area + i]!
  }
  return { layer, weights, heat: { values: values.map((value) => Math.max(value, 0)), height: height!, width: width! } }
}
