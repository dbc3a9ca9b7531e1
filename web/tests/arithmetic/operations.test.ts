// Every operation against the golden traces that Python wrote: whole results, openings, and what reaches a value.
import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import type { Attributes, Opening } from '../../src/arithmetic/base'
import { countOf, formulaOf, isNowhere, magnitudeOf, marked, sumOf, valueOf } from '../../src/arithmetic/base'
import { setsOf } from '../../src/arithmetic/field'
import { finish } from '../../src/arithmetic/network'
import { OPERATIONS, operationOf } from '../../src/arithmetic/operations'
import type { Tensor } from '../../src/arithmetic/tensor'
import { tensor } from '../../src/arithmetic/tensor'
import type { Plain, Stored } from './traces'
import { near, read, sameText } from './traces'

type TermRow = [number, number[], Plain, Plain | null, number[] | null, string]
vi.setConfig({ testTimeout: 300_000 }) // a busy machine is no defect

interface Trace {
  name: string
  operation: string
  attributes: Attributes
  operands: (Stored | null)[]
  results: (Stored & { output: number })[]
  openings: {
    output: number; index: number[]; value: Plain; formula: string; magnitude: Plain; facts: Record<string, Plain>
    count: number; bias?: Plain; divisor?: Plain; total?: Plain; note?: string; chosen?: number | null
    terms?: TermRow[]; cells?: number[]; start?: number[]; reach?: number[][]
  }[]
}

const traces = JSON.parse(readFileSync(new URL('../../golden/operations.json', import.meta.url), 'utf8')) as Trace[]

function entries(opening: Opening): TermRow[] {
  return opening.parts.flatMap((part) => Array.from(part.values, (value, n): TermRow => [
    part.operand, Array.from(part.index.subarray(n * part.rank, (n + 1) * part.rank)), value, part.weights?.[n] ?? null,
    part.weightIndex ? Array.from(part.weightIndex.subarray(n * part.weightRank, (n + 1) * part.weightRank)) : null, part.role,
  ]))
}

function checkOpening(opening: Opening, wanted: Trace['openings'][number]): void {
  near(valueOf(opening), wanted.value, 'value')
  near(magnitudeOf(opening), wanted.magnitude, 'magnitude', 0.05)
  sameText(formulaOf(opening), wanted.formula)
  expect(countOf(opening)).toBe(wanted.count)
  expect(Object.keys(opening.facts).sort()).toEqual(Object.keys(wanted.facts).sort())
  for (const [name, value] of Object.entries(wanted.facts)) near(opening.facts[name]!, value, name)
  if (opening.linear) {
    near(opening.bias, wanted.bias!, 'bias')
    near(opening.divisor, wanted.divisor!, 'divisor')
    near(sumOf(opening), wanted.total!, 'total')
  } else {
    expect([opening.note, opening.chosen]).toEqual([wanted.note, wanted.chosen])
  }
  if (wanted.terms) {
    const found = entries(opening)
    expect(found.map(([operand, index, , weight, weightIndex, role]) => [operand, index, weight === null, weightIndex, role]))
      .toEqual(wanted.terms.map(([operand, index, , weight, weightIndex, role]) => [operand, index, weight === null, weightIndex, role]))
    wanted.terms.forEach(([, , value, weight], n) => {
      near(found[n]![2] as number, value, 'term')
      if (weight !== null) near(found[n]![3] as number, weight, 'weight')
    })
  }
  expect(opening.window ? Array.from(opening.window.cells) : undefined).toEqual(wanted.cells)
  expect(opening.window ? opening.window.start.map((n) => n) : undefined).toEqual(wanted.start)
}

describe.each(traces.map((trace) => [`${trace.operation} ${trace.name}`, trace] as const))('%s', (_, trace) => {
  const operation = operationOf(trace.operation, trace.attributes)
  const operands = trace.operands.map((stored) => stored && read(stored))

  if (operation.again) test('what a few changed values of the first operand change, to the bit', () => {
    const all = (given: typeof operands): readonly Tensor[] => {
      const made = operation.forward(given)
      return Array.isArray(made) ? made : finish(made)
    }
    const [first, ...others] = operands as [Tensor, ...typeof operands]
    const before = all(operands)
    const kept = before[0]!.data.slice()
    for (const share of [0, 0.02, 0.5, 1]) { // none, a few, more than are worth while one by one
      const changed = tensor(first.shape, first.dtype, first.data.slice() as Tensor['data'])
      const count = Math.ceil(share * changed.data.length)
      for (let n = 0; n < count; n++) changed.data[(n * 7) % changed.data.length] = first.data[(n * 5 + 1) % first.data.length]!
      const made = operation.again!([changed, ...others], first, before)
      const found = Array.isArray(made) ? made : finish(made)
      const wanted = all([changed, ...others])
      expect(found).toHaveLength(1)
      expect([found[0]!.shape, found[0]!.dtype, found[0]!.data]).toEqual([wanted[0]!.shape, wanted[0]!.dtype, wanted[0]!.data])
      expect(before[0]!.data).toEqual(kept) // what was is left as it was
    }
  })

  test('whole results', () => {
    const made = operation.forward(operands)
    const results = Array.isArray(made) ? made : finish(made)
    for (const wanted of trace.results) {
      const found = results[wanted.output]!
      expect(found.shape).toEqual(wanted.shape)
      expect(found.dtype).toBe(wanted.dtype)
      wanted.values.forEach((value, n) => near(found.data[n]!, value, `output ${wanted.output}, ${n}`))
    }
  })

  test('values opened', () => {
    for (const wanted of trace.openings) {
      checkOpening(operation.open(operands, wanted.index, wanted.output), wanted)
    }
  })

  test('what reaches a value', () => {
    for (const wanted of trace.openings) {
      if (!wanted.reach) continue
      const shape = trace.results.find((result) => result.output === wanted.output)!.shape
      const found = operation.reach(operands, setsOf(shape, wanted.index), wanted.output)[0]
      const axes = found && !isNowhere(found) ? found.map(marked) : wanted.reach.map(() => [] as number[])
      expect(axes).toEqual(wanted.reach)
    }
  })
})

test('every operation has a trace', () => {
  const traced = new Set(traces.map((trace) => trace.operation))
  expect(Object.keys(OPERATIONS).filter((name) => !traced.has(name))).toEqual([])
})
