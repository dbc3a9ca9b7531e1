// Cells written by hand: what is filled, what the ink covers, and nothing beside it.
import { expect, it } from 'vitest'
import { fill, Hand, mixed } from '../../src/parts/written'

const bytes = (packed: number): number[] => [packed & 255, (packed >>> 8) & 255, (packed >>> 16) & 255, packed >>> 24]
const [GROUND, INK] = [0xff102030, 0xffffffff]

it('mixes two colours, channel by channel', () => {
  expect(mixed(GROUND, INK, 0)).toBe(GROUND)
  expect(mixed(GROUND, INK, 255)).toBe(INK)
  for (const share of [1, 64, 128, 200]) {
    const wanted = bytes(GROUND).map((from, i) => Math.round(from + ((bytes(INK)[i]! - from) * share) / 255))
    expect(bytes(mixed(GROUND, INK, share))).toEqual(wanted)
  }
})

it('fills a cell and covers it with ink, and leaves what is beside it', () => {
  const [across, high, width, height, x, y] = [7, 6, 3, 2, 2, 3]
  const pixels = new Uint32Array(across * high).fill(5)
  const mask = Uint8Array.from([0, 255, 0, 128, 0, 255])
  fill(pixels, across, x, y, width, height, GROUND, mask, INK)
  for (let row = 0; row < high; row++) {
    for (let column = 0; column < across; column++) {
      const inside = column >= x && column < x + width && row >= y && row < y + height
      const share = inside ? mask[(row - y) * width + column - x]! : 0
      expect(pixels[row * across + column], `${row}, ${column}`).toBe(inside ? mixed(GROUND, INK, share) : 5)
    }
  }
  fill(pixels, across, x, y, width, height, GROUND, null, INK)
  expect([...pixels.subarray(y * across + x, y * across + x + width)]).toEqual([GROUND, GROUND, GROUND])
})

it('draws each text of a size once', () => {
  let drawn = 0
  const context = {
    setTransform: () => undefined, clearRect: () => undefined, beginPath: () => undefined, moveTo: () => undefined, lineTo: () => undefined,
    stroke: () => undefined, fillText: () => { drawn++ },
    getImageData: (_: number, __: number, width: number, height: number) => ({ data: new Uint8ClampedArray(4 * width * height).fill(drawn) }),
  }
  globalThis.OffscreenCanvas = class { width = 0; height = 0; getContext(): unknown { return context } } as unknown as typeof OffscreenCanvas
  const first = new Hand(4, 3, 1).mask('0.12')
  expect(first).toEqual(new Uint8Array(12).fill(1))
  expect(new Hand(4, 3, 1).mask('0.12')).toBe(first)
  expect(new Hand(4, 3, 2).mask('0.12')).not.toBe(first) // finer pixels: other masks
  expect(new Hand(4, 3, 1).mask(null)).toHaveLength(12)
  expect(drawn).toBe(2)
})
