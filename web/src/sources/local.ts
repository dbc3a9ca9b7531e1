// A Source whose arithmetic is done here: of a small network in the page itself, so that an answer is painted in the
// frame of the stroke that it follows; of others, and all long work, in a worker, or in slices in the page where that is
// forbidden. What the run's folder adds comes from whoever has it.
import type { Report } from '../arithmetic/explanation'
import { unsupported } from '../arithmetic/network'
import type { Edits, Lacks, Maps, Picture, Run, Source } from '../source'
import type { ExplanationDocument, GraphDocument, LevelDocument, MistakesDocument, PictureEntry, ReplayDocument } from '../types'
import type { Folder } from './folder'
import { LocalEngine, MOST_KEPT } from './local-engine'
import { Ahead } from './ahead'
import type { FromWorker, Look, Question, Ran, ToWorker } from './local-messages'
import { Aborted, answer, pause } from './local-messages'
import LocalWorker from './local.worker?worker&inline'

// Milliseconds that the page itself computes before a key or a frame gets its turn: a quick network's run is not to be
// cut in two by a pause of the garbage collector, or its answer misses its frame.
const SLICE = 12
const QUICK_SLICE = 24
const PATIENCE = 20_000 // for a worker that neither starts nor fails
// What the page computes itself: about 5 ms of one of this year's processors for a whole run, less for a stroke's.
const QUICK_MULT_ADDS = 5_000_000
const QUICK_VALUES = 200_000
const REHEARSALS = 40 // runs that are enough for the browser to compile what they do

type Ask = (question: Question, signal?: AbortSignal, report?: Report) => Promise<unknown>

export interface LocalStart {
  readonly place: Source['place']
  readonly graph: GraphDocument
  readonly weights: ArrayBuffer
  readonly folder: Folder
}

/** Starts the arithmetic. Throws a sentence where the network has an operation that isn't computed in a browser. */
export async function startLocal(start: LocalStart): Promise<LocalSource> {
  const missing = unsupported(start.graph)
  if (missing.length) {
    const more = missing.length > 3 ? ` and ${missing.length - 3} more` : ''
    throw new Error(`This network can't be computed in a browser: ${missing.slice(0, 3).join(', ')}${more}.`)
  }
  const { mult_adds, values } = start.graph
  if (mult_adds <= QUICK_MULT_ADDS && values <= QUICK_VALUES) {
    const engine = new LocalEngine(start.graph, start.weights)
    return new LocalSource(start, inPage(engine, QUICK_SLICE, () => rehearse(engine)), () => inWorker(start))
  }
  return new LocalSource(start, (await inWorker(start)) ?? inPage(new LocalEngine(start.graph, start.weights), SLICE))
}

/** Runs while the page is idle, so that the first stroke finds its arithmetic compiled: it would take some ten of them. */
function rehearse(engine: LocalEngine): void {
  if (!('requestIdleCallback' in globalThis)) return
  let left = REHEARSALS
  const turn = (deadline: IdleDeadline): void => {
    while (left > 0 && deadline.timeRemaining() > 5) engine.rehearse(--left)
    if (left > 0) requestIdleCallback(turn)
  }
  requestIdleCallback(turn)
}

/** Asks, and before a question about a kept epoch brings that epoch's weights over, once. */
function withEpochs(ask: Ask, folder: Folder): Ask {
  const brought = new Map<number, Promise<unknown>>()
  return async (question, signal, report) => {
    const epoch = 'edits' in question ? question.edits?.epoch : undefined
    if (epoch !== undefined) {
      let bringing = brought.get(epoch)
      if (!bringing) {
        bringing = folder.epoch(epoch).then((bytes) => ask({ ask: 'snapshot', epoch, bytes }))
        bringing.catch(() => brought.delete(epoch))
        brought.set(epoch, bringing)
      }
      await bringing
    }
    return ask(question, signal, report)
  }
}

/** Questions to a worker; null where there can't be one. */
async function inWorker({ graph, weights }: LocalStart): Promise<Ask | null> {
  let worker: Worker
  try {
    worker = new LocalWorker()
  } catch {
    return null
  }
  const waiting = new Map<number, { done: (result: unknown) => void; failed: (error: Error) => void; report?: Report }>()
  const started = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), PATIENCE)
    const settle = (ready: boolean): void => {
      clearTimeout(timer)
      resolve(ready)
    }
    worker.onerror = () => {
      settle(false)
      for (const { failed } of waiting.values()) failed(new Error('The computation broke off. Load the page again.'))
      waiting.clear()
    }
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if ('ready' in data) return settle(true)
      if ('failed' in data) return settle(false)
      const own = waiting.get(data.id)
      if ('progress' in data) return own?.report?.(data.progress, data.soFar)
      waiting.delete(data.id)
      if ('error' in data) own?.failed(data.aborted ? new Aborted() : new Error(data.error))
      else own?.done(data.result)
    }
    const first: ToWorker = { start: graph, weights }
    worker.postMessage(first)
  })
  if (!started) {
    worker.terminate()
    return null
  }
  let last = 0
  return (question, signal, report) => new Promise((done, failed) => {
    if (signal?.aborted) return failed(new Aborted())
    const id = ++last
    waiting.set(id, { done, failed, ...(report ? { report } : {}) })
    signal?.addEventListener('abort', () => worker.postMessage({ abort: id } satisfies ToWorker), { once: true })
    worker.postMessage({ id, question } satisfies ToWorker)
  })
}

/** Questions to the page itself. A run, which a stroke waits for, is computed at once; all else when its turn comes, so
 * that what the pointer passes over is neither computed nor drawn in the task of its move. `begun` is called once, after
 * the first run. */
function inPage(engine: LocalEngine, slice: number, begun: (() => void) | null = null): Ask {
  return async (question, signal, report) => {
    if (question.ask !== 'run') await pause()
    const found = await answer(engine, question, slice, () => signal?.aborted ?? false, report ?? (() => undefined))
    if (question.ask === 'run') {
      begun?.()
      begun = null
    }
    return found
  }
}

export class LocalSource implements Source {
  readonly place: Source['place']
  readonly graph: GraphDocument
  readonly lacks: Lacks
  private readonly folder: Folder
  private readonly ask: Ask
  private readonly ahead = new Ahead()
  private readonly asked = new Map<number, { picture: Picture; edits: Edits | undefined }>()
  private elsewhere: Promise<Ask | null> | null = null // who does long work, as soon as there is some

  /** `beside` starts a worker for long work, where `ask` is the page itself. */
  constructor({ place, graph, folder }: LocalStart, ask: Ask, private readonly beside: (() => Promise<Ask | null>) | null = null) {
    this.place = place
    this.graph = graph
    this.folder = folder
    this.lacks = folder.lacks
    this.ask = withEpochs(ask, folder)
  }

  async run(picture: Picture, edits?: Edits, signal?: AbortSignal): Promise<Run> {
    const looks = this.ahead.looks()
    const asked = { picture: plain(picture), edits: plainEdits(edits) }
    const { run, looks: found } = (await this.ask({ ask: 'run', ...asked, looks }, signal)) as Ran
    this.ahead.take(run.number, looks, found)
    if (this.beside) {
      this.asked.set(run.number, asked)
      for (const old of this.asked.keys()) if (this.asked.size > MOST_KEPT) this.asked.delete(old)
    }
    return run
  }

  /** What came with the run is there already. */
  private look<T>(look: Look): Promise<T> {
    const known = this.ahead.find(look)
    return (known === null ? this.ask(look) : Promise.resolve(known)) as Promise<T>
  }

  maps(run: number, name: string, channels?: readonly [from: number, to: number]): Promise<Maps> {
    return this.look({ ask: 'maps', run, name, channels: channels && [...channels] })
  }

  open(run: number, name: string, index: readonly number[]): Promise<LevelDocument> {
    return this.look({ ask: 'open', run, name, index: [...index] })
  }

  field(run: number, name: string, index: readonly number[]): Promise<readonly [number, number, number, number]> {
    return this.look({ ask: 'field', run, name, index: [...index] })
  }

  async kernels(name: string, edits?: Edits): ReturnType<Source['kernels']> {
    return (await this.ask({ ask: 'kernels', name, edits: plainEdits(edits) })) as Awaited<ReturnType<Source['kernels']>>
  }

  async why(
    run: number, target: number, against: number | null, method: 'grad-cam' | 'occlusion',
    progress: Report, signal?: AbortSignal,
  ): Promise<ExplanationDocument> {
    const asked = this.asked.get(run)
    if (asked) this.elsewhere ??= this.beside?.().then((worker) => worker && withEpochs(worker, this.folder)) ?? null
    const worker = asked ? await this.elsewhere : null
    if (asked && worker) run = ((await worker({ ask: 'run', ...asked }, signal)) as Ran).run.number // the same, there
    return (await (worker ?? this.ask)({ ask: 'why', run, target, against, method }, signal, progress)) as ExplanationDocument
  }

  pictures(
    kind: 'test' | 'mistakes', from: number, count: number, truth?: number, answerOf?: number,
  ): Promise<readonly PictureEntry[]> {
    return this.folder.pictures(kind, from, count, truth, answerOf)
  }

  picture(id: string): Promise<Picture> {
    return this.folder.picture(id)
  }

  mistakes(): Promise<MistakesDocument> {
    return this.folder.mistakes()
  }

  correct(id: string, label: string | null): Promise<void> {
    return this.folder.correct(id, label)
  }

  replay(): Promise<ReplayDocument> {
    return this.folder.replay()
  }

  build(text: string, input: string): ReturnType<Source['build']> {
    return this.folder.build(text, input)
  }

  decode(file: File): Promise<Picture> {
    return this.folder.decode(file)
  }
}

// A view's reactive objects can't be sent to a worker: what is sent is copied into plain ones.
function plain({ height, width, channels, data }: Picture): Picture {
  return { height, width, channels, data: new Uint8Array(data) }
}

function plainEdits(edits?: Edits): Edits | undefined {
  if (!edits) return undefined
  const { pixels, weights, off, epoch } = edits
  return {
    ...(pixels ? { pixels: plain(pixels) } : {}),
    ...(weights ? { weights: weights.map(({ name, index, value }) => ({ name, index: [...index], value })) } : {}),
    ...(off ? { off: off.map(({ name, channel }) => ({ name, channel })) } : {}),
    ...(epoch === undefined ? {} : { epoch }),
  }
}
