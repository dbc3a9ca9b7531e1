// What a stroke changes is computed from what was: to the bit the same as computed anew.
import { expect, test, vi } from 'vitest'
import { uniform } from '../../src/arithmetic/draws'
import { finish, Network } from '../../src/arithmetic/network'
import { operationOf } from '../../src/arithmetic/operations'
import type { Tensor } from '../../src/arithmetic/tensor'
import { sizeOf, tensor } from '../../src/arithmetic/tensor'
import type { Edits, Picture } from '../../src/source'
import type { NetworkTrace } from './traces'
import { bytesOf, networkTraces, pictureOf } from './traces'

vi.setConfig({ testTimeout: 300_000 }) // a busy machine is no defect

interface Trace extends NetworkTrace {
  edited: { edits: Edits }
}

/** Numbers from 0 to below 1, the same on each run. */
function draws(seed: number): () => number {
  let last = 0
  return () => uniform(1, seed, last++)[0]!
}

test.each(networkTraces<Trace>().map((trace) => [trace.name, trace] as const))('%s: a stroke, piece by piece', (_, trace) => {
  const draw = draws(7)
  const painted = new Network(trace.document, bytesOf(trace.weights))
  const { height, width, channels, data: first } = pictureOf(trace)
  let data = first
  for (let piece = 0; piece < 12; piece++) {
    data = data.slice()
    for (let n = 0; n < 4; n++) data[Math.floor(draw() * data.length)] = Math.floor(draw() * 256)
    const picture: Picture = { height, width, channels, data }
    const edits = piece % 4 === 3 ? trace.edited.edits : {} // weights changed and maps switched off meanwhile
    const anew = finish(new Network(trace.document, bytesOf(trace.weights)).run(picture, edits))
    const found = finish(painted.run(picture, edits))
    for (const [name, wanted] of anew.values) expect(found.values.get(name)!.data, `${name}, piece ${piece}`).toEqual(wanted.data)
  }
})

const random = (shape: number[], draw: () => number): Tensor =>
  tensor(shape, 'float32', Float32Array.from({ length: sizeOf(shape) }, () => draw() - 0.5))

test('any kernel, stride, padding, dilation, groups, one axis or two', () => {
  const draw = draws(11)
  const whole = (low: number, high: number): number => low + Math.floor(draw() * (high - low + 1))
  let smaller = 0
  for (let round = 0; round < 200; round++) {
    const axes = whole(1, 2)
    const each = <T>(make: () => T): T[] => Array.from({ length: axes }, make)
    const groups = whole(1, 3)
    const [per, made] = [whole(1, 3), whole(1, 6)]
    const dilation = each(() => whole(1, 2))
    const kernel = each(() => whole(1, 4))
    const pads = each(() => [whole(0, 2), whole(0, 2)])
    const spatial = kernel.map((n, axis) => (n - 1) * dilation[axis]! + 1 + whole(0, 12))
    const operation = operationOf('convolution.Convolution', { kernel, stride: each(() => whole(1, 3)), pads, dilation, groups, ceil_mode: false })
    const x = random([whole(1, 2), groups * per, ...spatial], draw)
    const others = [random([groups * made, per, ...kernel], draw), draw() < 0.5 ? random([groups * made], draw) : null]
    const [before] = finish(operation.forward([x, ...others]) as Generator<void, Tensor[]>)
    const changed = tensor(x.shape, x.dtype, x.data.slice())
    for (let n = whole(0, 3); n > 0; n--) changed.data[whole(0, changed.data.length - 1)] = draw()
    const kept = before!.data.slice()
    const steps = operation.again!([changed, ...others], x, [before!]) as Generator<void, Tensor[]>
    const [found] = finish(steps)
    const [wanted] = finish(operation.forward([changed, ...others]) as Generator<void, Tensor[]>)
    expect(found).toEqual(wanted)
    expect(before!.data).toEqual(kept) // what was is left as it was
    if (found!.data.some((value, n) => value !== before!.data[n])) smaller++
  }
  expect(smaller).toBeGreaterThan(100)
})

test('a zero that gets another sign is another number', () => {
  const zeros = (signs: readonly number[]): Tensor => tensor([1, signs.length], 'float32', Float32Array.from(signs, (sign) => sign * 0))
  const exponent = tensor([1], 'float32', Float32Array.of(-1))
  for (const [name, attributes, others] of [['pointwise.Function', { name: 'reciprocal' }, []], ['elementwise.Power', { tail: 0 }, [exponent]]] as const) {
    const operation = operationOf(name, attributes)
    const before = zeros([1, 1, 1, 1, 1, 1, 1, 1])
    const results = operation.forward([before, ...others]) as Tensor[]
    const now = zeros([1, 1, -1, 1, 1, 1, 1, 1])
    expect([...(operation.again!([now, ...others], before, results) as Tensor[])[0]!.data].map(Math.sign), name).toEqual([1, 1, -1, 1, 1, 1, 1, 1])
  }
})
