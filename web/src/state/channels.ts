// A tensor's values, channel by channel. A small tensor comes whole and stays the one array that it is: hundreds of
// channels cut out and listed anew with each piece of a stroke were a fifth of what the browser had to clear away after it.

export interface Channels {
  readonly size: number
  has(channel: number): boolean
  get(channel: number): Float32Array | undefined
  keys(): Iterable<number>
  /** The array that holds a channel, and where in it the channel begins. */
  holder(channel: number): Float32Array | undefined
  offset(channel: number): number
}

/** All channels, of `area` values each. */
export class Whole implements Channels {
  readonly size: number

  constructor(private readonly values: Float32Array, private readonly area: number) {
    this.size = area ? Math.floor(values.length / area) : 0
  }

  has(channel: number): boolean {
    return channel >= 0 && channel < this.size
  }

  get(channel: number): Float32Array | undefined {
    return this.has(channel) ? this.values.subarray(this.offset(channel), this.offset(channel + 1)) : undefined
  }

  keys(): Iterable<number> {
    return upTo(this.size)
  }

  holder(channel: number): Float32Array | undefined {
    return this.has(channel) ? this.values : undefined
  }

  offset(channel: number): number {
    return channel * this.area
  }
}

const COUNTED = new Map<number, readonly number[]>() // as many as there are sizes of layers

function upTo(count: number): readonly number[] {
  let found = COUNTED.get(count)
  if (!found) COUNTED.set(count, (found = Array.from({ length: count }, (_, i) => i)))
  return found
}

/** Those that somebody looks at. */
export class Several extends Map<number, Float32Array> implements Channels {
  constructor(others?: Channels) {
    super()
    for (const channel of others?.keys() ?? []) this.set(channel, others?.get(channel) as Float32Array)
  }

  /** Takes `values` apart, whose first channel is `from`. */
  add(values: Float32Array, from: number, area: number): void {
    for (let i = 0; i * area < values.length; i++) this.set(from + i, values.subarray(i * area, (i + 1) * area))
  }

  holder(channel: number): Float32Array | undefined {
    return this.get(channel)
  }

  offset(): number {
    return 0
  }
}

/** Channels that differ by more than `enough`. Of what either side lacks nothing is said. */
export function differing(now: Channels, then: Channels | undefined, area: number, enough: number): readonly number[] {
  const found: number[] = []
  for (const channel of then ? now.keys() : []) if (apart(now, then!, channel, 0, area, enough) >= 0) found.push(channel)
  return found
}

/** The same, value by value: places in the flat values. */
export function differingPlaces(now: Channels, then: Channels | undefined, area: number, enough: number): readonly number[] {
  const found: number[] = []
  for (const channel of then ? now.keys() : []) {
    for (let i = -1; (i = apart(now, then!, channel, i + 1, area, enough)) >= 0;) found.push(channel * area + i)
  }
  return found
}

/** The first place of a channel, from `begin` on, that differs by more than `enough`; -1 where none does. */
function apart(now: Channels, then: Channels, channel: number, begin: number, area: number, enough: number): number {
  const [values, others] = [now.holder(channel), then.holder(channel)]
  if (!values || !others) return -1
  const [from, to] = [now.offset(channel), then.offset(channel)]
  for (let i = begin; i < area; i++) if (Math.abs(values[from + i]! - others[to + i]!) > enough) return i
  return -1
}
