// The trail from an answer back to a pixel, by the strongest term of each value: inside/trail.py.
import type { StepDocument, TermDocument } from '../types'
import { product } from './base'
import type { Opened } from './level'
import { figure, isConstant, openAt, placeOf, termOf } from './level'
import type { State } from './network'

const TOP = 3
const LONGEST = 2000

interface Ranked {
  readonly part: number
  readonly entry: number
}

/** Every term, the largest product first; in a formula the chosen one, or the value's own place, before all others,
 *  and parameters after what was computed. */
export function ranked(state: State, opened: Opened): Ranked[] {
  const { opening, step } = opened
  if (!opening || !step) return []
  const rows: { part: number; entry: number; size: number; later: boolean }[] = []
  opening.parts.forEach((part, number) => {
    const later = !opening.linear && isConstant(state, step.node.inputs[part.operand]!)
    for (let entry = 0; entry < part.values.length; entry++) {
      rows.push({ part: number, entry, size: Math.abs(product(part, entry)), later })
    }
  })
  const first = firstOf(opened)
  if (first !== null && rows[first]) rows[first].size = Infinity
  return rows.sort((a, b) => Number(a.later) - Number(b.later) || b.size - a.size || 0)
}

function firstOf({ opening, full }: Opened): number | null {
  const part = opening?.parts[0]
  if (!opening || opening.linear || !part?.values.length) return null
  if (opening.chosen !== null) return opening.chosen
  if (part.rank !== full.length) return null
  for (let n = 0; n < part.values.length; n++) {
    if (full.every((place, axis) => part.index[n * part.rank + axis] === place)) return n
  }
  return null
}

export function trail(state: State, tensor: string, full: readonly number[]): StepDocument[] {
  const steps: StepDocument[] = []
  let place: { tensor: string; full: readonly number[] } | null = { tensor, full }
  while (place && steps.length < LONGEST) {
    const opened = openAt(state, place.tensor, place.full)
    const { step, opening } = opened
    if (!step || !opening) break
    const data = ranked(state, opened).slice(0, 8 * TOP)
      .filter(({ part }) => !isConstant(state, step.node.inputs[opening.parts[part]!.operand]!)).slice(0, TOP)
    const strongest: TermDocument[] = data.map(({ part, entry }) => termOf(state, step, opening.parts[part]!, entry))
    const count = opening.parts.reduce((n, part) => n + part.values.length, 0)
    steps.push({
      ...placeOf(state, place.tensor, place.full), kind: step.node.kind, value: figure(opened.stored), strongest,
      others: count - strongest.length,
    })
    const [next] = data
    if (!next) break
    const part = opening.parts[next.part]!
    place = {
      tensor: step.node.inputs[part.operand]!,
      full: Array.from(part.index.subarray(next.entry * part.rank, (next.entry + 1) * part.rank)),
    }
  }
  return steps
}
