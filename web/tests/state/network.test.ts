// Names and places of a network whose pictures come as rows, columns, channels: the stage shows channels all the same.
import { describe, expect, it } from 'vitest'
import { Network } from '../../src/state/network'
import type { GraphDocument } from '../../src/types'
import { layer } from '../support'

function network(last: boolean, ending = ''): Network {
  const conv = layer('conv1', [4, 6, 8], { inputs: ['x'] })
  return new Network({
    title: '', file: '', layers: [conv], nodes: [], tensors: [], weights: [], classes: [], named: false,
    input: {
      picture: 'image', input: 'x', height: 6, width: 8, channels: 3, fit: 'stretch', scale: [1, 1, 1], shift: [0, 0, 0], mean: [0, 0, 0],
      deviation: [1, 1, 1], raw: false, bgr: false, channel_last: last, renamed: {}, own: false, assumed: [],
    },
    answer: { probabilities: 'y', scores: null, logits: false, ending },
  } as unknown as GraphDocument)
}

describe.each([[true, [6, 8, 3], [2, 5, 1]], [false, [3, 6, 8], [1, 2, 5]]] as const)('an input that has its channels last: %s', (last, shape, index) => {
  it('has its planes by channel', () => {
    expect(network(last).shape('x')).toEqual(shape)
    expect(network(last).planes('x')).toEqual([3, 6, 8])
  })

  it('finds the tile of a place, and the place on a tile', () => {
    expect(network(last).spot('x', index)).toEqual([1, 2, 5])
    expect(network(last).index('x', [1, 2, 5])).toEqual(index)
  })

  it('leaves maps behind it alone', () => {
    expect(network(last).spot('conv1', [1, 2, 5])).toEqual([1, 2, 5])
    expect(network(last).planes('conv1')).toEqual([4, 6, 8])
  })
})

it('calls an answer a probability only where the network itself makes one of it', () => {
  expect(network(false).answerWords('y', [7])).toBe('P(class 7)')
  expect(network(false, 'softmax').answerWords('y', [7])).toBe('logit class 7')
  expect(network(false, 'divided by their sum').answerWords('y', [7])).toBe('score class 7')
  expect(network(false, 'softmax').isShare('y')).toBe(false)
})
