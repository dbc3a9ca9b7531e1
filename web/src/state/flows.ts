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
  const found: { source: string; channel: number; sum: number; count: number }[] = []
  const bySource = new Map<string, Map<number, (typeof found)[number]>>()
  const parts = level.terms ?? chosenOf(level)
  for (const { source, index, product } of parts) {
    const channel = channelOf(source, index) ?? 0
    let byChannel = bySource.get(source)
    if (!byChannel) bySource.set(source, (byChannel = new Map()))
    const flow = byChannel.get(channel)
    if (flow) {
      flow.sum += real(product)
      flow.count++
    } else {
      const first = { source, channel, sum: real(product), count: 1 }
      byChannel.set(channel, first)
      found.push(first)
    }
  }
  return found
}

function chosenOf(level: LevelDocument): readonly TermDocument[] {
  const operands = level.operands ?? []
  const chosen = level.chosen != null ? operands[level.chosen] : undefined
  return chosen ? [chosen] : operands.filter((term) => term.role === 'x' || term.role === 'logit' || operands.length <= 2)
}
