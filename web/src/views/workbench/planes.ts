// The terms of a sliding window as planes, one for each input channel: what the workbench draws in a row.
import { real } from '../../parts/numbers'
import type { LevelDocument, TermDocument } from '../../types'

export interface Plane {
  readonly source: string
  readonly channel: number
  readonly rows: number
  readonly columns: number
  readonly row: number // of the input, where the window begins; negative over the border
  readonly column: number
  readonly stepRows: number // dilation
  readonly stepColumns: number
  readonly cells: readonly (TermDocument | null)[] // null: padding
  readonly sum: number
}

/** Planes in the order of their channels. Without a window the terms' own places are taken, where they are maps'. */
export function planes(level: LevelDocument): readonly Plane[] {
  const parts = level.terms ?? level.operands ?? []
  const { window } = level
  if (!window) return fromPlaces(parts)
  const [channels = 1, ...kernel] = window.shape
  const columns = kernel.at(-1) ?? 1
  const size = kernel.reduce((a, b) => a * b, 1)
  const made: Plane[] = []
  for (let p = 0; p < channels; p++) {
    const cells = window.cells.slice(p * size, (p + 1) * size).map((at) => (at < 0 ? null : (parts[at] ?? null)))
    made.push({
      source: cells.find((cell) => cell)?.source ?? parts[0]?.source ?? '', channel: window.channels[p] ?? p,
      rows: size / columns, columns, row: window.start.at(-2) ?? 0, column: window.start.at(-1) ?? 0,
      stepRows: window.step.at(-2) ?? 1, stepColumns: window.step.at(-1) ?? 1, cells, sum: sumOf(cells),
    })
  }
  return made
}

function fromPlaces(parts: readonly TermDocument[]): readonly Plane[] {
  const groups = new Map<string, TermDocument[]>()
  for (const term of parts) {
    if (term.index.length !== 3) return []
    const key = `${term.index[0]} ${term.source}`
    groups.set(key, [...(groups.get(key) ?? []), term])
  }
  return [...groups.values()].map((terms) => {
    const ys = terms.map((term) => term.index[1] as number)
    const xs = terms.map((term) => term.index[2] as number)
    const row = Math.min(...ys)
    const column = Math.min(...xs)
    const rows = Math.max(...ys) - row + 1
    const columns = Math.max(...xs) - column + 1
    const cells: (TermDocument | null)[] = Array.from({ length: rows * columns }, () => null)
    for (const term of terms) cells[((term.index[1] as number) - row) * columns + (term.index[2] as number) - column] = term
    const first = terms[0] as TermDocument
    return { source: first.source, channel: first.index[0] as number, rows, columns, row, column, stepRows: 1, stepColumns: 1, cells, sum: sumOf(terms) }
  })
}

/** The products' sum, in float64, compensated: what a careful person would get. */
export function sumOf(terms: readonly (TermDocument | null)[]): number {
  let sum = 0
  let lost = 0
  for (const term of terms) {
    if (!term) continue
    const value = real(term.product)
    const next = sum + value
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum
    sum = next
  }
  return Number.isFinite(sum) ? sum + lost : sum
}

/** The largest absolute value of a list: a scale's end. */
export function largestOf(values: readonly (number | null)[]): number {
  let most = 0
  for (const value of values) if (value !== null && Number.isFinite(value)) most = Math.max(most, Math.abs(value))
  return most
}

/** A closing equation's last lines: what the terms come to, what the runtime stored, and how far that is apart. */
export function closing(level: LevelDocument, off = false): { value: number; stored: number; difference: number; note: string } {
  const closes = level.closes
  return {
    value: real(level.sum), stored: real(level.value), difference: real(level.difference),
    note: off ? 'switched off' : closes === true ? 'closes' : closes === false ? 'does not close' : '',
  }
}

/** One output's kernels as `maps` gives them: [outputs][inputs][…space], of which `data` holds those of output `from`. */
export interface Weights {
  readonly shape: readonly number[]
  readonly from: number
  readonly data: ArrayLike<number>
}

/** A plane's weights. Over the border there is no term, so those stand in `kernel`; null where it isn't certain which. */
export function weightsOf(plane: Plane, kernel: Weights | null): readonly (number | null)[] {
  const known = plane.cells.map((term) => (term?.weight == null ? null : real(term.weight)))
  const input = plane.cells.find((term) => term?.weight_source)?.weight_source?.index[1]
  const space = kernel?.shape.slice(2) ?? []
  const size = space.reduce((a, b) => a * b, 1)
  if (!kernel || input === undefined || size !== plane.cells.length) return known
  const straight = plane.cells.every((term, cell) => {
    const at = term?.weight_source?.index
    return !term || (at?.[0] === kernel.from && at[1] === input && at.slice(2).reduce((n, place, axis) => n * (space[axis] as number) + place, 0) === cell)
  })
  return straight ? known.map((weight, cell) => weight ?? kernel.data[input * size + cell] ?? null) : known
}
