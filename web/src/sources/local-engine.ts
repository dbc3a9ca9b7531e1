// A network computed here: what a Source is asked about runs, answered from the arithmetic. It runs in the worker, or,
// where there is none, in the page itself; long work is a generator, driven in slices.
import type { Report } from '../arithmetic/explanation'
import { explain } from '../arithmetic/explanation'
import { fieldOf } from '../arithmetic/field'
import { nearest } from '../arithmetic/kernels'
import { fullIndex, levelDocument } from '../arithmetic/level'
import type { State } from '../arithmetic/network'
import { finish, Network } from '../arithmetic/network'
import type { Tensor } from '../arithmetic/tensor'
import { sizeOf } from '../arithmetic/tensor'
import type { Edits, Maps, Picture, Run, Source } from '../source'
import type { ExplanationDocument, GraphDocument, LevelDocument } from '../types'

export type Kernels = Awaited<ReturnType<Source['kernels']>>
export type Field = readonly [number, number, number, number]

const KEPT_VALUES = 60_000_000 // numbers of the runs that are kept; at least two runs are
export const MOST_KEPT = 4 // the last, what is asked of it meanwhile, and the unedited one: more would only grow old

interface Kept {
  readonly state: State
  readonly edits: Edits // without the picture: `why` asks the same network about other pictures
  readonly strength: Map<string, Strength>
}

export class LocalEngine {
  readonly network: Network
  private readonly runs = new Map<number, Kept>()
  private readonly compared = new WeakMap<Tensor, Kernels['near']>() // with the classical filters
  private last = 0
  private unedited = 0 // the last run of a picture as it is: what changed is told against it, however long one paints

  /** `handsOver`: maps go to another thread, so each answer has numbers of its own. */
  constructor(readonly graph: GraphDocument, weights: ArrayBuffer, private readonly handsOver = false) {
    this.network = new Network(graph, weights)
  }

  addSnapshot(epoch: number, bytes: ArrayBuffer): void {
    this.network.addSnapshot(epoch, bytes)
  }

  *run(picture: Picture, edits?: Edits): Generator<void, Run> {
    const begin = performance.now()
    const state = yield* this.network.run(picture, edits)
    const milliseconds = performance.now() - begin
    const number = ++this.last
    const { weights, off, epoch } = edits ?? {}
    const without = { ...(weights ? { weights } : {}), ...(off ? { off } : {}), ...(epoch === undefined ? {} : { epoch }) }
    this.runs.set(number, { state, edits: without, strength: new Map() })
    if (!edits || Object.keys(edits).length === 0) this.unedited = number
    const most = Math.max(2, Math.min(MOST_KEPT, Math.floor(KEPT_VALUES / this.graph.values)))
    for (const old of this.runs.keys()) if (this.runs.size > most && old !== this.unedited) this.runs.delete(old)
    return { number, milliseconds, probabilities: state.probabilities, logits: state.logits }
  }

  /** Computes what a stroke on the last picture would come to, and forgets it. */
  rehearse(stroke: number): void {
    const last = [...this.runs.values()].at(-1)
    if (!last) return
    const { height, width, channels, data } = last.state.picture
    const changed = data.slice()
    const row = stroke % height
    for (let i = row * width * channels; i < (row + 1) * width * channels; i += 3) changed[i] = 255 - changed[i]!
    finish(this.network.run({ height, width, channels, data: changed }, last.edits, false))
  }

  private kept(run: number): Kept {
    const found = this.runs.get(run)
    if (!found) throw new Error('This run is no longer kept: run the picture again.')
    return found
  }

  /** The tensor that is meant by a name on the screen, or by its own. */
  private tensor(state: State, name: string): string {
    if (state.values.has(name) && !this.network.names.has(name)) return name
    const known = this.network.names.get(name)
    if (known) return known
    for (const about of state.tensors.values()) if (about.name === name) return about.tensor
    throw new Error(`There is nothing called ${name} in this network.`)
  }

  maps(run: number, name: string, channels?: readonly [from: number, to: number]): Maps {
    const { state, strength } = this.kept(run)
    const tensor = this.tensor(state, name)
    const { shape, data } = channelsFirst(state, tensor)
    const count = shape[0] ?? 1
    const area = sizeOf(shape.slice(1))
    const about = strength.get(tensor) ?? new Strength(data, count, area)
    strength.set(tensor, about)
    const [from, to] = channels ?? [0, count]
    const asked = data.subarray(from * area, to * area)
    const { largest } = about
    return { shape, from, data: this.handsOver ? asked.slice() : asked, largest, get order() { return about.order } }
  }

  open(run: number, name: string, index: readonly number[]): LevelDocument {
    const { state } = this.kept(run)
    const tensor = this.tensor(state, name)
    return levelDocument(state, tensor, fullIndex(state, tensor, index))
  }

  field(run: number, name: string, index: readonly number[]): Field {
    const { state } = this.kept(run)
    const tensor = this.tensor(state, name)
    return fieldOf(state, tensor, fullIndex(state, tensor, index), this.graph.input.picture)
  }

  kernels(name: string, edits?: Edits): Kernels {
    const tensors = this.network.constantsOf(edits)
    const layer = this.graph.layers.find((each) => each.name === name || each.tensor === name)
    const node = this.graph.nodes.find((each) => {
      const sum = each.operation === 'convolution.Convolution' || each.operation === 'dense.Gemm' ||
        each.operation === 'dense.MatMul' || each.operation === 'transposed.TransposedConvolution'
      return sum && (layer?.nodes.includes(each.name) || each.inputs[1] === name)
    })
    const weight = node ? tensors.get(node.inputs[1]!) : undefined
    if (!node || !weight) throw new Error(`${name} has no kernels.`)
    const bias = node.inputs[2] ? tensors.get(node.inputs[2]) : undefined
    const dense = node.operation?.startsWith('dense') && weight.shape.length === 2
    const turned = dense && !node.attributes['transposed_b']
    const { shape, data } = turned ? transposed(weight) : { shape: [...weight.shape], data: Float32Array.from(weight.data) }
    let near = this.compared.get(weight)
    if (!near) {
      near = shape.length === 4 ? nearest(data, shape, this.graph.classical) : new Array<null>(shape[0]!).fill(null)
      this.compared.set(weight, near)
    }
    return { shape, data, bias: bias ? Float32Array.from(bias.data) : null, near }
  }

  *why(
    run: number, target: number, against: number | null, method: 'grad-cam' | 'occlusion', report: Report,
  ): Generator<void, ExplanationDocument> {
    const { state, edits } = this.kept(run)
    const { network } = this
    const ask = function* (picture: Picture): Generator<void, readonly number[]> {
      return (yield* network.run(picture, edits, false)).probabilities
    }
    return yield* explain(this.graph, state, { target, against, method }, ask, report)
  }
}

/** A tensor's values without the batch, channels first. */
function channelsFirst(state: State, name: string): { shape: number[]; data: Float32Array } {
  const values: Tensor | undefined = state.values.get(name)
  if (!values) throw new Error(`There is nothing called ${name} in this network.`)
  const about = state.tensors.get(name)
  const shape = about?.batch ? values.shape.slice(1) : [...values.shape]
  if (!about?.channel_last || shape.length !== 3) {
    return { shape: [...shape], data: values.data instanceof Float32Array ? values.data : Float32Array.from(values.data) }
  }
  const [h, w, channels] = shape as [number, number, number]
  const data = new Float32Array(values.data.length)
  for (let c = 0; c < channels; c++) for (let i = 0; i < h * w; i++) data[c * h * w + i] = values.data[i * channels + c]!
  return { shape: [channels, h, w], data }
}

/** How strong a tensor's channels are. Their order is computed when it is asked for: while one paints nobody does. */
class Strength {
  readonly largest: number
  private known: number[] | null = null

  constructor(private readonly data: Float32Array, private readonly count: number, private readonly area: number) {
    let largest = 0
    for (let i = 0; i < data.length; i++) {
      const size = Math.abs(data[i]!)
      if (size > largest) largest = size
    }
    this.largest = largest
  }

  get order(): number[] {
    return (this.known ??= this.sorted())
  }

  private sorted(): number[] {
    const { data, count, area } = this
    const means = new Float64Array(count)
    for (let c = 0; c < count; c++) {
      let sum = 0
      for (let i = c * area; i < (c + 1) * area; i++) sum += Math.abs(data[i]!)
      means[c] = sum / area
    }
    return Array.from(means, (_, c) => c).sort((a, b) => means[b]! - means[a]! || a - b)
  }
}

function transposed(weight: Tensor): { shape: number[]; data: Float32Array } {
  const [n, m] = weight.shape as [number, number]
  const data = new Float32Array(n * m)
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) data[j * n + i] = weight.data[i * m + j]!
  return { shape: [m, n], data }
}
