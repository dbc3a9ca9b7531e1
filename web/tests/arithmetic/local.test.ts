// The source whose arithmetic is done here: a small network in the page itself, long work in a worker where one can be had.
import { expect, test, vi } from 'vitest'
import type { Folder } from '../../src/sources/folder'
import { LocalEngine } from '../../src/sources/local-engine'
import type { FromWorker, ToWorker } from '../../src/sources/local-messages'
import { answer, drive } from '../../src/sources/local-messages'
import { finish } from '../../src/arithmetic/network'
import type { NetworkTrace } from './traces'
import { bytesOf, near, networkTraces, pictureOf } from './traces'

vi.setConfig({ testTimeout: 300_000 }) // a busy machine is no defect

// A worker where one is allowed: what it is told it does as the real one, in this thread.
const workers = { allowed: false, told: [] as ToWorker[] }
vi.mock('../../src/sources/local.worker?worker&inline', () => ({
  default: class {
    onmessage: ((event: { data: FromWorker }) => void) | null = null
    engine: LocalEngine | null = null
    constructor() {
      if (!workers.allowed) throw new Error('no worker here')
    }

    postMessage(message: ToWorker): void {
      workers.told.push(message)
      const say = (data: FromWorker): void => queueMicrotask(() => this.onmessage?.({ data: structuredClone(data) }))
      if ('start' in message) {
        this.engine = new LocalEngine(message.start, message.weights.slice(0), true)
        say({ ready: true })
      } else if ('question' in message) {
        const { id, question } = structuredClone(message)
        void answer(this.engine!, question, 25, () => false, (progress) => say({ id, progress })).then((result) => say({ id, result }))
      }
    }
  },
}))
const { startLocal } = await import('../../src/sources/local')

interface Trace extends NetworkTrace {
  probabilities: number[]
  tensors: Record<string, { shape: number[]; values: number[] }>
  edited: { snapshot: string; of_snapshot: number[] }
}

const [trace] = networkTraces<Trace>() as [Trace]
const graph = trace.document
const picture = pictureOf(trace)
const epoch = vi.fn(() => Promise.resolve(bytesOf(trace.edited.snapshot)))
const folder = { lacks: { build: 'Not here.' }, epoch } as unknown as Folder
const started = () => startLocal({ place: 'page', graph, weights: bytesOf(trace.weights), folder })

test('a run, its maps, a value and the pixels that reach it', async () => {
  const source = await started()
  expect([source.place, source.lacks]).toEqual(['page', { build: 'Not here.' }])
  const run = await source.run(picture)
  trace.probabilities.forEach((value, n) => near(run.probabilities[n], value, `class ${n}`))
  const maps = await source.maps(run.number, 'conv1', [1, 3])
  const wanted = trace.tensors['conv1']!
  const [, channels, height, width] = wanted.shape as [number, number, number, number]
  expect([maps.shape, maps.from, maps.data.length]).toEqual([[channels, height, width], 1, 2 * height * width])
  maps.data.forEach((value, n) => near(value, wanted.values[height * width + n], 'conv1'))
  const strength = (c: number) => wanted.values.slice(c * height * width, (c + 1) * height * width).reduce((sum, v) => sum + Math.abs(v), 0)
  expect(maps.order).toEqual([...Array(channels).keys()].sort((a, b) => strength(b) - strength(a)))
  near(maps.largest, Math.max(...wanted.values.map(Math.abs)), 'largest')
  const level = await source.open(run.number, 'softmax1', [2])
  near(level.value, trace.probabilities[2], 'softmax1[2]')
  expect(level.name).toBe('softmax1')
  expect(await source.field(run.number, 'softmax1', [2])).toEqual([0, 0, picture.height, picture.width])
})

test('the picture is shown channels first, whatever its own order', async () => {
  const source = await started()
  const run = await source.run(picture)
  const maps = await source.maps(run.number, 'image')
  expect(maps.shape).toEqual([3, picture.height, picture.width])
  expect(maps.data[picture.height * picture.width]).toBe(picture.data[1])
})

test('kernels, as they are and changed', async () => {
  const source = await started()
  const { shape, data, bias } = await source.kernels('conv1')
  expect([shape, data.length, bias?.length]).toEqual([[4, 1, 3, 3], 36, 4])
  const changed = await source.kernels('conv1', { weights: [{ name: 'conv1.weight', index: [1, 0, 2, 0], value: 7 }] })
  expect(changed.data[1 * 9 + 6]).toBe(7)
  expect([...changed.data].filter((value, n) => value !== data[n])).toEqual([7])
  expect((await source.kernels('dense1')).shape[0]).toBe(6)
  await expect(source.kernels('relu1')).rejects.toThrow('relu1 has no kernels.')
})

test('an epoch is fetched once', async () => {
  const source = await started()
  const first = await source.run(picture, { epoch: 3 })
  const second = await source.run(picture, { epoch: 3 })
  trace.edited.of_snapshot.forEach((value, n) => near(first.probabilities[n], value, `class ${n}`))
  expect(second.probabilities).toEqual(first.probabilities)
  expect(epoch).toHaveBeenCalledTimes(1)
})

test('names and places that are not there get a sentence', async () => {
  const source = await started()
  const run = await source.run(picture)
  await expect(source.maps(run.number, 'conv9')).rejects.toThrow('There is nothing called conv9 in this network.')
  await expect(source.open(run.number, 'conv1', [99, 0, 0])).rejects.toThrow('is outside: its shape is 1 x 4 x 10 x 12.')
  await expect(source.open(run.number + 50, 'conv1', [0, 0, 0])).rejects.toThrow('run the picture again')
  await expect(source.run(picture, { off: [{ name: 'nothing', channel: 0 }] })).rejects.toThrow('no layer called nothing')
})

test('a question that is no longer wanted is left', async () => {
  const source = await started()
  const run = await source.run(picture)
  const stop = new AbortController()
  const shares: number[] = []
  const asked = source.why(run.number, 0, 1, 'occlusion', (share) => {
    shares.push(share)
    if (shares.length === 3) stop.abort()
  }, stop.signal)
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' })
  expect(shares.at(-1)).toBeLessThan(0.5)
})

test('a small network is computed in the page, but for why, which a worker is asked, of the same run', async () => {
  workers.allowed = true
  workers.told = []
  try {
    const source = await started()
    const edits = { off: [{ name: 'conv1', channel: 1 }], epoch: 3 }
    const run = await source.run(picture, edits)
    expect(workers.told).toEqual([])
    const found = await source.why(run.number, 2, 1, 'grad-cam', () => undefined)
    expect(workers.told.map((message) => ('question' in message ? message.question.ask : Object.keys(message)[0])))
      .toEqual(['start', 'snapshot', 'run', 'why'])
    near(found.probability, Math.max(...run.probabilities), 'the answer')
    workers.allowed = false
    const alone = await started()
    const again = await alone.run(picture, edits)
    expect(found).toEqual(await alone.why(again.number, 2, 1, 'grad-cam', () => undefined))
  } finally {
    workers.allowed = false
  }
})

test('a larger one is computed in a worker', async () => {
  workers.allowed = true
  workers.told = []
  try {
    const large = { ...graph, mult_adds: 5_000_001 }
    const source = await startLocal({ place: 'page', graph: large, weights: bytesOf(trace.weights), folder })
    expect(workers.told.length).toBe(1)
    const run = await source.run(picture)
    trace.probabilities.forEach((value, n) => near(run.probabilities[n], value, `class ${n}`))
    expect(workers.told.length).toBe(2)
  } finally {
    workers.allowed = false
  }
})

test('a small network is rehearsed when the page is idle after its first run, and not before', async () => {
  const rehearsed = vi.spyOn(LocalEngine.prototype, 'rehearse')
  const turns: ((deadline: { timeRemaining: () => number }) => void)[] = []
  vi.stubGlobal('requestIdleCallback', (turn: (typeof turns)[0]) => turns.push(turn))
  try {
    const source = await started()
    expect(turns.length).toBe(0)
    await source.run(picture)
    await source.run(picture)
    expect(turns.length).toBe(1)
    let time = 12
    turns[0]!({ timeRemaining: () => (time -= 3) }) // 9, 6, then too little
    expect([rehearsed.mock.calls.length, turns.length]).toEqual([2, 2])
    turns[1]!({ timeRemaining: () => 50 })
    expect([rehearsed.mock.calls.length, turns.length]).toEqual([40, 2])
  } finally {
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
  }
})

test('a rehearsal leaves no trace', () => {
  const engine = new LocalEngine(graph, bytesOf(trace.weights))
  const run = finish(engine.run(picture))
  const maps = engine.maps(run.number, 'conv1')
  for (let stroke = 0; stroke < 5; stroke++) engine.rehearse(stroke)
  expect(engine.maps(run.number, 'conv1')).toEqual(maps)
  const next = finish(engine.run(picture))
  expect([next.number, next.probabilities]).toEqual([run.number + 1, run.probabilities])
})

test('the run before a change is held however long one paints', async () => {
  const source = await started()
  const before = await source.run(picture)
  for (let stroke = 0; stroke < 20; stroke++) await source.run(picture, { pixels: picture })
  expect((await source.maps(before.number, 'conv1')).data.length).toBeGreaterThan(0)
  const another = await source.run(picture)
  for (let stroke = 0; stroke < 20; stroke++) await source.run(picture, { pixels: picture })
  expect((await source.maps(another.number, 'conv1')).data.length).toBeGreaterThan(0)
  await expect(source.maps(before.number, 'conv1')).rejects.toThrow('no longer kept')
})

test('old runs are let go, the last ones are kept', () => {
  const engine = new LocalEngine({ ...graph, values: 20_000_000 }, bytesOf(trace.weights))
  const numbers = [1, 2, 3, 4].map(() => finish(engine.run(picture)).number)
  expect(() => engine.maps(numbers[0]!, 'conv1')).toThrow('run the picture again')
  for (const number of numbers.slice(-2)) expect(engine.maps(number, 'conv1').shape[0]).toBe(4)
})

test('an operation that is not computed here is told before anything starts', async () => {
  const strange = { ...graph.nodes[0]!, name: 'strange', operation: null, unknown: 'nobody knows it' }
  const start = { place: 'page' as const, graph: { ...graph, nodes: [...graph.nodes, strange] }, weights: bytesOf(trace.weights), folder }
  await expect(startLocal(start)).rejects.toThrow("This network can't be computed in a browser: strange (convolution).")
})

test('numbers that are rounded in a way of their own are left to the runtime', async () => {
  const [first, ...rest] = graph.tensors
  const start = {
    place: 'page' as const, graph: { ...graph, tensors: [{ ...first!, dtype: 'float16' }, ...rest] },
    weights: bytesOf(trace.weights), folder,
  }
  await expect(startLocal(start)).rejects.toThrow("This network can't be computed in a browser: input (float16).")
})

test('long work lets others have their turn', async () => {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await drive((function* () {
    for (const begin = performance.now(); performance.now() - begin < 80;) yield
  })(), 5, () => false)
  clearInterval(timer)
  expect(turns).toBeGreaterThan(0)
})

test('what was asked of a run comes along with the next one, and is of that one', async () => {
  const source = await started()
  const first = await source.run(picture)
  const before = await source.maps(first.number, 'conv1', [1, 3])
  await source.open(first.number, 'softmax1', [2])
  const asked = { maps: vi.spyOn(LocalEngine.prototype, 'maps'), open: vi.spyOn(LocalEngine.prototype, 'open') }
  const second = await source.run({ ...picture, data: picture.data.map((value) => 255 - value) })
  expect([asked.maps.mock.calls.length, asked.open.mock.calls.length]).toEqual([1, 1])
  const [maps, level] = [await source.maps(second.number, 'conv1', [1, 3]), await source.open(second.number, 'softmax1', [2])]
  expect([asked.maps.mock.calls.length, asked.open.mock.calls.length]).toEqual([1, 1]) // they were there
  expect(maps.data).not.toEqual(before.data)
  near(level.value, second.probabilities[2], 'softmax1[2]')
  expect((await source.maps(second.number, 'conv1', [0, 1])).from).toBe(0) // the others are asked for
  expect(await source.maps(first.number, 'conv1', [1, 3])).toEqual(before) // and an older run keeps its own
  expect(asked.maps.mock.calls.length).toBe(3)
  vi.restoreAllMocks()
})

test('a question that the next run has no answer to is asked by itself, and says why', async () => {
  const source = await started()
  const run = await source.run(picture)
  await expect(source.maps(run.number, 'nothing')).rejects.toThrow('nothing called nothing')
  const next = await source.run(picture)
  await expect(source.maps(next.number, 'nothing')).rejects.toThrow('nothing called nothing')
})
