// Where on the stage a map or a value stands: the ends of the lines that are drawn for what is open.
import type { Explorer } from '../state/explorer.svelte'
import { type Plan, type Tiles, tileAt } from '../state/layout'
import { shownChannels } from './shown'

interface Point { readonly x: number; readonly y: number }

/** The left ('in') or right ('out') edge of a tile; null where it is not on the stage. A map that isn't shown is at
 *  the "+n" beneath its column. */
export function anchor(explorer: Explorer, plan: Plan, name: string, channel: number, head: number, side: 'in' | 'out'): Point | null {
  const { network } = explorer
  const stands = network.onStage(name)
  if (stands === network.input) {
    return at(plan.input.tiles, channel, plan.input.x, plan.input.y + head, side)
  }
  const layer = stands === null ? undefined : network.layer(stands)
  const column = layer && plan.columns.find((each) => each.layer === layer)
  if (!column) return null
  const screen = network.nameOf(column.layer)
  const open = explorer.place?.name === screen ? network.spot(screen, explorer.place.index)[0] : undefined
  const place = column.tiles.kind === 'cells' || column.tiles.shown === column.tiles.total ? channel // all, in their order
    : shownChannels(column.tiles, explorer.tensors.held.get(screen)?.ranking, open).indexOf(channel)
  if (place < 0) {
    const { y } = tileAt(column.tiles, Math.ceil(column.tiles.shown / column.tiles.across) - 1)
    return { x: column.x + (side === 'in' ? 0 : 24), y: column.y + head + y + column.tiles.high + 12 }
  }
  return at(column.tiles, place, column.x, column.y + head, side)
}

function at(tiles: Tiles, place: number, left: number, top: number, side: 'in' | 'out'): Point {
  const { x, y } = tileAt(tiles, place)
  return { x: left + x + (side === 'in' ? -2 : tiles.size + 2), y: top + y + tiles.high / 2 }
}
