// How large the cells of a table of numbers are drawn: with their numbers where these can be read.

export interface GridSize {
  readonly written: boolean
  readonly cell: number // pixels across
  readonly width: number // of the whole, with its lines
}

export function gridSize(rows: number, columns: number, compact = false): GridSize {
  const written = !compact && columns <= 7 && rows <= 7
  const cell = written ? 34 : Math.max(5, Math.min(18, Math.floor((compact ? 60 : 150) / Math.max(columns, rows))))
  return { written, cell, width: columns * (cell + 1) + 1 }
}
