import { describe, expect, it } from 'vitest'
import { brief, counted, fixed, percent, real, score, shapeText, signed, tiny } from '../../src/parts/numbers'

describe('numbers', () => {
  it('have a true minus and their digits', () => {
    expect(fixed(-1.23456)).toBe('\u22121.2346')
    expect(signed(0.1374)).toBe('+0.1374')
    expect(signed(-0.0222)).toBe('\u22120.0222')
    expect(fixed(0)).toBe('0.0000')
    expect(fixed(-0)).toBe('0.0000')
    expect(fixed(1e-7)).toBe('1.00e\u22127')
    expect(fixed(12345678)).toBe('1.23e7')
    expect(tiny(-2.4e-8)).toBe('\u22122e\u22128')
    expect(tiny(0)).toBe('0')
  })

  it('say what JSON lacks', () => {
    expect(fixed(real('NaN'))).toBe('no number')
    expect(fixed(real('-Infinity'))).toBe('\u2212\u221e')
    expect(real(null)).toBeNaN()
  })

  it('fit into a cell', () => {
    for (const value of [0, 0.001, -0.123, 1.5, -9.99, 12.34, -99.9, 123.4, -9999, 12345, 1e20, NaN]) expect(brief(value).length, String(value)).toBeLessThanOrEqual(5)
    expect(brief(-12.34)).toBe('\u221212.3')
  })

  it('fit into the list of answers, however small', () => {
    expect(score(10.9629)).toBe('10.96')
    expect(score(1.26e-3)).toBe('0.00')
    expect(score(-1e-9)).toBe('0.00')
    expect(score(-0.0853)).toBe('\u22120.09')
    expect(score(NaN)).toBe('no number')
  })

  it('never round a probability to 0 or 100', () => {
    expect(percent(0.99999)).toBe('>99.9%')
    expect(percent(1)).toBe('100.0%')
    expect(percent(1e-9)).toBe('<0.1%')
    expect(percent(0)).toBe('0.0%')
    expect(percent(0.4567)).toBe('45.7%')
  })

  it('stand with their words', () => {
    expect(counted(1, 'map')).toBe('1 map')
    expect(counted(2048, 'map')).toBe('2,048 maps')
    expect(shapeText([6, 24, 20])).toBe('24 \u00d7 20 \u00d7 6')
    expect(shapeText([4096])).toBe('4,096')
  })
})
