// What flows into an open value, map by map: the edges of the stage, and the rows of the workbench.
import { real } from '../parts/numbers'
import type { LevelDocument, TermDocument } from '../types'

export interface Flow {
  readonly source: string
  readonly channel: number // of a map, or the place in a list
  readonly sum: number
  readonly count: number
}

/** The sum of each input map's products; where nothing is multiplied, what the chosen or only operand brings. */
export function flows(level: LevelDocument, channelOf: (source: string, index: readonly number[]) => number | undefined = (_, index) => index[0]): readonly Flow[] {
  const found = new Map<string, { source: string; channel: number; sum: number; count: number }>()
  const parts = level.terms ?? chosenOf(level)
  for (const term of parts) {
    const channel = channelOf(term.source, term.index) ?? 0
    const key = `${channel} ${term.source}`
    const flow = found.get(key)
    const product = real(term.product)
    if (flow) {
      flow.sum += product
      flow.count++
    } else found.set(key, { source: term.source, channel, sum: product, count: 1 })
  }
  return [...found.values()]
}

/** The strongest `most`, strongest first. */
export function strongestFlows(all: readonly Flow[], most: number): readonly Flow[] {
  return [...all].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum)).slice(0, most)
}

function chosenOf(level: LevelDocument): readonly TermDocument[] {
  const operands = level.operands ?? []
  const chosen = level.chosen != null ? operands[level.chosen] : undefined
  return chosen ? [chosen] : operands.filter((term) => term.role === 'x' || term.role === 'logit' || operands.length <= 2)
}
