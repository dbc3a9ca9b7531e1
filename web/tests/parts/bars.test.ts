import { expect, it } from 'vitest'
import { fromMiddle } from '../../src/parts/bars'

/** Where a browser puts a background's edges (CSS Backgrounds 3, section 3.6), as shares of the element. */
function edges(share: number): [number, number] {
  const { width, from } = fromMiddle(share)
  const [size, place] = [parseFloat(width) / 100, parseFloat(from) / 100]
  return [(1 - size) * place, (1 - size) * place + size]
}

it.each([1, 0.3, 0.001, 0, -0.001, -0.3, -1])('draws %f from the middle', (share) => {
  const [left, right] = edges(share)
  expect(left).toBeCloseTo(share < 0 ? 0.5 + share / 2 : 0.5, 12)
  expect(right).toBeCloseTo(share < 0 ? 0.5 : 0.5 + share / 2, 12)
})
