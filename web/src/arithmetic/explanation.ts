// Why this answer: the classes, the trail back to a pixel, the heatmap with its check, and why not the other class.
import type { Picture } from '../source'
import type { ExplanationDocument, GraphDocument, HeatmapDocument } from '../types'
import { difference } from './difference'
import type { Frame } from './heatmap'
import { frameOf } from './heatmap'
import { placeOf } from './level'
import type { State } from './network'
import type { Ask } from './occlusion'
import { deletion, occlusion, ORDERS, STEPS } from './occlusion'
import { gradCam } from './saliency'
import { unravel } from './tensor'
import { trail } from './trail'

export type Method = 'grad-cam' | 'occlusion'

const LONGEST_CHECK = 60_000 // milliseconds that a deletion check may take; past that it is left out and said

export interface Wish {
  readonly target: number
  readonly against: number | null
  readonly method: Method
  /** What one forward pass takes, so that the check's time is known beforehand. */
  readonly milliseconds: number
}

export function* explain(
  document: GraphDocument, state: State, wish: Wish, ask: (picture: Picture) => Generator<void, readonly number[]>,
  progress: (share: number) => void,
): Generator<void, ExplanationDocument> {
  const { classes, answer } = document
  const { probabilities } = state
  const lacking: string[] = []
  const order = probabilities.map((_, n) => n).sort((a, b) => probabilities[b]! - probabilities[a]! || a - b)
  const against = wish.against ?? order.find((n) => n !== wish.target) ?? null
  const versus = answer.scores && against !== null && against !== wish.target
    ? difference(state, answer.scores, classes, wish.target, against) : null
  if (!versus && against !== null) lacking.push("The classes' scores aren't sums of one layer's values: no difference in terms.")
  const ofTarget: Ask = function* (each) {
    return (yield* ask(each))[wish.target]!
  }
  const heatmap = yield* heat(document, state, wish, ofTarget, lacking, progress)
  const shape = state.values.get(answer.probabilities)!.shape
  const start = answer.ending === '' || !answer.scores ? answer.probabilities : answer.scores
  const steps = trail(state, start, unravel(start === answer.probabilities ? shape : state.values.get(start)!.shape, wish.target))
  const top = order.slice(0, 10).map((n) => ({ label: classes[n]!, probability: probabilities[n]! }))
  return {
    model: document.file, label: top[0]!.label, probability: top[0]!.probability, top, explained: classes[wish.target]!, versus,
    trail: steps, heatmap, lacking, assumed: document.input.assumed,
  }
}

function* heat(
  document: GraphDocument, state: State, wish: Wish, ask: Ask, lacking: string[], progress: (share: number) => void,
): Generator<void, HeatmapDocument | null> {
  const { picture } = state
  const found = wish.method === 'grad-cam' ? byGradient(document, state, wish.target, lacking) : null
  const check = wish.milliseconds * (STEPS + 1) * (ORDERS + 1) <= LONGEST_CHECK
  if (!check) lacking.push('The deletion check would take more than a minute here; the command line does it.')
  const part = found ? 0 : check ? 0.4 : 1
  let method, values, frame: Frame, grain: readonly [number, number]
  if (found) {
    values = found.heat
    frame = found.frame
    grain = [values.height, values.width]
    method = `Grad-CAM over ${placeOf(state, found.layer, []).name}`
  } else {
    const made = yield* occlusion(picture, ask, (share) => progress(share * part))
    values = made.heat
    frame = [0, 0, picture.height, picture.width]
    grain = made.grain
    method = made.method
  }
  const checked = check ? yield* deletion(picture, values, frame, grain, ask, (share) => progress(part + share * (1 - part))) : null
  progress(1)
  return {
    method, path: null, layer: found ? placeOf(state, found.layer, []).name : null,
    weights: found ? Array.from(found.weights) : null,
    values: Array.from({ length: values.height }, (_, row) =>
      Array.from(values.values.subarray(row * values.width, (row + 1) * values.width))),
    frame: [...frame], deletion: checked,
  }
}

function byGradient(document: GraphDocument, state: State, target: number, lacking: string[]) {
  const { scores, layer, start } = document.answer
  if (!scores || !layer || !start) {
    lacking.push(`No Grad-CAM, so occlusion instead: ${document.answer.lacking.join('; ') || 'no layer has maps with places'}.`)
    return null
  }
  try {
    return { ...gradCam(state, scores, target, layer), frame: frameOf(state, start, document.input.picture) }
  } catch (error) {
    lacking.push(`No Grad-CAM, so occlusion instead: ${error instanceof Error ? error.message : String(error)}.`)
    return null
  }
}
