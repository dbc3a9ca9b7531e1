// Why this answer: the classes, the trail back to a pixel, the heatmap with its check, and why not the other class.
import type { Picture } from '../source'
import type { DeletionDocument, ExplanationDocument, GraphDocument, HeatmapDocument } from '../types'
import { difference } from './difference'
import type { Frame, Grid } from './heatmap'
import { frameOf } from './heatmap'
import { placeOf } from './level'
import type { State } from './network'
import type { Ask } from './occlusion'
import { deletion, occlusion, ORDERS } from './occlusion'
import { gradCam } from './saliency'
import { unravel } from './tensor'
import { trail } from './trail'

export type Method = 'grad-cam' | 'occlusion'

const LONGEST_CHECK = 60_000 // milliseconds that a deletion check may take; past that it is left out and said
const NO_CHECK = 'The deletion check would take more than a minute here; the command line does it.'

/** How far it is, and once, before the check, what is known so far. */
export type Report = (share: number, soFar?: ExplanationDocument) => void

export interface Wish {
  readonly target: number
  readonly against: number | null
  readonly method: Method
}

export function* explain(
  document: GraphDocument, state: State, wish: Wish, ask: (picture: Picture) => Generator<void, readonly number[]>,
  report: Report,
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
  const shape = state.values.get(answer.probabilities)!.shape
  const start = answer.ending === '' || !answer.scores ? answer.probabilities : answer.scores
  const steps = trail(state, start, unravel(start === answer.probabilities ? shape : state.values.get(start)!.shape, wish.target))
  const top = order.slice(0, 10).map((n) => ({ label: classes[n]!, probability: probabilities[n]! }))
  const whole = (heatmap: HeatmapDocument | null): ExplanationDocument => ({
    model: document.file, label: top[0]!.label, probability: top[0]!.probability, top, explained: classes[wish.target]!, versus,
    trail: steps, heatmap, lacking: [...lacking], assumed: document.input.assumed,
  })
  const found = yield* heat(document, state, wish, ofTarget, lacking, report)
  report(found.part, whole(found.heatmap))
  const check = yield* checked(state.picture, found, ofTarget, (share) => report(found.part + share * (1 - found.part)))
  if (!check) lacking.push(NO_CHECK)
  report(1)
  return whole({ ...found.heatmap, deletion: check })
}

/** The deletion check; null where its first curve shows that all of it would take too long. */
function* checked(
  picture: Picture, { grid, frame, grain }: Found, ask: Ask, progress: (share: number) => void,
): Generator<void, DeletionDocument | null> {
  const work = deletion(picture, grid, frame, grain, ask, (share) => {
    reached = share
    progress(share)
  })
  let reached = 0
  const begin = performance.now()
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
    // By then the code is compiled, and the time of a pass is what it will be.
    const spent = performance.now() - begin
    if (reached > 1 / (ORDERS + 1) && reached < 0.5 && spent / reached > LONGEST_CHECK) return null
    yield
  }
}

/** A heatmap before its check, and how much of the work it was. */
interface Found {
  readonly heatmap: HeatmapDocument
  readonly grid: Grid
  readonly frame: Frame
  readonly grain: readonly [number, number]
  readonly part: number
}

function* heat(
  document: GraphDocument, state: State, wish: Wish, ask: Ask, lacking: string[], report: Report,
): Generator<void, Found> {
  const { picture } = state
  const found = wish.method === 'grad-cam' ? byGradient(document, state, wish.target, lacking) : null
  const part = found ? 0 : 0.4
  let method, values: Grid, frame: Frame, grain: readonly [number, number]
  if (found) {
    values = found.heat
    frame = found.frame
    grain = [values.height, values.width]
    method = `Grad-CAM over ${placeOf(state, found.layer, []).name}`
  } else {
    const made = yield* occlusion(picture, ask, (share) => report(share * part))
    values = made.heat
    frame = [0, 0, picture.height, picture.width]
    grain = made.grain
    method = made.method
  }
  const heatmap: HeatmapDocument = {
    method, path: null, layer: found ? placeOf(state, found.layer, []).name : null,
    weights: found ? Array.from(found.weights) : null,
    values: Array.from({ length: values.height }, (_, row) =>
      Array.from(values.values.subarray(row * values.width, (row + 1) * values.width))),
    frame: [...frame], deletion: null,
  }
  return { heatmap, grid: values, frame, grain, part }
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
