// What merely moves values. Each kind says, for every value of its result, which value it is: its route.
import type { Attributes, Operands, Operation, Sets } from '../base'
import { linear, marked, needed, range, reshaped } from '../base'
import type { Index, Shape, Tensor } from '../tensor'
import { broadcast, ravel, sizeOf, strided, stridesOf, tensor, unravel } from '../tensor'

interface Route {
  readonly shape: readonly number[]
  /** For each value of the result its place in all operands, flattened and put one after another; -1: the constant. */
  readonly places: Int32Array
}

type Way = (shapes: readonly Shape[], output: number) => Route

function movement(way: Way, count: (shapes: readonly Shape[]) => number, constant = 0): Operation {
  const known = new Map<string, Route>()
  function routeOf(operands: Operands, output: number): Route {
    const shapes = operands.map((_, number) => needed(operands, number).shape)
    const key = `${output}:${shapes.map((shape) => shape.join('x')).join(',')}`
    let route = known.get(key)
    if (!route) {
      route = way(shapes, output)
      if (known.size > 16) known.clear()
      known.set(key, route)
    }
    return route
  }
  function starts(operands: Operands): number[] {
    const found = [0]
    operands.forEach((_, number) => found.push(found[number]! + sizeOf(needed(operands, number).shape)))
    return found
  }
  return {
    forward(operands: Operands) {
      const first = needed(operands, 0)
      const from = starts(operands)
      return range(count(operands.map((_, n) => needed(operands, n).shape))).map((output) => {
        const route = routeOf(operands, output)
        const result = tensor(route.shape, first.dtype)
        for (let i = 0; i < route.places.length; i++) {
          let place = route.places[i]!
          if (place < 0) {
            result.data[i] = constant
            continue
          }
          let operand = 0
          while (place >= from[operand + 1]!) operand++
          place -= from[operand]!
          result.data[i] = operands[operand]!.data[place]!
        }
        return result
      })
    },
    open(operands: Operands, index: Index, output: number) {
      const route = routeOf(operands, output)
      let place = route.places[ravel(route.shape, index)]!
      if (place < 0) return linear([], { bias: constant })
      const from = starts(operands)
      let operand = 0
      while (place >= from[operand + 1]!) operand++
      place -= from[operand]!
      const x = needed(operands, operand)
      return linear([moved(operand, x, unravel(x.shape, place))])
    },
    reach(operands: Operands, sets: Sets, output: number) {
      const route = routeOf(operands, output)
      const from = starts(operands)
      const found = operands.map((_, n) => needed(operands, n).shape.map((size) => new Uint8Array(size)))
      const axes = sets.map(marked)
      const total = axes.reduce((n, axis) => n * axis.length, 1)
      const at = new Array<number>(axes.length).fill(0)
      for (let n = 0; n < total; n++) {
        let flat = 0
        for (let axis = 0; axis < axes.length; axis++) flat = flat * sets[axis]!.length + axes[axis]![at[axis]!]!
        let place = route.places[flat]!
        if (place >= 0) {
          let operand = 0
          while (place >= from[operand + 1]!) operand++
          place -= from[operand]!
          const shape = operands[operand]!.shape
          for (let axis = shape.length - 1; axis >= 0; axis--) {
            found[operand]![axis]![place % shape[axis]!] = 1
            place = Math.floor(place / shape[axis]!)
          }
        }
        for (let axis = axes.length - 1; axis >= 0; axis--) {
          if (++at[axis]! < axes[axis]!.length) break
          at[axis] = 0
        }
      }
      return found
    },
    backward(operands: Operands, _result: Tensor, gradient: Float64Array) {
      const route = routeOf(operands, 0)
      const from = starts(operands)
      const found = operands.map((_, n) => new Float64Array(sizeOf(needed(operands, n).shape)))
      for (let i = 0; i < gradient.length; i++) {
        let place = route.places[i]!
        if (place < 0) continue
        let operand = 0
        while (place >= from[operand + 1]!) operand++
        place -= from[operand]!
        found[operand]![place]! += gradient[i]!
      }
      return found
    },
  }
}

function moved(operand: number, x: Tensor, place: Index) {
  return {
    operand, rank: x.shape.length, index: Int32Array.from(place), values: Float64Array.of(x.data[ravel(x.shape, place)]!),
    weights: null, weightOperand: null, weightRank: 0, weightIndex: null, role: 'x',
  }
}

/** On each axis, the operand's place under each place of the result, or -1. */
function byAxes(maps: readonly (readonly number[])[], shape: Shape): Route {
  const result = maps.map((map) => map.length)
  const strides = stridesOf(shape)
  const places = new Int32Array(sizeOf(result))
  const index = new Array<number>(result.length).fill(0)
  for (let n = 0; n < places.length; n++) {
    let place = 0
    for (let axis = 0; axis < index.length; axis++) {
      const own = maps[axis]![index[axis]!]!
      if (own < 0) {
        place = -1
        break
      }
      place += own * strides[axis]!
    }
    places[n] = place
    for (let axis = index.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < result[axis]!) break
      index[axis] = 0
    }
  }
  return { shape: result, places }
}

const ONE = () => 1

/** The same values in another shape: nothing is copied. */
function inPlace(shapeOf: (shape: Shape) => number[]): Operation {
  return {
    forward(operands: Operands) {
      const x = needed(operands, 0)
      return [{ shape: shapeOf(x.shape), dtype: x.dtype, data: x.data }]
    },
    open(operands: Operands, index: Index) {
      const x = needed(operands, 0)
      return linear([moved(0, x, unravel(x.shape, ravel(shapeOf(x.shape), index)))])
    },
    reach(operands: Operands, sets: Sets) {
      return [reshaped(sets, needed(operands, 0).shape)]
    },
    backward(_operands: Operands, _result: Tensor, gradient: Float64Array) {
      return [gradient]
    },
  }
}

export function identity(): Operation {
  const same = inPlace((shape) => [...shape])
  return {
    ...same,
    forward(operands: Operands) {
      const x = needed(operands, 0)
      const mask = { shape: x.shape, dtype: 'bool', data: new Float64Array(x.data.length).fill(1) }
      return [x, mask]
    },
    open(operands: Operands, index: Index, output: number) {
      return output ? linear([], { bias: 1 }) : same.open(operands, index, output)
    },
  }
}

export function reshape(attributes: Attributes): Operation {
  const wanted = attributes['shape'] as number[]
  const zero = Boolean(attributes['allow_zero'])
  return inPlace((old) => {
    const shape = wanted.map((n, axis) => (n || zero ? n : old[axis]!))
    const open = shape.indexOf(-1)
    if (open >= 0) shape[open] = sizeOf(old) / shape.reduce((n, size) => (size < 0 ? n : n * size), 1)
    return shape
  })
}

export function transpose(attributes: Attributes): Operation {
  const order = attributes['permutation'] as number[]
  const general = movement(([shape]) => {
    const strides = stridesOf(shape!)
    const made = order.map((axis) => shape![axis]!)
    return { shape: made, places: strided(made, order.map((axis) => strides[axis]!)) }
  }, ONE)
  return {
    ...general,
    reach(_operands: Operands, sets: Sets) {
      const found = new Array<Uint8Array>(sets.length)
      order.forEach((axis, at) => (found[axis] = sets[at]!.slice()))
      return [found]
    },
  }
}

/** An operation that treats every axis by itself. */
function axisByAxis(mapsOf: (shape: Shape, output: number) => number[][], count: () => number, constant = 0): Operation {
  const general = movement(([shape], output) => byAxes(mapsOf(shape!, output), shape!), count, constant)
  return {
    ...general,
    reach(operands: Operands, sets: Sets, output: number) {
      const { shape } = needed(operands, 0)
      const found = shape.map((n) => new Uint8Array(n))
      mapsOf(shape, output).forEach((map, axis) => {
        map.forEach((place, at) => {
          if (place >= 0 && sets[axis]![at]) found[axis]![place] = 1
        })
      })
      return [found]
    },
  }
}

export function slice(attributes: Attributes): Operation {
  const slices = attributes['slices'] as [number, number, number | null, number][]
  return axisByAxis((shape) => {
    const maps = shape.map((n) => range(n))
    for (const [axis, first, end, step] of slices) {
      const own: number[] = []
      const n = shape[axis]!
      if (step > 0) for (let i = first; i < Math.min(end ?? n, n); i += step) own.push(i)
      else for (let i = Math.min(first, n - 1); i > (end ?? -1); i += step) own.push(i)
      maps[axis] = own
    }
    return maps
  }, ONE)
}

export function gather(attributes: Attributes): Operation {
  const axis = attributes['axis'] as number
  const indices = attributes['indices'] as number[]
  const shape = attributes['shape'] as number[]
  return movement(([from]) => {
    const at = axis < 0 ? axis + from!.length : axis
    const maps = from!.map((n, each) => (each === at ? indices.map((i) => (i < 0 ? i + n : i)) : range(n)))
    const route = byAxes(maps, from!)
    return { shape: [...from!.slice(0, at), ...shape, ...from!.slice(at + 1)], places: route.places }
  }, ONE)
}

export function gatherElements(attributes: Attributes): Operation {
  const indices = attributes['indices'] as number[]
  const shape = attributes['shape'] as number[]
  const axis = (attributes['axis'] as number) < 0 ? (attributes['axis'] as number) + shape.length : (attributes['axis'] as number)
  return movement(([from]) => {
    const places = Int32Array.from(indices, (own, n) => {
      const index = unravel(shape, n)
      index[axis] = own
      return ravel(from!, index)
    })
    return { shape, places }
  }, ONE)
}

export function concat(attributes: Attributes): Operation {
  const given = attributes['axis'] as number
  const at = (rank: number) => (given < 0 ? given + rank : given)
  const general = movement((shapes) => {
    const axis = at(shapes[0]!.length)
    const shape = [...shapes[0]!]
    shape[axis] = shapes.reduce((n, each) => n + each[axis]!, 0)
    const places = new Int32Array(sizeOf(shape))
    const inner = sizeOf(shape.slice(axis + 1))
    const outer = sizeOf(shape.slice(0, axis))
    let before = 0
    let begin = 0
    for (const each of shapes) {
      const run = each[axis]! * inner
      for (let o = 0; o < outer; o++) {
        const to = o * shape[axis]! * inner + before
        for (let i = 0; i < run; i++) places[to + i] = begin + o * run + i
      }
      before += run
      begin += sizeOf(each)
    }
    return { shape, places }
  }, ONE)
  return {
    ...general,
    reach(operands: Operands, sets: Sets) {
      const axis = at(sets.length)
      let before = 0
      return operands.map((_, number) => {
        const n = needed(operands, number).shape[axis]!
        const found = sets.map((set) => set.slice())
        found[axis] = sets[axis]!.slice(before, before + n)
        before += n
        return found[axis].includes(1) ? found : null
      })
    },
  }
}

export function split(attributes: Attributes): Operation {
  const sizes = attributes['sizes'] as number[]
  const given = attributes['axis'] as number
  return axisByAxis((shape, output) => {
    const axis = given < 0 ? given + shape.length : given
    const before = sizes.slice(0, output).reduce((n, size) => n + size, 0)
    return shape.map((n, each) => (each === axis ? range(sizes[output]!, before) : range(n)))
  }, () => sizes.length)
}

export function pad(attributes: Attributes): Operation {
  const pads = attributes['pads'] as [number, number][]
  const mode = attributes['mode'] as string
  const value = attributes['value'] as number
  return axisByAxis((shape) => shape.map((size, axis) => {
    const [before, after] = pads[axis]!
    const first = Math.max(-before, 0)
    const n = size - first - Math.max(-after, 0)
    const found: number[] = []
    for (let i = -Math.max(before, 0); i < n + Math.max(after, 0); i++) found.push(beyond(i, n, mode, first))
    return found
  }), ONE, value)
}

/** The place that stands at i of a line of n, by the mode of padding. */
function beyond(i: number, n: number, mode: string, first: number): number {
  if (i >= 0 && i < n) return first + i
  if (mode === 'constant') return -1
  if (mode === 'edge') return first + (i < 0 ? 0 : n - 1)
  if (mode === 'wrap') return first + (((i % n) + n) % n)
  if (n === 1) return first
  const period = 2 * (n - 1)
  const folded = ((i % period) + period) % period
  return first + (folded < n ? folded : period - folded)
}

export function expand(attributes: Attributes): Operation {
  const shape = attributes['shape'] as number[]
  return movement(([from]) => {
    const made = broadcast([from!, shape])
    const strides = stridesOf(from!)
    const spare = made.length - from!.length
    const steps = made.map((_, axis) => (axis < spare || from![axis - spare] === 1 ? 0 : strides[axis - spare]!))
    return { shape: made, places: strided(made, steps) }
  }, ONE)
}

export function tile(attributes: Attributes): Operation {
  const repeats = attributes['repeats'] as number[]
  return axisByAxis((shape) => shape.map((n, axis) => range(n * repeats[axis]!).map((i) => i % n)), ONE)
}

export function depthToSpace(attributes: Attributes): Operation {
  const b = attributes['block'] as number
  const slower = attributes['order'] === 'DCR'
  return movement(([from]) => {
    const [n, channels, h, w] = from as [number, number, number, number]
    const depth = channels / b ** 2
    const plane = h * w
    // Axes of the result: n, depth, h, b, w, b; how far each moves among the channels and places.
    const steps = slower
      ? [channels * plane, plane, w, b * depth * plane, 1, depth * plane]
      : [channels * plane, b * b * plane, w, b * plane, 1, plane]
    return { shape: [n, depth, h * b, w * b], places: strided([n, depth, h, b, w, b], steps) }
  }, ONE)
}

export function spaceToDepth(attributes: Attributes): Operation {
  const b = attributes['block'] as number
  const slower = attributes['order'] === 'DCR'
  return movement(([from]) => {
    const [n, channels, h, w] = from as [number, number, number, number]
    const plane = h * w
    const [rows, columns] = [h / b, w / b]
    const shape = slower ? [n, b, b, channels, rows, columns] : [n, channels, b, b, rows, columns]
    const steps = slower
      ? [channels * plane, w, 1, plane, b * w, b]
      : [channels * plane, plane, w, 1, b * w, b]
    return { shape: [n, channels * b * b, rows, columns], places: strided(shape, steps) }
  }, ONE)
}
