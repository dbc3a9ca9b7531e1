// The maps that are on screen. Each tensor asks for the newest run alone and keeps the old picture until that comes, so
// that nothing jumps; of a large tensor only the channels that somebody looks at are asked for.
import { SvelteMap } from 'svelte/reactivity'
import type { Maps, Source } from '../source'
import { type Channels, differing, differingPlaces, Several, Whole } from './channels'
import { Latest } from './latest'

const WHOLE = 300_000 // values that are fetched in one piece
const FIRST = 8 // the strongest maps of a large tensor
const KEPT = 6_000_000 // values of the unedited run that are kept, of all tensors together, to mark what changed

/** Channels by their strength. To be asked for where it is needed alone: they are sorted then. */
export type Ranking = Pick<Maps, 'order'>

export interface Held {
  readonly run: number
  readonly shape: readonly number[]
  readonly largest: number
  readonly ranking: Ranking // fixed for a picture: tiles keep their places while one paints
  readonly size: number // values of one channel
  readonly channels: Channels
  readonly changed: ReadonlySet<number> // channels
  readonly cells: readonly number[] // places in the flat values of what isn't maps
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
    let found: Channels
    let head: Maps
    let several: Several | undefined
    if (this.#isWhole(name)) {
      head = await this.source.maps(run, name)
      found = new Whole(head.data, sizeOf(head.shape))
    } else {
      found = several = new Several(before?.run === run ? before.channels : undefined)
      head = await this.#cut(run, name, [0, 1], several)
      const known = this.#bases.get(name)?.ranking.order // none for another picture: what was shown before is weak there, maybe
      await this.#add(run, name, channels && (known || !strongest) ? channels : (known ?? head.order).slice(0, FIRST), several)
    }
    const kept = run === base ? this.#bases.get(name) : await this.#unedited(name, base, found)
    const size = sizeOf(head.shape)
    const ranking = kept?.ranking ?? head
    if (strongest && several) await this.#add(run, name, ranking.order.slice(0, FIRST), several)
    const then = run === base ? undefined : kept?.channels
    const rounding = 1e-5 * Math.max(1e-12, kept?.largest ?? 0)
    const held: Held = {
      run, shape: head.shape, largest: head.largest, size, channels: found, ranking,
      changed: asBefore(before?.changed, differing(found, then, size, rounding)),
      cells: head.shape.length < 3 ? listAsBefore(before?.cells, differingPlaces(found, then, size, rounding)) : NO_CELLS,
    }
    if (run === base) this.#keep(name, held)
    return held
  }

  async #add(run: number, name: string, channels: readonly number[], found: Several): Promise<void> {
    for (const range of ranges(channels.filter((channel) => !found.has(channel)))) await this.#cut(run, name, range, found)
  }

  async #cut(run: number, name: string, range: readonly [number, number], into: Several): Promise<Maps> {
    const maps = await this.source.maps(run, name, range)
    into.add(maps.data, maps.from, sizeOf(maps.shape))
    return maps
  }

  /** What these channels were before anything was changed. What is seen for the first time since is asked for. */
  async #unedited(name: string, base: number, shown: Channels): Promise<Held | undefined> {
    const kept = this.#bases.get(name)
    if (base < 0 || this.#dropped.has(name)) return kept
    const whole = this.#isWhole(name)
    const lacking = whole ? [] : [...shown.keys()].filter((channel) => !kept?.channels.has(channel))
    if (whole ? kept : !lacking.length) return kept
    let channels: Channels
    let head: Maps | undefined
    try {
      if (whole) {
        head = await this.source.maps(base, name)
        channels = new Whole(head.data, sizeOf(head.shape))
      } else {
        const several = new Several(kept?.channels)
        for (const range of ranges(lacking)) head = await this.#cut(base, name, range, several)
        channels = several
      }
    } catch {
      this.#dropped.add(name) // that run is held no longer: it is asked for once
      return kept
    }
    if (!head || this.#bases.get(name) !== kept) return this.#bases.get(name) // another picture meanwhile
    const { shape, largest } = head
    const held: Held = { run: base, shape, largest, size: sizeOf(shape), channels, ranking: kept?.ranking ?? head, changed: NONE, cells: NO_CELLS }
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
      this.#bases.set(other, { ...this.#bases.get(other)!, channels: new Several() })
      this.#dropped.add(other)
    }
  }
}

const NONE: ReadonlySet<number> = new Set()
const NO_CELLS: readonly number[] = []

function sizeOf(shape: readonly number[]): number {
  return shape.slice(1).reduce((a, b) => a * b, 1)
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
function asBefore(before: ReadonlySet<number> | undefined, now: readonly number[]): ReadonlySet<number> {
  return before?.size === now.length && now.every((one) => before.has(one)) ? before : new Set(now)
}

/** The same of a list. */
function listAsBefore(before: readonly number[] | undefined, now: readonly number[]): readonly number[] {
  return before?.length === now.length && now.every((one, n) => before[n] === one) ? before : now
}
