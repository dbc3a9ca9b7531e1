// The maps that are on screen. Each tensor asks for the newest run alone and keeps the old picture until that comes, so
// that nothing jumps; of a large tensor only the channels that somebody looks at are asked for.
import { SvelteMap } from 'svelte/reactivity'
import type { Maps, Source } from '../source'
import { Latest } from './latest'

const WHOLE = 300_000 // values that are fetched in one piece
const FIRST = 8 // the strongest maps of a large tensor
const KEPT = 6_000_000 // values of the unedited run that are kept, of all tensors together, to mark what changed

export interface Held {
  readonly run: number
  readonly shape: readonly number[]
  readonly largest: number
  readonly order: readonly number[] // fixed for a picture: tiles keep their places while one paints
  readonly size: number // values of one channel
  readonly channels: ReadonlyMap<number, Float32Array>
  readonly changed: ReadonlySet<number> // channels
  readonly cells: ReadonlySet<number> // places in the flat values of what isn't maps
}

interface Wish {
  readonly run: number
  readonly base: number // the unedited run, that changes are told against
  readonly channels: readonly number[] | null
  readonly strongest: boolean // are wanted, whichever they are in this run; `channels` were shown before
}

export class Tensors {
  readonly held = new SvelteMap<string, Held>()
  readonly failed = new SvelteMap<string, string>()
  readonly #latest = new Map<string, Latest<Wish, Held>>()
  readonly #bases = new Map<string, Held>()
  readonly #asked = new Map<string, number>() // the last run that a whole tensor was asked for: others who want it wait for the same
  readonly #dropped = new Set<string>() // of which there is no room to keep it

  constructor(private readonly source: Source, private readonly values: (name: string) => number) {}

  /** Asks for a tensor's maps of a run, unless they are there. */
  want(run: number, base: number, name: string, channels: readonly number[] | null = null): void {
    const held = this.held.get(name)
    if (held?.run === run && (channels === null || channels.every((channel) => held.channels.has(channel)))) return
    if (this.#isWhole(name)) {
      if (this.#asked.get(name) === run) return
      this.#asked.set(name, run)
    }
    let latest = this.#latest.get(name)
    if (!latest) {
      latest = new Latest((wish: Wish) => this.#fetch(name, wish), (held) => {
        this.failed.delete(name)
        this.held.set(name, held)
      }, (error) => {
        this.#asked.delete(name)
        this.failed.set(name, error instanceof Error ? error.message : String(error))
      })
      this.#latest.set(name, latest)
    }
    const before = held?.channels.size && held.run !== run && channels === null && !this.#isWhole(name) ? [...held.channels.keys()].slice(0, 2 * FIRST) : null
    latest.request({ run, base, channels: channels ?? before, strongest: channels === null })
  }

  /** Another picture: the order of strength may change, and what was kept to compare with is past. */
  forget(): void {
    this.#bases.clear()
    this.#dropped.clear()
  }

  #isWhole(name: string): boolean {
    return this.values(name) <= WHOLE
  }

  async #fetch(name: string, { run, base, channels, strongest }: Wish): Promise<Held> {
    const before = this.held.get(name)
    const found = new Map(before?.run === run ? before.channels : [])
    let head: Maps
    if (this.#isWhole(name)) {
      head = await this.source.maps(run, name)
      cut(head, found)
    } else {
      head = await this.source.maps(run, name, [0, 1])
      cut(head, found)
      const known = this.#bases.get(name)?.order // none for another picture: what was shown before is weak there, maybe
      await this.#add(run, name, channels && (known || !strongest) ? channels : (known ?? head.order).slice(0, FIRST), found)
    }
    const kept = run === base ? this.#bases.get(name) : await this.#unedited(name, base, [...found.keys()])
    const size = sizeOf(head.shape)
    const order = kept?.order ?? head.order
    if (strongest && !this.#isWhole(name)) await this.#add(run, name, order.slice(0, FIRST), found)
    const then = run === base ? undefined : kept
    const held: Held = {
      run, shape: head.shape, largest: head.largest, size, channels: found, order,
      changed: asBefore(before?.changed, differing(found, then)),
      cells: head.shape.length < 3 ? asBefore(before?.cells, differingCells(found, then, size)) : NONE,
    }
    if (run === base) this.#keep(name, held)
    return held
  }

  async #add(run: number, name: string, channels: readonly number[], found: Map<number, Float32Array>): Promise<void> {
    for (const [from, to] of ranges(channels.filter((channel) => !found.has(channel)))) cut(await this.source.maps(run, name, [from, to]), found)
  }

  /** What these channels were before anything was changed. What is seen for the first time since is asked for. */
  async #unedited(name: string, base: number, shown: readonly number[]): Promise<Held | undefined> {
    const kept = this.#bases.get(name)
    const lacking = shown.filter((channel) => !kept?.channels.has(channel))
    if (base < 0 || !lacking.length || this.#dropped.has(name)) return kept
    const channels = new Map(kept?.channels)
    let head: Maps | undefined
    try {
      for (const range of this.#isWhole(name) ? [undefined] : ranges(lacking)) cut((head = await this.source.maps(base, name, range)), channels)
    } catch {
      this.#dropped.add(name) // that run is held no longer: it is asked for once
      return kept
    }
    if (!head || this.#bases.get(name) !== kept) return this.#bases.get(name) // another picture meanwhile
    const { shape, largest, order } = head
    const held: Held = { run: base, shape, largest, size: sizeOf(shape), channels, order: kept?.order ?? order, changed: NONE, cells: NONE }
    this.#keep(name, held)
    return held
  }

  /** What was shown last is kept; the order of strength of the others stays all the same. */
  #keep(name: string, held: Held): void {
    this.#bases.delete(name)
    this.#bases.set(name, held)
    this.#dropped.delete(name)
    let sum = 0
    for (const [other, { channels, size }] of [...this.#bases].reverse()) {
      sum += channels.size * size
      if (sum <= KEPT) continue
      this.#bases.set(other, { ...this.#bases.get(other)!, channels: new Map() })
      this.#dropped.add(other)
    }
  }
}

const NONE: ReadonlySet<number> = new Set()

function sizeOf(shape: readonly number[]): number {
  return shape.slice(1).reduce((a, b) => a * b, 1)
}

function cut(maps: Maps, into: Map<number, Float32Array>): void {
  const size = sizeOf(maps.shape)
  for (let i = 0; i * size < maps.data.length; i++) into.set(maps.from + i, maps.data.subarray(i * size, (i + 1) * size))
}

/** Neighbouring channels as ranges [from, to): one request for each. */
export function ranges(channels: readonly number[]): [number, number][] {
  const made: [number, number][] = []
  for (const channel of [...channels].sort((a, b) => a - b)) {
    const last = made.at(-1)
    if (last && last[1] === channel) last[1] = channel + 1
    else made.push([channel, channel + 1])
  }
  return made
}

/** The set of before where it says the same: what hangs on it then has nothing to do. */
function asBefore(before: ReadonlySet<number> | undefined, now: ReadonlySet<number>): ReadonlySet<number> {
  if (before?.size !== now.size) return now
  for (const one of now) if (!before.has(one)) return now
  return before
}

/** Channels that differ by more than rounding; none where there is nothing to compare with. */
function differing(now: Held['channels'], then: Held | undefined): ReadonlySet<number> {
  const changed = new Set<number>()
  if (!then) return changed
  const enough = roundingOf(then)
  for (const [channel, values] of now) {
    const other = then.channels.get(channel)
    if (other?.some((value, i) => Math.abs(value - (values[i] as number)) > enough)) changed.add(channel)
  }
  return changed
}

/** The same, value by value. */
function differingCells(now: Held['channels'], then: Held | undefined, size: number): ReadonlySet<number> {
  const changed = new Set<number>()
  if (!then) return changed
  const enough = roundingOf(then)
  for (const [channel, values] of now) {
    then.channels.get(channel)?.forEach((value, i) => {
      if (Math.abs(value - (values[i] as number)) > enough) changed.add(channel * size + i)
    })
  }
  return changed
}

function roundingOf({ largest }: Held): number {
  return 1e-5 * Math.max(1e-12, largest)
}
