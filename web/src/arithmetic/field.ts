// The part of the picture that reaches a value: by structure, axis by axis, along every way.
import type { Sets } from './base'
import { isNowhere } from './base'
import { operandsOf } from './level'
import type { State } from './network'

/** What of the tensor `to` reaches these places of the tensor `from`; null: nothing. */
export function reaching(state: State, from: string, sets: Sets, to: string): Sets | null {
  const found = new Map<string, Uint8Array[]>([[from, sets.map((set) => set.slice())]])
  for (let n = state.steps.length - 1; n >= 0; n--) {
    const step = state.steps[n]!
    step.node.outputs.forEach((name, output) => {
      const own = name && name !== to ? found.get(name) : undefined
      if (!own) return
      step.operation.reach(operandsOf(state, step), own, output).forEach((reached, operand) => {
        const source = step.node.inputs[operand]
        if (!reached || !source || isNowhere(reached) || state.constants.has(source)) return
        const known = found.get(source)
        if (!known) found.set(source, reached.map((set) => set.slice()))
        else reached.forEach((set, axis) => set.forEach((marked, place) => marked && (known[axis]![place] = 1)))
      })
    })
  }
  return found.get(to) ?? null
}

export function setsOf(shape: readonly number[], index: readonly number[]): Uint8Array[] {
  return shape.map((n, axis) => {
    const set = new Uint8Array(n)
    set[index[axis]!] = 1
    return set
  })
}

/** First and last marked place; null where there is none. */
export function ends(set: Uint8Array): [first: number, last: number] | null {
  const first = set.indexOf(1)
  return first < 0 ? null : [first, set.lastIndexOf(1)]
}

/** [top, left, bottom, right] of the picture that reaches one value; the last ones exclusive, all 0 for nothing. */
export function fieldOf(state: State, tensor: string, full: readonly number[], picture: string): [number, number, number, number] {
  const { shape } = state.values.get(tensor)!
  const sets = tensor === picture ? setsOf(shape, full) : reaching(state, tensor, setsOf(shape, full), picture)
  const rows = sets ? ends(sets[1]!) : null
  const columns = sets ? ends(sets[2]!) : null
  return rows && columns ? [rows[0], columns[0], rows[1] + 1, columns[1] + 1] : [0, 0, 0, 0]
}
