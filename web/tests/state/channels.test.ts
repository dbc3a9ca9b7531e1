// A tensor's channels, whole or some of them: both say the same of the same values, and what differs is found in both.
import { describe, expect, it } from 'vitest'
import { type Channels, differing, differingPlaces, Several, Whole } from '../../src/state/channels'

const AREA = 6
const values = Float32Array.from({ length: 5 * AREA }, (_, i) => Math.sin(i))
const several = (data: Float32Array): Several => {
  const made = new Several()
  made.add(data, 0, AREA)
  return made
}

describe.each<[string, (data: Float32Array) => Channels]>([['whole', (data) => new Whole(data, AREA)], ['several', several]])('%s', (_, of) => {
  it('gives each channel its own values', () => {
    const channels = of(values)
    expect(channels.size).toBe(5)
    expect([...channels.keys()]).toEqual([0, 1, 2, 3, 4])
    for (let channel = 0; channel < 5; channel++) {
      const own = values.subarray(channel * AREA, (channel + 1) * AREA)
      expect(channels.has(channel)).toBe(true)
      expect(channels.get(channel)).toEqual(own)
      const from = channels.offset(channel)
      expect(channels.holder(channel)?.subarray(from, from + AREA)).toEqual(own)
    }
    for (const outside of [-1, 5]) {
      expect(channels.has(outside)).toBe(false)
      expect(channels.get(outside)).toBeUndefined()
      expect(channels.holder(outside)).toBeUndefined()
    }
  })

  it.each([['whole', (data: Float32Array) => new Whole(data, AREA)], ['several', several]] as const)('differs from %s where a value does by more than rounding', (__, other) => {
    const changed = values.slice()
    changed[7]! += 1
    changed[10]! -= 1
    changed[29]! += 1
    changed[2]! += 1e-6
    expect(differing(of(changed), other(values), AREA, 1e-5)).toEqual([1, 4])
    expect(differingPlaces(of(changed), other(values), AREA, 1e-5)).toEqual([7, 10, 29])
    expect(differing(of(values), other(values), AREA, 0)).toEqual([])
    expect(differing(of(changed), undefined, AREA, 1e-5)).toEqual([])
  })
})

it('says nothing of channels that one side lacks', () => {
  const some = new Several()
  some.add(new Float32Array(AREA).fill(9), 3, AREA)
  expect(differing(new Whole(values, AREA), some, AREA, 1e-5)).toEqual([3])
  expect(differing(some, new Whole(values, AREA), AREA, 1e-5)).toEqual([3])
  expect(differingPlaces(some, new Whole(values.subarray(0, 2 * AREA), AREA), AREA, 1e-5)).toEqual([])
  expect([...new Several(some).keys()]).toEqual([3])
})
