import { expect, it } from 'vitest'
import { fitMaps } from '../../src/state/layout'
import { ranges } from '../../src/state/tensors.svelte'
import { shownChannels } from '../../src/views/shown'

it('shows the strongest, and always what is open', () => {
  const tiles = fitMaps(64, 8, 8, 260, false)
  const order = Array.from({ length: 64 }, (_, i) => 63 - i)
  expect(shownChannels(tiles, order, undefined)).toEqual([63, 62, 61, 60, 59, 58, 57, 56])
  expect(shownChannels(tiles, order, 60)).toEqual([63, 62, 61, 60, 59, 58, 57, 56])
  expect(shownChannels(tiles, order, 3)).toEqual([63, 62, 61, 60, 59, 58, 57, 3])
  expect(shownChannels(tiles, undefined, undefined)).toHaveLength(8)
})

it('asks for neighbouring channels at once', () => {
  expect(ranges([5, 1, 2, 9, 0])).toEqual([[0, 3], [5, 6], [9, 10]])
})
