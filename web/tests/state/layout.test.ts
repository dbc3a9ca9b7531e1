import { describe, expect, it } from 'vitest'
import { cellAt, fitCells, fitMaps, GAP, plan, tileAt } from '../../src/state/layout'
import { layer } from '../support'

const LENET = [
  layer('conv1', [6, 24, 24], { stage: 0, column: 0, inputs: ['input'] }), layer('relu1', [6, 24, 24], { stage: 0, column: 0, inputs: ['conv1'] }),
  layer('pool1', [6, 12, 12], { stage: 0, column: 0, inputs: ['relu1'] }), layer('conv2', [16, 8, 8], { stage: 1, column: 1, inputs: ['pool1'] }),
  layer('flatten1', [256], { stage: 2, column: 2, inputs: ['conv2'] }), layer('dense1', [10], { stage: 2, column: 2, inputs: ['flatten1'] }),
]

describe('tiles', () => {
  it.each([[1, 300], [6, 260], [16, 260], [32, 260], [7, 120]])('%i maps stay within a height of %i', (total, height) => {
    const tiles = fitMaps(total, 24, 24, height, false)
    expect(tiles.shown).toBe(total)
    const last = tileAt(tiles, total - 1)
    expect(last.y + tiles.high).toBeLessThanOrEqual(height)
    expect(last.x).toBeLessThan(tiles.across * (tiles.size + GAP))
  })

  it('shows the strongest eight of many, and room for the word that opens the rest', () => {
    const tiles = fitMaps(512, 14, 14, 260, false)
    expect(tiles.shown).toBe(8)
    expect(tileAt(tiles, 7).y + tiles.high + 20).toBeLessThanOrEqual(260)
    expect(fitMaps(512, 14, 14, 260, true).shown).toBe(512)
  })

  it('keeps a map that is wider than high in its proportions', () => {
    const tiles = fitMaps(4, 10, 20, 300, false)
    expect(tiles.high * 2).toBe(tiles.size)
  })

  it.each([1, 10, 32, 33, 84, 256, 1000, 4096, 25088])('a list of %i finds each of its cells again', (total) => {
    const tiles = fitCells(total, 250)
    for (const cell of [0, Math.floor(total / 2), total - 1]) {
      const { x, y } = tileAt(tiles, cell)
      expect(y + tiles.high).toBeLessThanOrEqual(250)
      expect(cellAt(tiles, x + tiles.size / 2, y + tiles.high / 2)).toBe(cell)
    }
    expect(cellAt(tiles, -1, 5)).toBeNull()
    expect(cellAt(tiles, tiles.across * tiles.size + 1, 5)).toBeNull()
  })
})

describe('the plan', () => {
  it('puts layers beside one another, never over one another', () => {
    const { columns, width } = plan(LENET, [1, 28, 28], 330, new Set(), 66)
    for (let i = 1; i < columns.length; i++) {
      const before = columns[i - 1]
      expect(columns[i]!.x).toBeGreaterThanOrEqual(before!.x + before!.width)
    }
    expect(width).toBe(Math.max(...columns.map((column) => column.x + column.width)))
  })

  it('brackets the layers of a stage', () => {
    const { brackets, columns } = plan(LENET, [1, 28, 28], 330, new Set(), 66)
    expect(brackets.map((bracket) => bracket.stage)).toEqual([0, 1, 2])
    expect(brackets[0]!.from).toBe(columns[0]!.x)
    expect(brackets[0]!.to).toBe(columns[2]!.x + columns[2]!.width)
  })

  it('tells the way around a layer from the way through it, and puts branches beneath the main way', () => {
    const branched = [
      layer('conv1', [8, 8, 8], { stage: 0, column: 0, inputs: ['input'] }),
      layer('conv2', [8, 8, 8], { stage: 1, column: 1, inputs: ['conv1'] }),
      layer('conv3', [8, 8, 8], { stage: 2, column: 1, row: 1, inputs: ['conv1'] }),
      layer('add1', [8, 8, 8], { stage: 3, column: 2, inputs: ['conv2', 'conv3'] }),
      layer('add2', [8, 8, 8], { stage: 4, column: 3, inputs: ['add1', 'conv1'] }),
    ]
    const { edges, columns, lanes } = plan(branched, [1, 8, 8], 400, new Set(), 66)
    expect(lanes).toBe(2)
    expect(columns[2]!.y).toBeGreaterThanOrEqual(columns[1]!.y + columns[1]!.height)
    expect(columns[2]!.y + columns[2]!.height).toBeLessThanOrEqual(400)
    expect(edges.map((edge) => edge.kind)).toEqual(['next', 'next', 'skip', 'next', 'skip', 'next', 'skip'])
  })

  it('widens by spread alone', () => {
    const near = plan(LENET, [1, 28, 28], 330, new Set(), 66, 1)
    const far = plan(LENET, [1, 28, 28], 330, new Set(), 66, 2)
    expect(far.width).toBeGreaterThan(near.width)
    expect(far.columns.map((column) => column.width)).toEqual(near.columns.map((column) => column.width))
  })
})
