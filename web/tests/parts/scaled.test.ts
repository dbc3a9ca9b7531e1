// Pictures as large as they are shown: crisp where they grow, averaged where they shrink, nothing beside their place.
import { describe, expect, it } from 'vitest'
import { cleared, type Goal, scaled } from '../../src/parts/scaled'

const grey = (level: number): number => ((255 << 24) | (level << 16) | (level << 8) | level) >>> 0

function goal(across: number, down: number, x: number, y: number, width: number, height: number): Goal {
  return { pixels: new Uint32Array(across * down), across, x, y, width, height }
}

describe('a picture', () => {
  it('grows into blocks that fill its place and no more', () => {
    const into = goal(7, 6, 1, 2, 5, 3)
    scaled(Uint32Array.of(1, 2, 3, 4), 2, into)
    expect([...into.pixels]).toEqual([
      0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 0,
      0, 1, 1, 2, 2, 2, 0,
      0, 3, 3, 4, 4, 4, 0,
      0, 3, 3, 4, 4, 4, 0,
      0, 0, 0, 0, 0, 0, 0,
    ])
    cleared(into)
    expect(into.pixels.some((pixel) => pixel !== 0)).toBe(false)
  })

  it('has each of its values in order at every size from its own on', () => {
    const row = Uint32Array.from({ length: 24 }, (_, i) => i + 1)
    for (let width = 24; width < 130; width++) {
      const into = goal(width, 1, 0, 0, width, 1)
      scaled(row, 24, into)
      const seen = [...into.pixels].filter((value, i, all) => value !== all[i - 1])
      expect(seen).toEqual([...row])
    }
  })

  it('is drawn anew in the rows that differ from what stands there, and nowhere else', () => {
    const first = Uint32Array.of(1, 2, 3, 4, 5, 6)
    const second = Uint32Array.of(1, 2, 3, 9, 5, 6)
    const into = goal(6, 7, 1, 0, 5, 7)
    scaled(first, 2, into)
    const marked = into.pixels.map((pixel) => (pixel === 1 || pixel === 2 ? 7 : pixel)) // would be seen if drawn again
    const again = { ...into, pixels: marked.slice() }
    scaled(second, 2, again, first)
    const whole = goal(6, 7, 1, 0, 5, 7)
    scaled(second, 2, whole)
    expect([...again.pixels]).toEqual([...whole.pixels].map((pixel) => (pixel === 1 || pixel === 2 ? 7 : pixel)))
  })

  it('shrinks to the means of what each pixel stands for', () => {
    const into = goal(2, 1, 0, 0, 2, 1)
    scaled(Uint32Array.of(grey(0), grey(100), grey(10), grey(30), grey(200), grey(100), grey(50), grey(70)), 4, into)
    expect([...into.pixels]).toEqual([grey(100), grey(40)])
  })

  it('shrinks one colour to itself', () => {
    const blue = ((255 << 24) | (129 << 16) | (64 << 8) | 8) >>> 0
    const into = goal(60, 60, 0, 0, 60, 60)
    scaled(new Uint32Array(112 * 112).fill(blue), 112, into)
    expect(new Set(into.pixels)).toEqual(new Set([blue]))
  })
})
