// Where the columns of the network stand: numbers alone, so that it can be tested, and so that only what is in sight
// needs to be drawn. Branches lie in lanes beneath one another, as the document's `row` says.
import { count, shapeText } from '../parts/numbers'
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
  readonly y: number
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
const NARROWEST = 50 // a header, and as wide as its words up to
const WIDEST = 68
const WORDIEST = 110 // a name in one line, an operation in two
const BETWEEN = 18 // lanes

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
  const cell = total <= 32 ? Math.max(7, Math.min(20, Math.floor(height / total))) : total <= 512 ? 5 : total <= 8192 ? 3 : 2
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

/** How wide a text of a header is, in the type that is really there: which one a system has, nobody knows before. */
export type Measure = (text: string, strong: boolean) => number
const usual: Measure = (text, strong) => (strong ? 7.8 : 6.6) * text.length

const MOST_LINES = 2 // of a name, and of an operation

/** What stands in a layer's header: name and operation may wrap, figures don't. */
export function headOf({ name, operation, maps, parameters }: LayerDocument): { name: string; operation: string; shape: string; parameters: string } {
  return { name, operation, shape: shapeText(maps).replaceAll(' ', ''), parameters: parameters ? count(parameters) : '·' }
}

function tilesWidth(tiles: Tiles): number {
  return tiles.across * (tiles.size + (tiles.kind === 'maps' ? GAP : 0))
}

function widthOf(tiles: Tiles, layer: LayerDocument, measure: Measure): number {
  const { name, operation, shape, parameters } = headOf(layer)
  const said = measure(operation, false)
  const words = Math.max(Math.min(WORDIEST, measure(name, true)), Math.min(WIDEST, said), Math.min(WORDIEST, 0.6 * said)) // words don't fill lines
  return Math.ceil(Math.max(NARROWEST, words, measure(shape, false), measure(parameters, false), tilesWidth(tiles)))
}

/** How many lines more than one each the headers of these columns need, for names and operations that wrap. */
export function wrapped(columns: readonly Column[], measure: Measure): number {
  const lines = (text: string, strong: boolean, width: number): number => Math.min(MOST_LINES, Math.ceil(measure(text, strong) / width))
  return columns.reduce((most, { layer, width }) => Math.max(most, lines(layer.name, true, width) + lines(layer.operation, false, width) - 2), 0)
}

/** The whole network in `height`, of which each lane's headers take `head`. `opened` holds the names of columns whose
 *  every map is asked for; `spread` widens the gaps where there is room, or narrows them where little is missing;
 *  `measure`, how wide the headers' words are. */
export function plan(
  layers: readonly LayerDocument[], input: readonly number[], height: number, opened: ReadonlySet<string>, head = 0, spread = 1,
  measure: Measure = usual,
): Plan {
  const lanes = 1 + Math.max(0, ...layers.map((layer) => layer.row))
  const room = height - (lanes - 1) * BETWEEN
  // The main way takes more of the height than its branches do.
  const main = lanes === 1 ? room : Math.round(room * Math.max(0.5, 1.4 / (lanes + 0.25)))
  const branch = lanes === 1 ? 0 : Math.floor((room - main) / (lanes - 1))
  const laneHeight = (row: number): number => (row === 0 ? main : branch)
  const laneTop = (row: number): number => (row === 0 ? 0 : main + BETWEEN + (row - 1) * (branch + BETWEEN))
  const first = tilesOf(input.length >= 3 ? input : [1, ...input], Math.min(3 * LARGEST, main - head), false)
  const inputWidth = Math.ceil(Math.max(NARROWEST, measure(shapeText(input).replaceAll(' ', ''), false), tilesWidth(first)))
  const tiles = layers.map((layer) => tilesOf(layer.maps, laneHeight(layer.row) - head, opened.has(layer.name)))

  // A stage is as wide as its layers beside one another; a column as its widest stage.
  const within = new Map<number, number>()
  const left = layers.map((layer, i) => {
    const before = within.get(layer.stage)
    const at = before === undefined ? 0 : before + 12 * spread
    within.set(layer.stage, at + widthOf(tiles[i] as Tiles, layer, measure))
    return at
  })
  const widest = new Map<number, number>()
  for (const layer of layers) widest.set(layer.column, Math.max(widest.get(layer.column) ?? 0, within.get(layer.stage) as number))
  const starts = new Map<number, number>()
  let x = inputWidth + 30 * spread
  for (const column of [...widest.keys()].sort((a, b) => a - b)) {
    starts.set(column, x)
    x += (widest.get(column) as number) + 30 * spread
  }
  x -= 30 * spread
  const columns = layers.map((layer, i): Column => ({
    layer, x: Math.round((starts.get(layer.column) as number) + (left[i] as number)), y: laneTop(layer.row),
    width: widthOf(tiles[i] as Tiles, layer, measure), height: laneHeight(layer.row), tiles: tiles[i] as Tiles,
  }))
  const at = new Map(layers.map((layer, i) => [layer.name, i]))
  const lowest = Math.min(...widest.keys())
  const edges: Edge[] = []
  layers.forEach((layer, to) => {
    for (const name of layer.inputs) {
      const from = at.get(name) ?? -1
      const source = layers[from]
      const near = source ? source.stage === layer.stage || (source.row === layer.row && layer.column - source.column === 1) : layer.column === lowest && layer.row === 0
      edges.push({ from, to, kind: near ? 'next' : 'skip' })
    }
  })
  const brackets = new Map<number, { stage: number; from: number; to: number; y: number }>()
  for (const column of columns) {
    const held = brackets.get(column.layer.stage)
    if (held) held.to = column.x + column.width
    else brackets.set(column.layer.stage, { stage: column.layer.stage, from: column.x, to: column.x + column.width, y: column.y })
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
