// A dense layer's inputs put back onto the maps that they were flattened from: flattening only reads them row by row.
import type { Network } from '../../state/network'
import { unflat } from '../../state/network'
import { real } from '../../parts/numbers'
import type { TermDocument } from '../../types'

export interface Back {
  readonly name: string // the tensor with maps
  readonly shape: readonly number[] // channels, rows, columns
  readonly last: boolean // channels are its last axis
}

/** Where the terms of `source` were flattened from; null where they never were maps. */
export function unflattened(network: Network, source: string): Back | null {
  let name = source
  for (let i = 0; i < 6; i++) {
    const shape = network.shape(name)
    if (!shape) return null
    if (shape.length === 3) return { name, shape, last: network.channelLast(name) }
    const node = network.node(name)
    if (!node || !/^(Flatten|Reshape|Squeeze|Unsqueeze|Identity|Dropout)$/.test(node.type)) return null
    const operand = node.inputs[0]
    if (!operand) return null
    name = network.screen(operand)
  }
  return null
}

/** The index in the maps, of a place in the list. */
export function placeBack(back: Back, at: number): readonly number[] {
  return unflat(at, back.shape)
}

export interface MapOfTerms {
  readonly channel: number
  readonly sum: number
  readonly products: Float32Array // rows x columns
  readonly terms: readonly (TermDocument | undefined)[]
}

/** Terms of a list, by the map that each came from. */
export function byMap(back: Back, terms: readonly TermDocument[]): readonly MapOfTerms[] {
  const [first, second, third] = back.shape as readonly [number, number, number]
  const [channels, rows, columns] = back.last ? [third, first, second] : [first, second, third]
  const maps = Array.from({ length: channels }, (_, channel) => ({
    channel, sum: 0, products: new Float32Array(rows * columns), terms: Array.from<TermDocument | undefined>({ length: rows * columns }),
  }))
  for (const term of terms) {
    const index = placeBack(back, term.index.at(-1) ?? 0)
    const [c, y, x] = (back.last ? [index[2], index[0], index[1]] : index) as [number, number, number]
    const map = maps[c]
    if (!map) continue
    map.products[y * columns + x] = real(term.product)
    map.terms[y * columns + x] = term
    map.sum += real(term.product)
  }
  return maps
}
