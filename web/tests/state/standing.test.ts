import { expect, it } from 'vitest'
import { standing } from '../../src/state/standing'

interface Row { readonly name: string; readonly sum: number }
const rows = (...sums: number[]): Row[] => sums.map((sum, i) => ({ name: 'abcdefgh'[i] as string, sum }))
const strength = (row: Row): number => Math.abs(row.sum)
const names = (sorted: readonly Row[]): string => sorted.map((row) => row.name).join('')

it('puts the strongest first, whatever the sign', () => {
  expect(names(standing<Row>((row) => row.name)(rows(1, -3, 2), strength, 'place', true))).toBe('bca')
})

it('keeps places while strengths change, and sorts anew once all is still', () => {
  const sorted = standing<Row>((row) => row.name)
  sorted(rows(1, -3, 2), strength, 'place', true)
  const now = sorted(rows(9, 0, 2), strength, 'place', false)
  expect(names(now)).toBe('bca')
  expect(now.map((row) => row.sum)).toEqual([0, 2, 9]) // the places of before, the values of now
  expect(names(sorted(rows(9, 0, 2), strength, 'place', true))).toBe('acb')
})

it('sorts anew for another place, and what is new comes last', () => {
  const sorted = standing<Row>((row) => row.name)
  sorted(rows(1, -3), strength, 'place', true)
  expect(names(sorted(rows(1, -3, 8), strength, 'place', false))).toBe('bac')
  expect(names(sorted(rows(1, -3, 8), strength, 'another', false))).toBe('cba')
})

it('leaves what is equally strong in its order', () => {
  expect(names(standing<Row>((row) => row.name)(rows(0, 0, 0, 1), strength, 'place', true))).toBe('dabc')
})
