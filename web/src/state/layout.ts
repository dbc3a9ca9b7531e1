// Where the columns of the network stand: numbers alone, so that it can be tested, and so that only what is in sight
// needs to be drawn. Branches lie in lanes beneath one another, as the document's `row` says.
import type { LayerDocument } from '../types'

/** Tiles of a column: `shown` of `total`, `size` wide and `high` high, in `across` columns; `cell`s where it is a list of numbers. */
export interface Tiles {
  readonly kind: 'maps' | 'cells'
  readonly total: number
  readonly shown: number
  readonly across: number
  readonly size: number
  readonly high: number
}

export interface Column {
  readonly layer: LayerDocument
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly tiles: Tiles
}

export interface Edge {
  readonly from: number // column, -1 is the input
  readonly to: number
  readonly kind: 'next' | 'skip'
}

export interface Bracket {
  readonly stage: number
  readonly from: number
  readonly to: number // x, exclusive
}

export interface Plan {
  readonly columns: readonly Column[]
  readonly edges: readonly Edge[]
  readonly brackets: readonly Bracket[]
  readonly width: number
  readonly lanes: number
  readonly input: { x: number; width: number; y: number; tiles: Tiles }
}

export const GAP = 3 // between tiles
const FEW = 8 // maps of a collapsed column
const ALL = 32 // as many are shown without being asked for
const SMALLEST = 22
const LARGEST = 60
const HEAD = 64 // a header's width at least

/** How `total` maps of that shape fit a column of `height`. */
export function fitMaps(total: number, rows: number, columns: number, height: number, open: boolean): Tiles {
  const aspect = Math.max(0.4, Math.min(2.5, rows / columns))
  const shown = open || total <= ALL ? total : FEW
  const room = total > shown ? height - 24 : height
  for (let across = 1; ; across++) {
    const down = Math.ceil(shown / across)
    const size = Math.floor(Math.min(LARGEST, (room / down - GAP) / aspect))
    if (size >= (across < 3 ? SMALLEST + 4 * (2 - across) : SMALLEST) || across >= shown) {
      return { kind: 'maps', total, shown, across, size: Math.max(12, size), high: Math.max(8, Math.round(Math.max(12, size) * aspect)) }
    }
  }
}

/** How a list of numbers fits: one strip of cells, folded where it is long. */
export function fitCells(total: number, height: number): Tiles {
  const cell = total <= 32 ? Math.max(7, Math.min(20, Math.floor(height / total))) : total <= 512 ? 5 : 3
  const down = Math.max(1, Math.min(total, Math.floor(height / cell)))
  const across = Math.ceil(total / down)
  return { kind: 'cells', total, shown: total, across, size: total <= 32 ? 26 : across === 1 ? 16 : Math.max(cell, Math.min(8, Math.floor(96 / across))), high: cell }
}

function tilesOf(maps: readonly number[], height: number, open: boolean): Tiles {
  if (maps.length >= 3) {
    const [channels, ...space] = maps as [number, ...number[]]
    const columns = space.at(-1) as number
    const rows = (space.at(-2) as number) * (space.length > 2 ? Math.min(4, space[0] as number) : 1)
    return fitMaps(channels, rows, columns, height, open)
  }
  return fitCells(Math.max(1, maps.reduce((a, b) => a * b, 1)), height)
}

function widthOf(tiles: Tiles): number {
  return Math.max(HEAD, tiles.across * (tiles.size + (tiles.kind === 'maps' ? GAP : 0)))
}

/** The whole network in `height`, of which each lane's headers take `head`. `opened` holds the names of columns whose
 *  every map is asked for; `spread` widens the gaps where there is room. */
export function plan(
  layers: readonly LayerDocument[], input: readonly number[], height: number, opened: ReadonlySet<string>, head = 0, spread = 1,
): Plan {
  const lanes = 1 + Math.max(0, ...layers.map((layer) => layer.row))
  const lane = (height - (lanes - 1) * 18) / lanes
  const first = tilesOf(input.length >= 3 ? input : [1, ...input], Math.min(3 * LARGEST, lane - head), false)
  const inputWidth = widthOf(first)
  const widest = new Map<number, number>()
  const tiles = layers.map((layer) => tilesOf(layer.maps, lane - head, opened.has(layer.name)))
  layers.forEach((layer, i) => {
    widest.set(layer.column, Math.max(widest.get(layer.column) ?? 0, widthOf(tiles[i] as Tiles)))
  })
  const starts = new Map<number, number>()
  const stages = new Map<number, number>()
  for (const layer of layers) if (layer.row === 0 || !stages.has(layer.column)) stages.set(layer.column, layer.stage)
  let x = inputWidth + 26 * spread
  let before: number | null = null
  for (const column of [...widest.keys()].sort((a, b) => a - b)) {
    const stage = stages.get(column) as number
    if (before !== null) x += (stage === before ? 12 : 30) * spread
    starts.set(column, Math.round(x))
    x += widest.get(column) as number
    before = stage
  }
  const columns = layers.map((layer, i): Column => ({
    layer, x: starts.get(layer.column) as number, y: Math.round(layer.row * (lane + 18)),
    width: widest.get(layer.column) as number, height: lane, tiles: tiles[i] as Tiles,
  }))
  const at = new Map(layers.map((layer, i) => [layer.name, i]))
  const edges: Edge[] = []
  layers.forEach((layer, to) => {
    for (const name of layer.inputs) {
      const from = at.get(name) ?? -1
      const near = from < 0 ? layer.column === Math.min(...widest.keys()) : layer.column - (layers[from] as LayerDocument).column === 1
      edges.push({ from, to, kind: near && (from < 0 || (layers[from] as LayerDocument).row === layer.row) ? 'next' : 'skip' })
    }
  })
  const brackets = new Map<number, { stage: number; from: number; to: number }>()
  for (const column of columns) {
    if (column.layer.row > 0) continue
    const held = brackets.get(column.layer.stage)
    if (held) held.to = column.x + column.width
    else brackets.set(column.layer.stage, { stage: column.layer.stage, from: column.x, to: column.x + column.width })
  }
  return {
    columns, edges, brackets: [...brackets.values()], width: Math.ceil(x), lanes,
    input: { x: 0, width: inputWidth, y: 0, tiles: first },
  }
}

/** Where the tile at `place` (in the order that it is shown) stands within its column. */
export function tileAt(tiles: Tiles, place: number): { x: number; y: number } {
  const down = Math.ceil(tiles.shown / tiles.across)
  const gap = tiles.kind === 'maps' ? GAP : 0
  return { x: Math.floor(place / down) * (tiles.size + gap), y: (place % down) * (tiles.high + gap) }
}

/** Which cell of a folded list is under a point; null beside them. */
export function cellAt(tiles: Tiles, x: number, y: number): number | null {
  const down = Math.ceil(tiles.shown / tiles.across)
  const column = Math.floor(x / tiles.size)
  const row = Math.floor(y / tiles.high)
  if (column < 0 || column >= tiles.across || row < 0 || row >= down) return null
  const place = column * down + row
  return place < tiles.total ? place : null
}
