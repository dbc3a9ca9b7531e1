import { describe, expect, it } from 'vitest'
import { colour, inkOn, paint, step, type Theme } from '../../src/parts/colour'

type Rgb = [number, number, number]
const rgb = (packed: number): Rgb => [packed & 255, (packed >>> 8) & 255, (packed >>> 16) & 255]
const luminance = (packed: number): number => rgb(packed).map((part) => {
  const share = part / 255
  return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
}).reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i]!, 0)
const contrast = (a: number, b: number): number => {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

describe.each(['light', 'dark'] as Theme[])('the %s scale', (theme) => {
  const ground = theme === 'light' ? 0xfffbfcfc : 0xff161412

  it('has the ground at zero, for no number, and where there is no scale', () => {
    expect(colour(theme, 0, 3)).toBe(ground)
    expect(colour(theme, NaN, 3)).toBe(ground)
    expect(colour(theme, 5, 0)).toBe(ground)
  })

  it('grows away from the ground on both sides', () => {
    for (const sign of [1, -1]) {
      let before = 1
      for (let i = 1; i <= 10; i++) {
        const now = contrast(colour(theme, (sign * i) / 10, 1), ground)
        expect(now).toBeGreaterThan(before)
        before = now
      }
    }
  })

  it('tells signs apart by blue against red, whatever the strength', () => {
    for (const share of [0.1, 0.3, 0.5, 0.7]) {
      const [r, , b] = rgb(colour(theme, share, 1))
      const [r2, , b2] = rgb(colour(theme, -share, 1))
      expect(b - r).toBeGreaterThan(0)
      expect(r2 - b2).toBeGreaterThan(0)
    }
  })

  it('has ink that can be read on every colour (WCAG AA)', () => {
    for (let i = -255; i <= 255; i++) expect(contrast(colour(theme, i / 255, 1), inkOn(theme, i / 255, 1)), String(i)).toBeGreaterThanOrEqual(4.5)
  })

  it('paints pixels with the colours of its cells', () => {
    const pixels = new Uint32Array(5)
    paint(theme, [9, -2, -1, 0, NaN, 2], 1, 2, pixels)
    const bytes = new Uint8Array(pixels.buffer)
    ;[-2, -1, 0, NaN, 2].forEach((value, i) => expect([...bytes.slice(4 * i, 4 * i + 4)]).toEqual([...rgb(colour(theme, value, 2)), 255]))
  })
})

it('keeps what is beyond its ends at the ends', () => {
  expect(step(99, 1)).toBe(510)
  expect(step(-99, 1)).toBe(0)
})
