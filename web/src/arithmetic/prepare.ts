// What stands between a picture and the network, as nodes: the same as model/preprocessing.py writes into a file, with
// the sizes of this picture put in. Names are the file's.
import type { InputDocument, NodeDocument, TensorDocument } from '../types'
import type { Numbers, Tensor } from './tensor'
import { tensor } from './tensor'

export interface Prepared {
  readonly nodes: readonly NodeDocument[]
  readonly constants: ReadonlyMap<string, Tensor>
  readonly tensors: readonly TensorDocument[]
}

const f = Math.fround
const LUMA = [19595, 38470, 7471] // luminance of ITU-R BT.601 in 16-bit fixed point
const WORDS: Readonly<Record<string, string>> = {
  Resize: 'resize', Pad: 'padding', Slice: 'slice', Expand: 'expand', Cast: 'change of number type',
  Mul: 'multiplication', ReduceSum: 'sum over axes', Add: 'addition', Div: 'division', Transpose: 'transpose',
  Gather: 'gather', Identity: 'identity',
}

/** The nodes for pictures of this size. */
export function prepare(input: InputDocument, height: number, width: number, channels: number): Prepared {
  const nodes: NodeDocument[] = []
  const constants = new Map<string, Tensor>()
  const tensors: TensorDocument[] = []
  const named = (name: string) => input.renamed[name] ?? name

  const made = (name: string, full: number[], dtype: string, tensorName: string, last = true) => {
    tensors.push({
      tensor: tensorName, name, shape: full.slice(1), full, batch: true,
      axes: last ? ['row', 'column', 'channel'] : ['channel', 'row', 'column'], channel_last: last, dtype,
      values: full.reduce((n, size) => n * size, 1),
    })
  }
  const constant = (name: string, shape: number[], dtype: string, values: readonly number[]) => {
    const found = tensor(shape, dtype)
    found.data.set(values)
    constants.set(named(name), found)
    return name
  }
  const add = (
    type: string, operation: string, attributes: NodeDocument['attributes'], inputs: readonly string[], output: string,
    full: number[], dtype: string, name = output, last = true,
  ) => {
    const target = output === input.input ? output : named(output)
    nodes.push({
      name, kind: WORDS[type]!, type, operation, attributes, inputs: inputs.map(named), outputs: [target], aliases: [],
      unknown: null,
    })
    made(name, full, dtype, target, last)
    return output
  }

  made(input.picture, [1, height, width, channels], 'uint8', input.picture)
  const source = fitted(input, [height, width], channels, add)
  const [h, w] = [input.height, input.width]
  let last: string
  if (input.channels === 3) {
    last = add('Expand', 'movement.Expand', { shape: [1, 1, 1, 3] }, [source], 'pixels', [1, h, w, 3], 'uint8')
  } else {
    const colour = [1, h, w, 3]
    const grey = [1, h, w, 1]
    add('Expand', 'movement.Expand', { shape: [1, 1, 1, 3] }, [source], 'grey/colour', colour, 'uint8')
    add('Cast', 'pointwise.Cast', { to: 'int32', limit: null }, ['grey/colour'], 'grey/whole', colour, 'int32')
    const luma = constant('grey/luma', [3], 'int32', LUMA)
    add('Mul', 'elementwise.Multiplication', { tail: 0 }, ['grey/whole', luma], 'grey/weighted', colour, 'int32')
    add('ReduceSum', 'reduction.Sum', { axes: [3], keep: true, mean: false }, ['grey/weighted'], 'grey/sum', grey, 'int32')
    const half = constant('grey/half', [], 'int32', [1 << 15])
    add('Add', 'elementwise.Addition', { tail: 0, sign: 1 }, ['grey/sum', half], 'grey/rounded', grey, 'int32')
    const whole = constant('grey/one', [], 'int32', [1 << 16])
    add('Div', 'elementwise.Division', { tail: 0 }, ['grey/rounded', whole], 'grey/shifted', grey, 'int32')
    last = add('Cast', 'pointwise.Cast', { to: 'uint8', limit: null }, ['grey/shifted'], 'pixels', grey, 'uint8')
  }
  const full = [1, h, w, input.channels]
  if (input.bgr && input.channels === 3) {
    last = add('Gather', 'movement.Gather', { axis: 3, indices: [2, 1, 0], shape: [3] }, [last], 'bgr', full, 'uint8')
  }
  if (!input.raw) {
    const count = input.channels
    const scale = constant('normalise/scale', [count], 'float32', input.scale)
    const shift = constant('normalise/shift', [count], 'float32', input.shift)
    add('Cast', 'pointwise.Cast', { to: 'float32', limit: null }, [last], 'normalise/float', full, 'float32')
    add('Mul', 'elementwise.Multiplication', { tail: 0 }, ['normalise/float', scale], 'normalise/scaled', full, 'float32')
    last = add('Add', 'elementwise.Addition', { tail: 0, sign: 1 }, ['normalise/scaled', shift], 'normalise', full, 'float32')
  }
  const dtype = input.raw ? 'uint8' : 'float32'
  if (input.channel_last) {
    add('Identity', 'movement.Identity', {}, [last], input.input, full, dtype)
  } else {
    const first = [1, input.channels, h, w]
    add('Transpose', 'movement.Transpose', { permutation: [0, 3, 1, 2] }, [last], input.input, first, dtype, input.input, false)
  }
  return { nodes, constants, tensors }
}

type Add = (
  type: string, operation: string, attributes: NodeDocument['attributes'], inputs: readonly string[], output: string,
  full: number[], dtype: string, name?: string,
) => string

/** The picture brought to the network's size: stretched, or by one factor and then padded or cropped. */
function fitted(input: InputDocument, old: readonly [number, number], channels: number, add: Add): string {
  const target = [input.height, input.width] as const
  if (input.fit === 'stretch') return resized(old, target, channels, 'resized', add)
  const factors = old.map((n, axis) => f(f(target[axis]!) / f(n)))
  const factor = input.fit === 'pad' ? Math.min(...factors) : Math.max(...factors)
  const sides = old.map((n) => Math.floor(f(f(f(n) * factor) + 0.5)))
  const size = sides.map((n, axis) => {
    return input.fit === 'pad' ? Math.max(Math.min(n, target[axis]!), 1) : Math.max(n, target[axis]!)
  }) as [number, number]
  resized(old, size, channels, 'fit/resized', add)
  const full = [1, ...target, channels]
  if (input.fit === 'pad') {
    const pads = target.map((n, axis) => {
      const spare = n - size[axis]!
      const before = Math.trunc(spare / 2)
      return [before, spare - before]
    })
    const attributes = { pads: [[0, 0], ...pads, [0, 0]], mode: 'edge', value: 0 }
    return add('Pad', 'movement.Pad', attributes, ['fit/resized'], 'resized', full, 'uint8')
  }
  const slices = target.map((n, axis) => {
    const before = Math.trunc((size[axis]! - n) / 2)
    return [axis + 1, before, before + n, 1]
  })
  return add('Slice', 'movement.Slice', { slices }, ['fit/resized'], 'resized', full, 'uint8')
}

function resized(
  old: readonly number[], size: readonly number[], channels: number, output: string, add: Add,
): string {
  const from = [1, ...old, channels]
  const to = [1, ...size, channels]
  const same = from.every((n, axis) => n === to[axis])
  const axes = from.map((n, axis) => ({
    old: n, new: to[axis]!, scale: same ? 1 : f(f(to[axis]!) / f(n)), mode: 'linear', coordinates: 'half_pixel',
    nearest: 'round_prefer_floor', cubic_a: -0.75, exclude_outside: true, antialias: true, region: [0, 1],
  }))
  return add('Resize', 'resizing.Resize', { axes, extrapolation: 0 }, ['image'], output, to, 'uint8', 'resize')
}

/** A picture's pixels as the tensor that the file takes. */
export function pictureTensor(height: number, width: number, channels: number, data: Numbers): Tensor {
  return tensor([1, height, width, channels], 'uint8', data)
}
