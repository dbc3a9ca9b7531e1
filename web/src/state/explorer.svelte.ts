// What is open: the picture, its run, the trail, what was changed by hand. Views read this and call its methods; it alone
// speaks to the source for them.
import type { Edits, Picture, Run, Source } from '../source'
import type { LevelDocument, PictureEntry } from '../types'
import type { Theme } from '../parts/colour'
import { real } from '../parts/numbers'
import { Latest, sentence } from './latest'
import { flat, inside, Network } from './network'
import { recall, remember } from './remembered'
import { Tensors } from './tensors.svelte'
import { extend, fromHash, type Mode, move, NOWHERE, type Place, same, toHash } from './trail'
import { Why } from './why.svelte'

const STILL = 300 // ms

export type Field = readonly [top: number, left: number, bottom: number, right: number]
export interface Opened {
  readonly place: Place
  readonly run: number
  readonly level: LevelDocument
  readonly field: Field | null
}

export class Explorer {
  readonly network: Network
  readonly tensors: Tensors
  readonly why: Why

  mode = $state<Mode>('explore')
  theme = $state<Theme>('light')
  trail = $state.raw<readonly Place[]>([])
  layer = $state<string | null>(null) // a whole layer looked at: its maps and kernels
  picture = $state.raw<Picture | null>(null)
  pictureName = $state('')
  entry = $state.raw<PictureEntry | null>(null)
  drawing = $state(false)
  edits = $state.raw<Edits>({})
  run = $state.raw<Run | null>(null)
  base = $state.raw<Run | null>(null)
  opened = $state.raw<Opened | null>(null)
  preview = $state.raw<Opened | null>(null)
  values = $state.raw<ReadonlyMap<string, number>>(new Map()) // of the trail's steps, in this run
  pointed = $state.raw<Place | null>(null) // a value somewhere that the pointer or the focus is on
  eachMap = $state(false) // colours by map instead of by layer
  words = $state(recall('words') !== 'off')
  failure = $state('')
  zoom = $state(1) // of the whole, on very large windows
  busy = $state(false)
  still = $state(true) // nobody paints or changes anything by hand just now: what is sorted by strength may change places
  help = $state(false)
  more = $state.raw<ReadonlySet<string>>(new Set()) // columns whose every map is shown

  // By themselves, as they stay what they are from one piece of a stroke to the next: then nothing that hangs on them has
  // anything to do.
  readonly isEdited = $derived(!isEmpty(this.edits))
  readonly off = $derived(this.edits.off)
  /** The run that changes are told against: this one where nothing was changed. */
  readonly baseNumber = $derived((this.isEdited ? this.base?.number : this.run?.number) ?? -1)
  readonly place = $derived(this.trail.at(-1))

  readonly #running: Latest<{ picture: Picture; edits: Edits }, Run>
  readonly #opening: Latest<{ run: number; place: Place }, Opened>
  readonly #previewing: Latest<{ run: number; place: Place }, Opened>
  readonly #watchers = new Set<(address: string, step: boolean) => void>()
  opensAnswer = false // the first answer is opened as soon as it is there: a trail begins somewhere
  page = 0 // the test picture that the keys are at
  #pictureNumber = 0
  #settling: ReturnType<typeof setTimeout> | undefined

  constructor(readonly source: Source) {
    this.network = new Network(source.graph)
    this.tensors = new Tensors(source, (name) => this.network.shape(name)?.reduce((a, b) => a * b, 1) ?? 0)
    this.why = new Why(this)
    this.#running = new Latest(({ picture, edits }) => this.source.run(picture, edits), (run, { edits }) => {
      if (isEmpty(edits)) this.base = run
      this.run = run
      this.busy = false
      this.failure = ''
      this.#settle()
      if (this.opensAnswer && !this.trail.length) this.trail = [this.likeliest(run)]
      this.opensAnswer = false
      this.#reopen()
      this.why.stale()
    }, (error) => {
      this.busy = false
      this.failure = sentence(error)
      this.#settle()
    })
    const ask = async ({ run, place }: { run: number; place: Place }): Promise<Opened> => {
      const [level, field] = await Promise.all([
        this.source.open(run, place.name, place.index),
        this.source.field(run, place.name, place.index).catch(() => null),
      ])
      return { place, run, level, field }
    }
    this.#opening = new Latest(ask, (opened) => {
      this.opened = opened
      this.failure = ''
      this.values = new Map(this.values).set(key(opened.place), real(opened.level.value))
    }, (error) => { this.failure = sentence(error) })
    this.#previewing = new Latest(ask, (preview) => { this.preview = preview }, () => { this.preview = null })
  }

  // ---- pictures

  async show(entry: PictureEntry): Promise<void> {
    const number = ++this.#pictureNumber
    try {
      const picture = await this.source.picture(entry.id)
      if (number !== this.#pictureNumber) return
      this.use(picture, entry.name, entry)
    } catch (error) {
      this.failure = sentence(error)
    }
  }

  use(picture: Picture, name: string, entry: PictureEntry | null = null): void {
    this.#pictureNumber++
    this.picture = picture
    this.network.sized(picture)
    this.trail = this.trail.map((place) => this.#proper(place))
    this.pictureName = name
    this.entry = entry
    this.drawing = false
    this.edits = keepEpoch(this.edits)
    this.still = true
    this.#again(true)
    this.#tell(false)
  }

  async take(file: File): Promise<void> {
    const number = ++this.#pictureNumber
    this.busy = true
    try {
      const picture = await this.source.decode(file)
      if (number === this.#pictureNumber) this.use(picture, file.name)
    } catch (error) {
      this.busy = false
      this.failure = sentence(error)
    }
  }

  /** An empty sheet to draw on, of the network's own size. */
  draw(): void {
    const { height, width, channels } = this.source.graph.input
    this.use({ height, width, channels, data: new Uint8Array(height * width * channels) }, 'your drawing')
    this.drawing = true
  }

  /** The picture painted over: the drawing itself, or a change to a picture that stays as it was beneath. */
  paint(picture: Picture): void {
    if (this.drawing) {
      this.still = false
      this.picture = picture
      this.#again(true)
    } else this.edit({ ...this.edits, pixels: picture })
  }

  get seen(): Picture | null {
    return this.edits.pixels ?? this.picture
  }

  // ---- changes by hand

  edit(edits: Edits): void {
    this.still = false
    this.edits = edits
    this.#again(false)
  }

  /** A moment after the last run all is still again. */
  #settle(): void {
    clearTimeout(this.#settling)
    if (!this.still) this.#settling = setTimeout(() => { this.still = true }, STILL)
  }

  reset(): void {
    this.edit({})
  }

  setWeight(name: string, index: readonly number[], value: number): void {
    const others = (this.edits.weights ?? []).filter((edit) => !same(edit, { name, index }))
    this.edit({ ...this.edits, weights: [...others, { name, index, value }] })
  }

  switchOff(name: string, channel: number): void {
    const off = this.edits.off ?? []
    const without = off.filter((edit) => edit.name !== name || edit.channel !== channel)
    this.edit({ ...this.edits, off: without.length < off.length ? without : [...off, { name, channel }] })
  }

  isOff(name: string, channel: number): boolean {
    return this.off?.some((edit) => edit.name === name && edit.channel === channel) ?? false
  }

  #again(fresh: boolean): void {
    if (!this.picture) return
    if (fresh) this.tensors.forget()
    this.busy = true
    this.#running.request({ picture: this.picture, edits: this.edits })
  }

  // ---- what is open

  /** A term of what is open: one step further from the answer. */
  follow(place: Place): void {
    this.#stand(extend(this.trail, this.#proper(place)), true)
  }

  /** A new beginning. */
  start(place: Place): void {
    const proper = this.#proper(place)
    if (!same(proper, this.place)) this.#stand([proper], true)
    else if (this.layer !== null) this.layer = null
  }

  /** The last step moved; it becomes no step of its own. */
  shift(place: Place): void {
    const proper = this.#proper(place)
    if (!same(proper, this.place)) this.#stand(move(this.trail, proper), false)
  }

  walk(step: number): void {
    if (step >= 0 && step < this.trail.length) this.#stand(this.trail.slice(0, step + 1), true)
  }

  back(): void {
    if (this.layer !== null) this.layer = null
    else if (this.trail.length) this.#stand(this.trail.slice(0, -1), true)
  }

  close(): void {
    if (this.layer !== null) this.layer = null
    else this.#stand([], true)
  }

  /** The strongest value of a map, which is what a click on the whole map opens. */
  strongest(name: string, channel: number): Place {
    const shape = this.network.planes(name) ?? this.network.shape(name) ?? [1]
    const values = this.tensors.held.get(name)?.channels.get(channel)
    let best = 0
    values?.forEach((value, i) => { if (Math.abs(value) > Math.abs(values[best] as number)) best = i })
    const width = shape.at(-1) as number
    return shape.length < 3
      ? { name, index: shape.length === 2 ? [channel, best] : [channel] }
      : { name, index: this.network.index(name, [channel, ...shape.slice(1, -2).map(() => 0), Math.floor(best / width) % (shape.at(-2) as number), best % width]) }
  }

  /** Where the likeliest class' probability stands. */
  likeliest(run: Run): Place {
    const best = run.probabilities.reduce((most, share, number, all) => (share > (all[most] as number) ? number : most), 0)
    const shape = this.network.shape(this.network.answer) ?? [1]
    return { name: this.network.answer, index: [...shape.slice(1).map(() => 0), best] }
  }

  glance(place: Place | null): void {
    if (place && this.run) this.#previewing.request({ run: this.run.number, place: this.#proper(place) })
    else {
      this.#previewing.cancel()
      this.preview = null
    }
  }

  #proper(place: Place): Place {
    const shape = this.network.shape(place.name)
    return shape ? { name: place.name, index: inside(place.index, shape) } : place
  }

  #stand(trail: readonly Place[], step: boolean): void {
    this.trail = trail
    this.layer = null
    this.pointed = null
    if (!trail.length) {
      this.#opening.cancel()
      this.opened = null
    }
    this.#ask()
    this.#tell(step)
  }

  #ask(): void {
    const place = this.place
    if (place && this.run) this.#opening.request({ run: this.run.number, place })
  }

  /** Another run: the same place in it, and the trail's values as they are now. */
  #reopen(): void {
    this.glance(null)
    this.#ask()
    const run = this.run
    const steps = this.trail.slice(0, -1)
    if (!run || !steps.length) return
    void Promise.all(steps.map(async (step) => [key(step), await this.valueAt(run.number, step)] as const))
      .then((read) => { if (run === this.run) this.values = new Map([...this.values, ...read]) }, () => undefined)
  }

  /** One value of a run, from its channel. */
  async valueAt(run: number, place: Place): Promise<number> {
    const spot = this.network.spot(place.name, place.index)
    const channel = spot[0] ?? 0
    const maps = await this.source.maps(run, place.name, [channel, channel + 1])
    const size = maps.shape.slice(1).reduce((a, b) => a * b, 1)
    return maps.data[flat(spot, maps.shape) - channel * size] ?? NaN
  }

  // ---- modes, columns, the address

  go(mode: Mode): void {
    if (mode === this.mode) return
    this.mode = mode
    this.#tell(true)
  }

  toggleWords(): void {
    this.words = !this.words
    remember('words', this.words ? 'on' : 'off')
  }

  toggleColumn(name: string): void {
    const more = new Set(this.more)
    if (!more.delete(name)) more.add(name)
    this.more = more
  }

  get hash(): string {
    const { mode, trail } = this
    return toHash({ mode, trail, picture: this.entry?.id ?? null, ...(mode === 'why' && { why: this.why.question }) })
  }

  /** Why was asked something else: the address says so, without a step of its own. */
  asked(): void {
    this.#tell(false)
  }

  /** Tells of each change of the address; `step` where the browser's own back key should come back to what was. */
  watch(told: (address: string, step: boolean) => void): () => void {
    this.#watchers.add(told)
    return () => this.#watchers.delete(told)
  }

  #tell(step: boolean): void {
    for (const told of this.#watchers) told(this.hash, step)
  }

  /** Restores what a link says, as far as this network has it. */
  async restore(hash: string): Promise<void> {
    const address = hash.length > 1 ? fromHash(hash) : NOWHERE
    this.mode = address.mode
    if (address.why) this.why.restore(address.why)
    const known = address.trail.filter((place) => this.network.shape(place.name)?.length === place.index.length)
    this.trail = known.map((place) => (this.network.isPrepared(place.name) ? place : this.#proper(place))) // the picture's size may be yet to come
    if (!this.trail.length) this.opened = null
    if (address.picture !== null && address.picture !== this.entry?.id) {
      await this.show({ id: address.picture, name: address.picture, truth: null, answer: null, probability: null, of_truth: null, height: 0, width: 0, corrected: null })
    } else this.#reopen()
  }
}

export function key(place: Place): string {
  return `${place.name}[${place.index.join(',')}]`
}

function isEmpty({ pixels, weights, off, epoch }: Edits): boolean {
  return !pixels && !weights?.length && !off?.length && epoch === undefined
}

/** Another picture drops what was painted; weights and switched-off channels stay, as they are the network's. */
function keepEpoch({ weights, off, epoch }: Edits): Edits {
  return { ...(weights && { weights }), ...(off && { off }), ...(epoch !== undefined && { epoch }) }
}
