// A Source whose arithmetic is done here: in a worker, or in slices in the page where a worker is forbidden. What the
// run's folder adds comes from whoever has it.
import type { Report } from '../arithmetic/explanation'
import { unsupported } from '../arithmetic/network'
import type { Edits, Lacks, Maps, Picture, Run, Source } from '../source'
import type { ExplanationDocument, GraphDocument, LevelDocument, MistakesDocument, PictureEntry, ReplayDocument } from '../types'
import type { Folder } from './folder'
import { LocalEngine } from './local-engine'
import { Ahead } from './ahead'
import type { FromWorker, Look, Question, Ran, ToWorker } from './local-messages'
import { Aborted, answer } from './local-messages'
import LocalWorker from './local.worker?worker&inline'

const SLICE = 12 // milliseconds that the page itself computes before a key or a frame gets its turn
const PATIENCE = 20_000 // for a worker that neither starts nor fails

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
  return new LocalSource(start, (await inWorker(start)) ?? inPage(start))
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

function inPage({ graph, weights }: LocalStart): Ask {
  const engine = new LocalEngine(graph, weights)
  return (question, signal, report) =>
    answer(engine, question, SLICE, () => signal?.aborted ?? false, report ?? (() => undefined))
}

export class LocalSource implements Source {
  readonly place: Source['place']
  readonly graph: GraphDocument
  readonly lacks: Lacks
  private readonly folder: Folder
  private readonly epochs = new Map<number, Promise<unknown>>()
  private readonly ahead = new Ahead()

  constructor({ place, graph, folder }: LocalStart, private readonly ask: Ask) {
    this.place = place
    this.graph = graph
    this.folder = folder
    this.lacks = folder.lacks
  }

  /** The weights of an epoch are brought over once, when they are first asked for. */
  private async prepared(edits?: Edits): Promise<void> {
    const epoch = edits?.epoch
    if (epoch === undefined) return
    let brought = this.epochs.get(epoch)
    if (!brought) {
      brought = this.folder.epoch(epoch).then((bytes) => this.ask({ ask: 'snapshot', epoch, bytes }))
      brought.catch(() => this.epochs.delete(epoch))
      this.epochs.set(epoch, brought)
    }
    await brought
  }

  async run(picture: Picture, edits?: Edits, signal?: AbortSignal): Promise<Run> {
    await this.prepared(edits)
    const looks = this.ahead.looks()
    const ran = (await this.ask({ ask: 'run', picture: plain(picture), edits: plainEdits(edits), looks }, signal)) as Ran
    this.ahead.take(ran.run.number, looks, ran.looks)
    return ran.run
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
    await this.prepared(edits)
    return (await this.ask({ ask: 'kernels', name, edits: plainEdits(edits) })) as Awaited<ReturnType<Source['kernels']>>
  }

  async why(
    run: number, target: number, against: number | null, method: 'grad-cam' | 'occlusion',
    progress: Report, signal?: AbortSignal,
  ): Promise<ExplanationDocument> {
    return (await this.ask({ ask: 'why', run, target, against, method }, signal, progress)) as ExplanationDocument
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
