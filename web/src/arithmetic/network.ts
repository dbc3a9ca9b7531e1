// A network that computes: the graph document with its weights. One run gives every value; what an edit leaves as it
// was isn't computed again, as each node remembers what its last inputs came to.
import type { Edits, Picture } from '../source'
import type { GraphDocument, NodeDocument, TensorDocument, WeightDocument } from '../types'
import type { Attributes, Operands, Operation } from './base'
import { OPERATIONS, operationOf } from './operations'
import { pictureTensor, prepare } from './prepare'
import type { Numbers, Tensor } from './tensor'
import { ravel, sizeOf, tensor } from './tensor'

export interface Step {
  readonly node: NodeDocument
  readonly operation: Operation
}

/** One run: every tensor by its name in the file, and what made it. */
export interface State {
  readonly values: ReadonlyMap<string, Tensor>
  readonly steps: readonly Step[]
  readonly constants: ReadonlyMap<string, Tensor>
  readonly tensors: ReadonlyMap<string, TensorDocument>
  readonly maker: ReadonlyMap<string, { step: Step; output: number }>
  readonly picture: Picture
  readonly off: ReadonlyMap<string, ReadonlySet<number>>
  readonly probabilities: readonly number[]
  readonly logits: readonly number[] | null
}

/** What is the same for all pictures of one size. */
interface Ready {
  readonly steps: readonly Step[]
  readonly constants: ReadonlyMap<string, Tensor> // of the preprocessing
  readonly whole: ReadonlyMap<string, Tensor> // with the file's own
  readonly tensors: ReadonlyMap<string, TensorDocument>
}

interface Remembered {
  readonly operation: Operation
  readonly inputs: readonly (Tensor | null)[]
  readonly off: string
  readonly outputs: readonly Tensor[]
}

const REMEMBERED = 2 // what each node's last inputs came to: before an edit and after it
// Narrower floats are rounded in ways of their own, which whoever has the runtime shows exactly.
const KEPT_TYPES = new Set(['float32', 'float64', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'bool'])
const SIZES = 4 // of pictures whose preprocessing is kept

export class Network {
  readonly document: GraphDocument
  readonly weights: ReadonlyMap<string, WeightDocument>
  readonly names: ReadonlyMap<string, string> // the name on the screen -> the tensor
  private readonly constants: ReadonlyMap<string, Tensor>
  private readonly steps: readonly Step[]
  private readonly prepared = new Map<string, Ready>()
  private readonly memory = new Map<string, Remembered[]>()
  private readonly snapshots = new Map<number, ReadonlyMap<string, Tensor>>()
  private readonly edited = new Map<string, { key: string; tensor: Tensor }>()
  private lastPicture: Tensor | null = null

  constructor(document: GraphDocument, weights: ArrayBuffer) {
    this.document = document
    this.constants = new Map(document.weights.map((about) => [about.tensor, constantOf(about, weights)]))
    this.weights = new Map(document.weights.map((about) => [about.tensor, about]))
    this.steps = document.nodes.map(stepOf)
    const names = new Map<string, string>()
    for (const about of document.tensors) names.set(about.tensor, about.tensor)
    for (const about of document.weights) names.set(about.tensor, about.tensor)
    for (const about of document.tensors) names.set(about.name, about.tensor)
    this.names = names
  }

  /** A kept epoch's weights: float16, each at half its offset. */
  addSnapshot(epoch: number, bytes: ArrayBuffer): void {
    const half = new Uint16Array(bytes)
    const found = new Map<string, Tensor>()
    for (const about of this.document.weights) {
      if (!about.replayed) continue
      const data = new Float32Array(sizeOf(about.shape))
      const from = about.offset / 4
      for (let i = 0; i < data.length; i++) data[i] = fromHalf(half[from + i]!)
      found.set(about.tensor, tensor(about.shape, about.dtype, data))
    }
    this.snapshots.set(epoch, found)
  }

  hasSnapshot(epoch: number): boolean {
    return this.snapshots.has(epoch)
  }

  /** The weights with these edits. */
  constantsOf(edits?: Edits): ReadonlyMap<string, Tensor> {
    const epoch = edits?.epoch
    if (epoch === undefined && !edits?.weights?.length) return this.constants
    const found = new Map(this.constants)
    if (epoch !== undefined) {
      const own = this.snapshots.get(epoch)
      if (!own) throw new Error(`There are no weights of epoch ${epoch} here.`)
      for (const [name, values] of own) found.set(name, values)
    }
    const changes = new Map<string, { index: readonly number[]; value: number }[]>()
    for (const { name, index, value } of edits?.weights ?? []) {
      const at = this.names.get(name) ?? name
      if (!found.has(at)) throw new Error(`There is no weight called ${name}.`)
      changes.set(at, [...(changes.get(at) ?? []), { index, value }])
    }
    for (const [name, list] of changes) {
      const before = found.get(name)!
      const key = JSON.stringify([epoch ?? null, list])
      const known = this.edited.get(name)
      if (known?.key === key) {
        found.set(name, known.tensor)
        continue
      }
      const data = before.data.slice() as Numbers
      for (const { index, value } of list) data[ravel(before.shape, index)] = value
      const changed = tensor(before.shape, before.dtype, data)
      this.edited.set(name, { key, tensor: changed })
      found.set(name, changed)
    }
    return found
  }

  private preparedFor(picture: Picture): Ready {
    const key = `${picture.height}x${picture.width}x${picture.channels}`
    let found = this.prepared.get(key)
    if (!found) {
      const prepared = prepare(this.document.input, picture.height, picture.width, picture.channels)
      found = {
        steps: [...prepared.nodes.map(stepOf), ...this.steps],
        constants: prepared.constants,
        whole: new Map([...prepared.constants, ...this.constants]),
        tensors: new Map([...prepared.tensors, ...this.document.tensors].map((about) => [about.tensor, about])),
      }
      if (this.prepared.size >= SIZES) this.prepared.clear()
      this.prepared.set(key, found)
    }
    return found
  }

  /** The same tensor for the same pixels, so that what follows from it is remembered. */
  private taken(picture: Picture): Tensor {
    const last = this.lastPicture
    const same = last && last.shape[1] === picture.height && last.shape[2] === picture.width &&
      last.shape[3] === picture.channels && equal(last.data, picture.data)
    if (last && same) return last
    return (this.lastPicture = pictureTensor(picture.height, picture.width, picture.channels, picture.data.slice()))
  }

  /** A forward pass, piece by piece. */
  *run(given: Picture, edits?: Edits, remember = true): Generator<void, State> {
    const picture = edits?.pixels ?? given
    const { steps, tensors, ...ready } = this.preparedFor(picture)
    const own = this.constantsOf(edits)
    const constants = own === this.constants ? ready.whole : new Map([...ready.constants, ...own])
    const off = this.offOf(edits)
    const values = new Map<string, Tensor>(constants)
    const maker = new Map<string, { step: Step; output: number }>()
    values.set(this.document.input.picture, remember
      ? this.taken(picture)
      : pictureTensor(picture.height, picture.width, picture.channels, picture.data))
    for (const step of steps) {
      const outputs = yield* this.compute(step, values, off, remember)
      step.node.outputs.forEach((name, output) => {
        if (!name) return
        values.set(name, outputs[output]!)
        maker.set(name, { step, output })
      })
      yield
    }
    const raw = values.get(this.document.answer.probabilities)
    if (!raw) throw new Error('The network has no answer.')
    const { scores, logits, ending } = this.document.answer
    return {
      values, steps, constants, tensors, maker, picture, off,
      probabilities: probabilitiesOf(raw.data, ending),
      logits: logits && scores ? Array.from(values.get(scores)!.data) : ending === 'softmax' ? Array.from(raw.data) : null,
    }
  }

  private offOf(edits?: Edits): ReadonlyMap<string, ReadonlySet<number>> {
    const found = new Map<string, Set<number>>()
    for (const { name, channel } of edits?.off ?? []) {
      const at = this.names.get(name)
      if (!at) throw new Error(`There is no layer called ${name}.`)
      found.set(at, (found.get(at) ?? new Set()).add(channel))
    }
    return found
  }

  private *compute(
    step: Step, values: ReadonlyMap<string, Tensor>, off: ReadonlyMap<string, ReadonlySet<number>>, remember: boolean,
  ): Generator<void, readonly Tensor[]> {
    const { node, operation } = step
    const inputs: Operands = node.inputs.map((name) => (name ? values.get(name) ?? null : null))
    const key = node.outputs.map((name) => [...(off.get(name) ?? [])].sort((a, b) => a - b).join(',')).join(';')
    const known = this.memory.get(node.name) ?? []
    const found = known.find((each) =>
      each.operation === operation && each.off === key && each.inputs.every((input, n) => input === inputs[n]))
    if (found) return found.outputs
    const before = known[0] // the last run, which most of a stroke leaves as it was
    const [first, ...others] = inputs
    const close = operation.again && before?.operation === operation && before.off === key && first &&
      sameKind(first, before.inputs[0]!) && others.every((input, n) => input === before.inputs[n + 1])
    const made = close ? operation.again!(inputs, before.inputs[0]!, before.outputs) : operation.forward(inputs)
    const whole = Array.isArray(made) ? made : yield* made
    const outputs = whole.map((result, n) => without(result, off.get(node.outputs[n] ?? '')))
    if (remember) {
      this.memory.set(node.name, [{ operation, inputs, off: key, outputs }, ...known].slice(0, REMEMBERED))
    }
    return outputs
  }
}

/** The operations of a document that aren't computed here, in words. */
export function unsupported(document: GraphDocument): string[] {
  const found = document.nodes.filter((node) => {
    if (!node.operation || !(node.operation in OPERATIONS)) return true
    try {
      operationOf(node.operation, node.attributes as Attributes)
    } catch {
      return true
    }
    const kernel = node.attributes['kernel']
    return Array.isArray(kernel) && kernel.length > 2
  })
  const narrow = document.tensors.filter((about) => !KEPT_TYPES.has(about.dtype))
  return [...found.map((node) => `${node.name} (${node.kind})`), ...narrow.map((about) => `${about.name} (${about.dtype})`)]
}

/** Runs a generator to its end. */
export function finish<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

function equal(a: Numbers, b: Numbers): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return a.length === b.length
}

function sameKind(a: Tensor, b: Tensor): boolean {
  return a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((n, axis) => n === b.shape[axis])
}

function stepOf(node: NodeDocument): Step {
  if (!node.operation) throw new Error(`${node.name}: ${node.unknown ?? 'it is not known'}`)
  return { node, operation: operationOf(node.operation, node.attributes as Attributes) }
}

function constantOf(about: WeightDocument, bytes: ArrayBuffer): Tensor {
  const size = sizeOf(about.shape)
  const values = about.stored === 'float32' ? new Float32Array(bytes, about.offset, size) : new Float64Array(bytes, about.offset, size)
  return tensor(about.shape, about.dtype, values)
}

function without(result: Tensor, channels: ReadonlySet<number> | undefined): Tensor {
  if (!channels?.size) return result
  const data = result.data.slice() as Numbers
  const axis = result.shape.length > 1 ? 1 : 0
  const area = sizeOf(result.shape.slice(axis + 1))
  for (const channel of channels) data.fill(0, channel * area, (channel + 1) * area)
  return tensor(result.shape, result.dtype, data)
}

function probabilitiesOf(values: ArrayLike<number>, ending: GraphDocument['answer']['ending']): number[] {
  const list = Array.from(values)
  if (ending === '') return list
  if (ending === 'divided by their sum') {
    const sum = Math.max(list.reduce((n, value) => n + value, 0), 1e-30)
    return list.map((value) => value / sum)
  }
  const top = list.reduce((best, value) => Math.max(best, value), -Infinity)
  const powers = list.map((value) => Math.exp(value - top))
  const sum = powers.reduce((n, value) => n + value, 0)
  return powers.map((value) => value / sum)
}

/** A float16's bits as a number. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
