import { expect, it } from 'vitest'
import { fitMaps } from '../../src/state/layout'
import { ranges } from '../../src/state/tensors.svelte'
import { shownChannels } from '../../src/views/shown'

it('shows the strongest, and always what is open', () => {
  const tiles = fitMaps(64, 8, 8, 260, false)
  const ranking = { order: Array.from({ length: 64 }, (_, i) => 63 - i) }
  expect(shownChannels(tiles, ranking, undefined)).toEqual([63, 62, 61, 60, 59, 58, 57, 56])
  expect(shownChannels(tiles, ranking, 60)).toEqual([63, 62, 61, 60, 59, 58, 57, 56])
  expect(shownChannels(tiles, ranking, 3)).toEqual([63, 62, 61, 60, 59, 58, 57, 3])
  expect(shownChannels(tiles, undefined, undefined)).toHaveLength(8)
})

it('has nothing sorted where all are shown', () => {
  const sorts = { get order(): number[] { throw new Error('sorted') } }
  expect(shownChannels(fitMaps(6, 8, 8, 260, false), sorts, 3)).toEqual([0, 1, 2, 3, 4, 5])
})

it('asks for neighbouring channels at once', () => {
  expect(ranges([5, 1, 2, 9, 0])).toEqual([[0, 3], [5, 6], [9, 10]])
})
