// Which maps and values are marked as changed, for tensors of every size, against the run before the change.
import { describe, expect, it } from 'vitest'
import type { Maps, Source } from '../../src/source'
import { type Held, Tensors } from '../../src/state/tensors.svelte'

/** A source whose run 1 is all ones and whose later runs have each place of `places` raised. */
function sourceOf(shape: readonly number[], places: readonly number[]): Source {
  const size = shape.slice(1).reduce((a, b) => a * b, 1)
  const maps = (run: number, _: string, channels: readonly [number, number] = [0, shape[0]!]): Promise<Maps> => {
    const data = new Float32Array((channels[1] - channels[0]) * size).fill(1)
    if (run > 1) for (const place of places) if (place >= channels[0] * size && place < channels[1] * size) data[place - channels[0] * size]! += 0.5
    return Promise.resolve({ shape, from: channels[0], data, order: Array.from({ length: shape[0]! }, (__, i) => i), largest: 1 })
  }
  return { maps } as unknown as Source
}

/** What is held of each name after run 1, then run 2 with run 1 as its base. */
async function after(shape: readonly number[], places: readonly number[], names: readonly string[], channels: readonly number[] | null = null): Promise<Held[]> {
  const tensors = new Tensors(sourceOf(shape, places), () => shape.reduce((a, b) => a * b, 1))
  for (const run of [1, 2]) {
    for (const name of names) {
      tensors.want(run, 1, name, channels)
      await expect.poll(() => tensors.held.get(name)?.run).toBe(run)
      if (run === 1) expect([tensors.held.get(name)!.changed.size, tensors.held.get(name)!.cells.length]).toEqual([0, 0])
    }
  }
  return names.map((name) => tensors.held.get(name)!)
}

describe('a tensor that comes whole', () => {
  it('is asked for once a run, whoever wants it, and again after an error', async () => {
    const asked: number[] = []
    let fails = false
    const { maps } = sourceOf([4, 3, 3], [])
    const counted = (...given: Parameters<Source['maps']>): Promise<Maps> => {
      asked.push(given[0])
      return fails ? Promise.reject(new Error('closed')) : maps(...given)
    }
    const tensors = new Tensors({ maps: counted } as unknown as Source, () => 36)
    tensors.want(1, 1, 'conv1', [0, 1, 2, 3])
    tensors.want(1, 1, 'conv1', [2])
    tensors.want(1, 1, 'conv1')
    await expect.poll(() => tensors.held.get('conv1')?.run).toBe(1)
    await new Promise((done) => setTimeout(done, 10))
    expect(asked).toEqual([1])
    fails = true
    tensors.want(2, 1, 'conv1')
    await expect.poll(() => tensors.failed.get('conv1')).toBe('closed')
    fails = false
    tensors.want(2, 1, 'conv1')
    await expect.poll(() => tensors.held.get('conv1')?.run).toBe(2)
    expect(asked).toEqual([1, 2, 2])
    expect(tensors.failed.size).toBe(0)
  })
})

describe('what changed', () => {
  it('is told for each value of a dense layer', async () => {
    const [held] = await after([120], [3, 77], ['dense1'])
    expect([...held!.cells]).toEqual([3, 77])
  })

  it('is told for each value of rows of tokens', async () => {
    const [held] = await after([4, 10], [12, 39], ['tokens'])
    expect([...held!.cells]).toEqual([12, 39])
    expect([...held!.changed]).toEqual([1, 3])
  })

  it('is told for the maps that are shown of a large tensor', async () => {
    const [held] = await after([64, 224, 224], [2 * 224 * 224 + 5, 60 * 224 * 224], ['conv1'])
    expect([...held!.channels.keys()]).toHaveLength(8)
    expect([...held!.changed]).toEqual([2])
    expect(held!.cells.length).toBe(0)
  })

  it('is told of what is first seen after the change', async () => {
    for (const [shape, name] of [[[6, 24, 24], 'conv1'], [[64, 224, 224], 'large']] as const) {
      const area = shape[1] * shape[2]
      const tensors = new Tensors(sourceOf(shape, [2 * area + 5]), () => shape[0] * area)
      tensors.want(2, 1, name)
      await expect.poll(() => tensors.held.get(name)?.run).toBe(2)
      expect([...tensors.held.get(name)!.changed]).toEqual([2])
    }
  })

  it('is not told where more would have to be kept than there is room for, and never wrongly', async () => {
    const names = Array.from({ length: 3 }, (_, i) => `conv${i}`)
    const all = Array.from({ length: 64 }, (_, i) => i)
    const held = await after([64, 224, 224], [2 * 224 * 224 + 5], names, all) // 3.2 million values each
    expect(held.map(({ changed }) => [...changed])).toEqual([[], [], [2]])
  })
})

describe('the strongest maps of a large tensor', () => {
  it('are there for another picture, whose strongest are others', async () => {
    const { maps } = sourceOf([64, 224, 224], [])
    const turned = async (run: number, name: string, channels?: readonly [number, number]): Promise<Maps> => {
      const found = await maps(run, name, channels)
      return run === 1 ? found : { ...found, order: [...found.order].reverse() }
    }
    const tensors = new Tensors({ maps: turned } as unknown as Source, () => 64 * 224 * 224)
    for (const run of [1, 2]) {
      tensors.forget()
      tensors.want(run, run, 'conv1')
      await expect.poll(() => tensors.held.get('conv1')?.run).toBe(run)
      const { ranking: { order }, channels } = tensors.held.get('conv1')!
      expect(order[0]).toBe(run === 1 ? 0 : 63)
      expect(order.slice(0, 8).filter((channel) => !channels.has(channel))).toEqual([])
    }
  })
})
