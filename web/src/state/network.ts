// Looked up in the graph document once: which layer a name belongs to, what stands before and behind it.
import { prepare } from '../arithmetic/prepare'
import type { GraphDocument, LayerDocument, NodeDocument, TensorDocument } from '../types'

export class Network {
  readonly layers: readonly LayerDocument[]
  readonly #byName = new Map<string, LayerDocument>()
  readonly #tensors = new Map<string, TensorDocument>()
  readonly #names = new Map<string, string>()
  readonly #makers = new Map<string, NodeDocument>()
  #prepared = new Map<string, readonly number[]>()
  readonly input: string
  readonly answer: string
  readonly scores: string | null

  constructor(readonly graph: GraphDocument) {
    for (const tensor of graph.tensors) {
      this.#tensors.set(tensor.name, tensor)
      this.#names.set(tensor.tensor, tensor.name)
    }
    this.layers = graph.layers
    for (const layer of graph.layers) {
      this.#byName.set(layer.name, layer)
      this.#byName.set(this.screen(layer.tensor), layer)
    }
    for (const node of graph.nodes) for (const made of node.outputs) if (made) this.#makers.set(this.screen(made), node)
    this.input = this.screen(graph.input.input)
    this.answer = this.screen(graph.answer.probabilities)
    this.scores = graph.answer.scores === null ? null : this.screen(graph.answer.scores)
    this.sized(graph.input)
  }

  /** What prepares a picture of this size for the network: its tensors open too, down to the raw pixels. */
  sized(picture: { height: number; width: number; channels: number }): void {
    const { tensors } = prepare(this.graph.input, picture.height, picture.width, picture.channels)
    this.#prepared = new Map(tensors.flatMap((each) => [[each.name, each.shape], [each.tensor, each.shape]] as const))
    this.#prepared.delete(this.input)
  }

  /** Whether it stands before the network's input: the picture itself, resized, scaled. */
  isPrepared(name: string): boolean {
    return this.#prepared.has(name) && !this.#tensors.has(name) && !this.layer(name)
  }

  /** A tensor's name on the screen. */
  screen(tensor: string): string {
    return this.#names.get(tensor) ?? tensor
  }

  layer(name: string): LayerDocument | undefined {
    return this.#byName.get(name)
  }

  /** The tensor on the stage that a value comes from: itself, or for one within a layer what went into it, as long as
   *  that has the same shape, and so the same places. */
  onStage(name: string): string | null {
    let at = name
    for (let i = 0; i < 8; i++) {
      if (at === this.input || this.layer(at)) return at
      const shape = this.shape(at)?.join()
      const operand = this.node(at)?.inputs.map((tensor) => this.screen(tensor)).find((each) => this.shape(each)?.join() === shape)
      if (operand === undefined) return null
      at = operand
    }
    return null
  }

  /** The name under which a layer's values are asked for. */
  nameOf(layer: LayerDocument): string {
    return this.screen(layer.tensor)
  }

  node(name: string): NodeDocument | undefined {
    return this.#makers.get(name)
  }

  /** The shape without the batch, channels first; null for what is no tensor of this network. */
  shape(name: string): readonly number[] | null {
    const tensor = this.#tensors.get(name)
    if (tensor) return tensor.shape
    if (name === this.input) {
      const { channels, height, width, channel_last: last } = this.graph.input
      return last ? [height, width, channels] : [channels, height, width]
    }
    return this.#byName.get(name)?.maps ?? this.#prepared.get(name) ?? null
  }

  /** Names from the input on, for going one layer back or on. */
  step(name: string, by: number): string | null {
    const names = this.names
    const layer = this.layer(name)
    const at = names.indexOf(layer ? this.nameOf(layer) : name)
    return names[Math.max(0, Math.min(names.length - 1, (at < 0 ? 0 : at) + by))] ?? null
  }

  get names(): readonly string[] {
    return [this.input, ...this.layers.map((layer) => this.nameOf(layer))]
  }

  /** Whether the values are maps: channels of rows and columns. */
  isMaps(name: string): boolean {
    return (this.shape(name)?.length ?? 0) === 3
  }

  /** Whether values stand as rows, columns, channels, as in a picture that was not yet turned. */
  channelLast(name: string): boolean {
    return this.#tensors.get(name)?.channel_last ?? (name === this.input ? this.graph.input.channel_last : this.isPrepared(name))
  }

  /** Channels, rows and columns of maps, however the tensor holds them; null for what isn't maps. */
  planes(name: string): readonly [channels: number, rows: number, columns: number] | null {
    const shape = this.shape(name)
    if (shape?.length !== 3) return null
    const [a, b, c] = shape as [number, number, number]
    return this.channelLast(name) ? [c, a, b] : [a, b, c]
  }

  /** Channel, row and column of an index in maps; of other tensors, the index itself. */
  spot(name: string, index: readonly number[]): readonly number[] {
    return index.length === 3 && this.channelLast(name) ? [index[2] as number, index[0] as number, index[1] as number] : index
  }

  /** The other way: the index of a channel, row and column. */
  index(name: string, spot: readonly number[]): readonly number[] {
    return spot.length === 3 && this.channelLast(name) ? [spot[1] as number, spot[2] as number, spot[0] as number] : spot
  }

  className(number: number): string {
    return this.graph.classes[number] ?? `class ${number}`
  }

  /** Whether its values are probabilities of classes: an answer may be scores that are made into them outside. */
  isShare(name: string): boolean {
    return name === this.answer && !this.graph.answer.ending
  }

  /** What an answer's value is called: P(7), logit 7. Null for other names. */
  answerWords(name: string, index: readonly number[]): string | null {
    const number = index.at(-1)
    if (number === undefined) return null
    if (this.isShare(name)) return `P(${this.className(number)})`
    if (name === this.answer) return `${this.graph.answer.ending === 'softmax' ? 'logit' : 'score'} ${this.className(number)}`
    if (name === this.scores && this.graph.answer.logits) return `logit ${this.className(number)}`
    return null
  }

  /** A raw pixel of the picture, and its colour where it has one: pixel (12, 9) red. Null for other names. */
  pixelWords(name: string, index: readonly number[]): string | null {
    if (name !== this.graph.input.picture || !this.isPrepared(name)) return null
    const colour = this.shape(name)?.[2] === 3 ? ` ${['red', 'green', 'blue'][index[2] ?? 0]}` : ''
    return `pixel (${index[0]}, ${index[1]})${colour}`
  }
}

/** Every index of a place kept inside its tensor's shape. */
export function inside(index: readonly number[], shape: readonly number[]): readonly number[] {
  return shape.map((size, axis) => Math.max(0, Math.min(size - 1, index[axis] ?? 0)))
}

/** The place of an index in the flat values. */
export function flat(index: readonly number[], shape: readonly number[]): number {
  return shape.reduce((at, size, axis) => at * size + (index[axis] ?? 0), 0)
}

/** The index of a place in the flat values. */
export function unflat(at: number, shape: readonly number[]): number[] {
  const index: number[] = []
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number
    index.unshift(at % size)
    at = Math.floor(at / size)
  }
  return index
}
