import { describe, expect, it } from 'vitest'
import { cellAt, fitCells, fitMaps, GAP, plan, tileAt, wrapped } from '../../src/state/layout'
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

describe('headers', () => {
  const layers = [
    layer('conv1', [64, 112, 112], { operation: 'conv 64 7x7 stride 2 pad 3', parameters: 9408, stage: 0, column: 0, inputs: ['input'] }),
    layer('a_name_without_any_space_in_it', [4096], { operation: 'dense 4096', parameters: 102_764_544, stage: 1, column: 1, inputs: ['conv1'] }),
  ]
  const wide = (times: number) => (text: string): number => 6 * times * text.length
  const laid = (times: number): ReturnType<typeof plan> => plan(layers, [3, 224, 224], 330, new Set(), 66, 1, wide(times))

  it.each([1, 1.4, 2])('figures are never cut, whatever the type: %f times as wide', (times) => {
    const { columns, input } = laid(times)
    const figures = [['112×112×64', '9,408'], ['4,096', '102,764,544']]
    columns.forEach(({ width }, i) => figures[i]!.forEach((text) => expect(width).toBeGreaterThanOrEqual(wide(times)(text))))
    expect(input.width).toBeGreaterThanOrEqual(wide(times)('224×224×3'))
  })

  it('are as high as the words that wrap need, two lines each at most', () => {
    expect(wrapped(plan(LENET, [1, 28, 28], 330, new Set(), 66, 1, wide(1)).columns, wide(1))).toBe(0)
    expect(wrapped(laid(1).columns.slice(0, 1), wide(1))).toBe(1)
    expect(wrapped(laid(3).columns, wide(3))).toBe(1)
    expect(wrapped(plan([layer('a_very_long_name', [8], { operation: 'and a long operation' })], [1, 8, 8], 330, new Set(), 66, 1, wide(2)).columns, wide(2))).toBe(2)
  })
})
