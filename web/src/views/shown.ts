import type { Tiles } from '../state/layout'
import type { Ranking } from '../state/tensors.svelte'

/** Which channels a column shows, in the order of its tiles: all in their order, or the strongest; what is open always. */
export function shownChannels(tiles: Tiles, ranking: Ranking | undefined, open: number | undefined): readonly number[] {
  if (tiles.shown === tiles.total) return Array.from({ length: tiles.total }, (_, i) => i)
  const first = (ranking?.order ?? Array.from({ length: tiles.shown }, (_, i) => i)).slice(0, tiles.shown)
  return open === undefined || first.includes(open) ? first : [...first.slice(0, -1), open]
}
