// The maps that are on screen. Each tensor asks for the newest run alone and keeps the old picture until that comes, so
// that nothing jumps; of a large tensor only the channels that somebody looks at are asked for.
import { SvelteMap } from 'svelte/reactivity'
import type { Maps, Source } from '../source'
import { Latest } from './latest'

const WHOLE = 300_000 // values that are fetched in one piece
const FIRST = 8 // the strongest maps of a large tensor
const KEPT = 500_000 // values of a tensor, of the unedited run, that are kept to mark what changed

export interface Held {
  readonly run: number
  readonly shape: readonly number[]
  readonly largest: number
  readonly order: readonly number[] // fixed for a picture: tiles keep their places while one paints
  readonly size: number // values of one channel
  readonly channels: ReadonlyMap<number, Float32Array>
  readonly changed: ReadonlySet<number>
}

interface Wish {
  readonly run: number
  readonly base: number // the unedited run, that changes are told against
  readonly channels: readonly number[] | null // null: the strongest
}

export class Tensors {
  readonly held = new SvelteMap<string, Held>()
  readonly failed = new SvelteMap<string, string>()
  readonly #latest = new Map<string, Latest<Wish, Held>>()
  readonly #bases = new Map<string, Held>()

  constructor(private readonly source: Source, private readonly values: (name: string) => number) {}

  /** Asks for a tensor's maps of a run, unless they are there. */
  want(run: number, base: number, name: string, channels: readonly number[] | null = null): void {
    const held = this.held.get(name)
    if (held?.run === run && (channels === null || channels.every((channel) => held.channels.has(channel)))) return
    let latest = this.#latest.get(name)
    if (!latest) {
      latest = new Latest((wish: Wish) => this.#fetch(name, wish), (held) => {
        this.failed.delete(name)
        this.held.set(name, held)
      }, (error) => {
        this.failed.set(name, error instanceof Error ? error.message : String(error))
      })
      this.#latest.set(name, latest)
    }
    const before = held?.channels.size && held.run !== run && channels === null && !this.#isWhole(name) ? [...held.channels.keys()].slice(0, 2 * FIRST) : null
    latest.request({ run, base, channels: channels ?? before })
  }

  /** Another picture: the order of strength may change, and what was kept to compare with is past. */
  forget(): void {
    this.#bases.clear()
  }

  #isWhole(name: string): boolean {
    return this.values(name) <= WHOLE
  }

  async #fetch(name: string, { run, base, channels }: Wish): Promise<Held> {
    const before = this.held.get(name)
    const found = new Map(before?.run === run ? before.channels : [])
    let head: Maps
    if (this.#isWhole(name)) {
      head = await this.source.maps(run, name)
      cut(head, found)
    } else {
      head = await this.source.maps(run, name, [0, 1])
      cut(head, found)
      const asked = (channels ?? head.order.slice(0, FIRST)).filter((channel) => !found.has(channel))
      for (const [from, to] of ranges(asked)) cut(await this.source.maps(run, name, [from, to]), found)
    }
    const kept = this.#bases.get(name)
    const held: Held = {
      run, shape: head.shape, largest: head.largest, size: sizeOf(head.shape), channels: found,
      order: kept?.order ?? head.order, changed: run === base || !kept ? new Set() : differing(found, kept.channels, kept.largest),
    }
    if (run === base) this.#bases.set(name, held.size * found.size <= KEPT ? held : { ...held, channels: new Map() })
    return held
  }
}

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

/** Channels that differ by more than rounding. */
function differing(now: ReadonlyMap<number, Float32Array>, then: ReadonlyMap<number, Float32Array>, largest: number): Set<number> {
  const changed = new Set<number>()
  const enough = 1e-5 * Math.max(1e-12, largest)
  for (const [channel, values] of now) {
    const other = then.get(channel)
    if (other?.some((value, i) => Math.abs(value - (values[i] as number)) > enough)) changed.add(channel)
  }
  return changed
}
