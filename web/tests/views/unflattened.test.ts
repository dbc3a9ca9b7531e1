import { expect, it } from 'vitest'
import { curve } from '../../src/views/workbench/curves'
import { byMap } from '../../src/views/workbench/unflattened'
import { term } from '../support'

it.each([
  [false, [2, 2, 3] as const], [true, [2, 3, 2] as const],
])('puts terms back onto their maps (channels last: %s)', (last, shape) => {
  const terms = Array.from({ length: 12 }, (_, i) => term('flatten1', [i], i, 1))
  const maps = byMap({ name: 'pool2', shape, last }, terms)
  expect(maps).toHaveLength(2)
  expect([...maps[0]!.products]).toEqual(last ? [0, 2, 4, 6, 8, 10] : [0, 1, 2, 3, 4, 5])
  expect(maps[0]!.sum + maps[1]!.sum).toBe(66)
  expect(maps[1]!.terms[0]!.input).toBe(last ? 1 : 6)
})

it('draws activations as ONNX defines them', () => {
  expect(curve('Relu', {})!(-2)).toBe(0)
  expect(curve('LeakyRelu', { alpha: 0.1 })!(-2)).toBeCloseTo(-0.2)
  expect(curve('Gelu', {})!(1)).toBeCloseTo(0.8413, 4)
  expect(curve('Clip', { low: 0, high: 6 })!(9)).toBe(6)
  expect(curve('Conv', {})).toBeNull()
})
