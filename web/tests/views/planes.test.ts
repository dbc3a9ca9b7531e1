import { describe, expect, it, test } from 'vitest'
import { flows } from '../../src/state/flows'
import type { TermDocument } from '../../src/types'
import { closing, type Plane, planes, sumOf, weightsOf } from '../../src/views/workbench/planes'
import { level, term } from '../support'

describe('planes', () => {
  const terms = [term('pool1', [3, 0, 0], 2, 0.5), term('pool1', [3, 0, 1], 4, -1), term('pool1', [5, 0, 0], 1, 1)]
  const opened = level({ terms, window: { shape: [2, 2, 2], cells: [-1, -1, 0, 1, -1, -1, 2, -1], start: [-1, 0], step: [1, 1], channels: [3, 5] } })

  it('lay terms out as their window lies, padding as nothing', () => {
    const [first, second] = planes(opened)
    expect(first).toMatchObject({ channel: 3, source: 'pool1', rows: 2, columns: 2, row: -1, column: 0, sum: -3 })
    expect(first!.cells).toEqual([null, null, terms[0], terms[1]])
    expect(second).toMatchObject({ channel: 5, sum: 1 })
  })

  it('find the window by the places where none is given', () => {
    const [only] = planes(level({ operation: 'GlobalAveragePool', terms: [term('x', [2, 4, 7], 1), term('x', [2, 5, 8], 3)], window: null }))
    expect(only).toMatchObject({ channel: 2, row: 4, column: 7, rows: 2, columns: 2, sum: 4 })
    expect(only!.cells.map((cell) => cell?.input ?? null)).toEqual([1, null, null, 3])
  })

  it('are none for lists', () => {
    expect(planes(level({ terms: [term('flatten1', [3], 1, 1)] }))).toEqual([])
  })

  it('flow into the stage map by map', () => {
    const all = flows(opened)
    expect(all.map(({ channel, sum, count }) => [channel, sum, count])).toEqual([[3, -3, 2], [5, 1, 1]])
  })

  it('let the winner alone flow where a maximum was taken', () => {
    const operands = [term('relu1', [0, 0, 0], 1), term('relu1', [0, 0, 1], 3)]
    expect(flows(level({ operands, chosen: 1 })).map((flow) => flow.sum)).toEqual([3])
  })
})

it('sums as a careful person would', () => {
  expect(sumOf([term('x', [0], 1), term('x', [1], 1e100), term('x', [2], 1), term('x', [3], -1e100)])).toBe(2)
  expect(sumOf([null, term('x', [0], 0.5)])).toBe(0.5)
})

it('says whether an equation closes', () => {
  expect(closing(level({ sum: 1, value: 1, difference: 0, closes: true })).note).toBe('closes')
  expect(closing(level({ sum: 1, value: 2, difference: 1, closes: false })).note).toBe('does not close')
  expect(closing(level({ sum: null, value: 2, difference: null, closes: null })).note).toBe('')
})

test('weights over the border come from the kernel, where its places are certain', () => {
  const at = (cell: number, value: number): TermDocument => ({
    source: 'x', index: [1, 0, cell], input: 1, weight: value, product: value, weight_source: { name: 'w', index: [2, 1, 0, cell] }, role: '',
  })
  const plane: Plane = { source: 'x', channel: 1, rows: 1, columns: 3, row: 0, column: -1, stepRows: 1, stepColumns: 1, cells: [null, at(1, 5), at(2, 6)], sum: 11 }
  const kernel = { shape: [4, 2, 1, 3], from: 2, data: [1, 2, 3, 4, 5, 6] }
  expect(weightsOf(plane, kernel)).toEqual([4, 5, 6])
  expect(weightsOf(plane, null)).toEqual([null, 5, 6])
  expect(weightsOf({ ...plane, cells: [null, at(2, 6), at(1, 5)] }, kernel)).toEqual([null, 6, 5])
  expect(weightsOf(plane, { ...kernel, from: 1 })).toEqual([null, 5, 6])
})
