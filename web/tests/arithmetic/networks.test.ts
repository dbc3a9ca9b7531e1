// Whole networks against the golden traces: every tensor from raw pixels on, openings, fields, kernels, explanations.
import { describe, expect, test, vi } from 'vitest'
import { explain } from '../../src/arithmetic/explanation'
import { fieldOf } from '../../src/arithmetic/field'
import { levelDocument } from '../../src/arithmetic/level'
import { finish, Network, unsupported } from '../../src/arithmetic/network'
import { LocalEngine } from '../../src/sources/local-engine'
import type { Edits, Picture } from '../../src/source'
import type { ExplanationDocument, LevelDocument } from '../../src/types'
import type { NetworkTrace, Plain, Stored } from './traces'
import { bytesOf, near, networkTraces, pictureOf, same } from './traces'

vi.setConfig({ testTimeout: 300_000 }) // a busy machine is no defect

interface Trace extends NetworkTrace {
  probabilities: number[]
  tensors: Record<string, Stored>
  openings: { full: number[]; level: Partial<LevelDocument>; field?: number[] | null }[]
  kernels: { name: string; near: ([string, number] | null)[] }[]
  explanation: {
    label: string; probability: number; top: unknown; explained: string; versus: unknown; lacking: string[]; assumed: string[]
    trail: [string, number[], Plain, string[], number][]; heatmap: Record<string, unknown>
  }
  occlusion: Record<string, unknown>
  edited: { edits: Edits; probabilities: number[]; snapshot?: string; of_snapshot?: number[] }
}

const traces = networkTraces<Trace>()

describe.each(traces.map((trace) => [trace.name, trace] as const))('%s', (_, trace) => {
  const network = new Network(trace.document, bytesOf(trace.weights))
  const picture = pictureOf(trace)
  const state = finish(network.run(picture))

  test('can be computed here', () => expect(unsupported(trace.document)).toEqual([]))

  test('every tensor, from raw pixels to the answer', () => {
    expect([...state.values.keys()].filter((name) => !state.constants.has(name)).sort()).toEqual(Object.keys(trace.tensors).sort())
    for (const [name, wanted] of Object.entries(trace.tensors)) {
      const found = state.values.get(name)!
      expect([name, found.shape, found.dtype]).toEqual([name, wanted.shape, wanted.dtype])
      wanted.values.forEach((value, n) => near(found.data[n]!, value, `${name} ${n}`))
    }
    trace.probabilities.forEach((value, n) => near(state.probabilities[n], value, `class ${n}`))
  })

  test('values opened, and the part of the picture that reaches them', () => {
    for (const wanted of trace.openings) {
      const tensor = [...state.tensors.values()].find((about) => about.name === wanted.level.name)!.tensor
      const level = levelDocument(state, tensor, wanted.full)
      const { terms, operands, window, ...rest } = wanted.level
      same(level, rest, wanted.level.name)
      for (const [found, all] of [[level.terms, terms], [level.operands, operands], [level.window, window]]) {
        if (all !== null && all !== undefined) same(found, all, `${wanted.level.name} terms`)
      }
      if (level.sum !== null) expect([wanted.level.name, level.closes]).toEqual([wanted.level.name, true])
      if (wanted.field) {
        expect([wanted.level.name, fieldOf(state, tensor, wanted.full, trace.document.input.picture)])
          .toEqual([wanted.level.name, wanted.field])
      }
    }
  })

  test('the nearest classical filters', () => {
    const engine = new LocalEngine(trace.document, bytesOf(trace.weights))
    for (const { name, near: wanted } of trace.kernels) {
      const { near: found } = engine.kernels(name)
      found.forEach((each, n) => {
        const other = wanted[n]
        if (!other) return expect(each, `${name} ${n}`).toBeNull()
        expect(each?.name.replace(/, (inverted|enlarged)/g, ''), `${name} ${n}`).toBe(other[0])
        near(each!.likeness, other[1], name)
      })
    }
  })

  test('what if: a weight changed, a map switched off, an epoch replayed', () => {
    const { edits, probabilities, snapshot, of_snapshot: replayed } = trace.edited
    const edited = finish(network.run(picture, edits))
    probabilities.forEach((value, n) => near(edited.probabilities[n], value, `class ${n}`))
    const [{ name, channel }] = edits.off as [{ name: string; channel: number }]
    const silent = levelDocument(edited, network.names.get(name)!, [0, channel, ...edited.values.get(network.names.get(name)!)!.shape.slice(2).map(() => 0)])
    expect([silent.value, silent.reason]).toEqual([0, 'This map was switched off by hand: its values are 0.'])
    // What comes before the edits is the same tensor still, what comes after isn't; without them all is as it was.
    const weight = trace.document.nodes.find((node) => node.inputs.includes(edits.weights![0]!.name))!
    expect(edited.values.get(weight.inputs[0]!)).toBe(state.values.get(weight.inputs[0]!))
    expect(edited.values.get(weight.outputs[0]!)).not.toBe(state.values.get(weight.outputs[0]!))
    const again = finish(network.run({ ...picture, data: picture.data.slice() }))
    expect(again.values.get(trace.document.answer.probabilities)).toBe(state.values.get(trace.document.answer.probabilities))
    expect(() => finish(network.run(picture, { epoch: 99 }))).toThrow('There are no weights of epoch 99 here.')
    if (!snapshot) return
    network.addSnapshot(99, bytesOf(snapshot))
    const old = finish(network.run(picture, { epoch: 99 }))
    replayed!.forEach((value, n) => near(old.probabilities[n], value, `class ${n}`))
  })

  test('a painted picture gives what that picture gives', () => {
    const pixels = { ...picture, data: picture.data.map((value, n) => (n % 5 ? value : 255 - value)) }
    const painted = finish(network.run(picture, { pixels }))
    expect(painted.probabilities).toEqual(finish(new Network(trace.document, bytesOf(trace.weights)).run(pixels)).probabilities)
    expect(painted.probabilities).not.toEqual(state.probabilities)
  })

  const target = state.probabilities.indexOf(Math.max(...state.probabilities))
  const ask = function* (each: Picture) {
    return (yield* network.run(each, undefined, false)).probabilities
  }
  const explained = (method: 'grad-cam' | 'occlusion') => {
    const shares: number[] = []
    const early: ExplanationDocument[] = []
    const report = (share: number, soFar?: ExplanationDocument) => {
      shares.push(share)
      if (soFar) early.push(soFar)
    }
    const found = finish(explain(trace.document, state, { target, against: null, method }, ask, report))
    // What is told before the check is all but the check.
    expect(early).toEqual([{ ...found, heatmap: { ...found.heatmap, deletion: null } }])
    expect([...shares].sort((a, b) => a - b)).toEqual(shares)
    expect(shares.at(-1)).toBe(1)
    return found
  }

  test('why: the trail, the difference of two sums, Grad-CAM and its check', () => {
    const found = explained('grad-cam')
    const { trail, heatmap, lacking, ...wanted } = trace.explanation
    expect(found.trail.map(({ name, index, strongest, others }) => [name, index, strongest.map((term) => term.source), others]))
      .toEqual(trail.map(([name, index, , sources, others]) => [name, index, sources, others]))
    trail.forEach(([, , value], n) => near(found.trail[n]!.value, value, 'trail'))
    expect(found.lacking.length).toBe(lacking.length)
    same(found, { ...wanted, model: `${trace.name}.onnx` })
    same(found.heatmap, { ...heatmap, path: null }, 'heatmap')
  })

  test('why: occlusion and its check', () => {
    same(explained('occlusion').heatmap, trace.occlusion, 'heatmap')
  })
})
