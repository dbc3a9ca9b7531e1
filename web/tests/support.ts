// Documents for tests, with what a test doesn't ask about filled in.
import type { LayerDocument, LevelDocument, TermDocument } from '../src/types'

export function layer(name: string, maps: readonly number[], more: Partial<LayerDocument> = {}): LayerDocument {
  return {
    name, tensor: name, kind: 'convolution', family: 'convolution', operation: 'conv', words: '', shape: [...maps.slice(1), maps[0] ?? 1], maps,
    values: maps.reduce((a, b) => a * b, 1), parameters: 0, mult_adds: 0, receptive_field: [1, 1],
    formulas: { shape: '', parameters: '', mult_adds: '', receptive_field: '' }, inputs: [], stage: 0, column: 0, row: 0, nodes: [name], weights: [], ...more,
  }
}

export function term(source: string, index: readonly number[], input: number, weight: number | null = null): TermDocument {
  return { source, index, input, weight, product: weight === null ? input : input * weight, weight_source: null, role: 'x' }
}

export function level(more: Partial<LevelDocument> = {}): LevelDocument {
  return {
    name: 'conv1', index: [0, 0, 0], axes: ['channel', 'row', 'column'], kind: 'convolution', operation: 'Conv', value: 0, sum: 0, difference: 0, closes: true,
    terms: null, operands: null, remainder: null, bias: null, bias_source: null, divisor: null, facts: {}, formula: null, note: '', reason: '', window: null, chosen: null, ...more,
  }
}
