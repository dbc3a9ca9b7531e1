// What the page and its worker say to each other, and how long work is driven so that a newer question gets its turn.
import type { Report } from '../arithmetic/explanation'
import type { Edits, Maps, Picture, Run } from '../source'
import type { ExplanationDocument, GraphDocument } from '../types'
import type { LocalEngine } from './local-engine'

/** What is asked about a run that there is: each is quickly answered. */
export type Look =
  | { readonly ask: 'maps'; readonly run: number; readonly name: string; readonly channels?: readonly [number, number] | undefined }
  | { readonly ask: 'open' | 'field'; readonly run: number; readonly name: string; readonly index: readonly number[] }

/** One question: the engine's method and what it is given. `looks` are answered together with a run, about that run. */
export type Question =
  | Look
  | { readonly ask: 'run'; readonly picture: Picture; readonly edits?: Edits | undefined; readonly looks?: readonly Look[] }
  | { readonly ask: 'kernels'; readonly name: string; readonly edits?: Edits | undefined }
  | {
    readonly ask: 'why'; readonly run: number; readonly target: number; readonly against: number | null
    readonly method: 'grad-cam' | 'occlusion'
  }
  | { readonly ask: 'snapshot'; readonly epoch: number; readonly bytes: ArrayBuffer }

export type ToWorker =
  | { readonly start: GraphDocument; readonly weights: ArrayBuffer }
  | { readonly id: number; readonly question: Question }
  | { readonly abort: number }

export type FromWorker =
  | { readonly ready: true }
  | { readonly failed: string }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string; readonly aborted?: boolean }
  | { readonly id: number; readonly progress: number; readonly soFar?: ExplanationDocument }

/** A run, with what was asked along with it; null where that can't be answered: asked by itself it tells why. */
export interface Ran {
  readonly run: Run
  readonly looks: readonly unknown[]
}

/** Whether the answer is no longer wanted. */
export type Stopped = () => boolean

export class Aborted extends Error {
  override readonly name = 'AbortError'
  constructor() {
    super('A newer question has taken its place.')
  }
}

/** Runs work to its end, in slices of at most so many milliseconds (if no single piece is longer). */
export async function drive<T>(work: Generator<void, T>, slice: number, stopped: Stopped): Promise<T> {
  let begin = performance.now()
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
    if (performance.now() - begin >= slice) {
      await pause()
      if (stopped()) throw new Aborted()
      begin = performance.now()
    }
  }
}

/** A turn for whatever else waits: a message, a key, a frame. */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    const channel = new MessageChannel()
    channel.port1.onmessage = () => {
      channel.port1.close()
      resolve()
    }
    channel.port2.postMessage(null)
  })
}

function* ran(engine: LocalEngine, picture: Picture, edits: Edits | undefined, looks: readonly Look[]): Generator<void, Ran> {
  const run = yield* engine.run(picture, edits)
  const found: unknown[] = []
  for (const look of looks) {
    try {
      found.push(looked(engine, { ...look, run: run.number }))
    } catch {
      found.push(null)
    }
    yield
  }
  return { run, looks: found }
}

function looked(engine: LocalEngine, look: Look): unknown {
  return look.ask === 'maps' ? engine.maps(look.run, look.name, look.channels) : engine[look.ask](look.run, look.name, look.index)
}

/** The arrays of an answer that can be handed over instead of copied: maps are made for whoever asks. */
export function handedOver(question: Question, result: unknown): Transferable[] {
  if (question.ask === 'maps') return [(result as Maps).data.buffer as ArrayBuffer]
  if (question.ask !== 'run') return []
  const found = (result as Ran).looks
  return (question.looks ?? []).flatMap((look, n) => (found[n] ? handedOver(look, found[n]) : []))
}

export async function answer(
  engine: LocalEngine, question: Question, slice: number, stopped: Stopped, report: Report,
): Promise<unknown> {
  if (stopped()) throw new Aborted()
  switch (question.ask) {
    case 'run':
      return drive(ran(engine, question.picture, question.edits, question.looks ?? []), slice, stopped)
    case 'maps':
    case 'open':
    case 'field':
      return looked(engine, question)
    case 'kernels':
      return engine.kernels(question.name, question.edits)
    case 'why': {
      const { run, target, against, method } = question
      return drive(engine.why(run, target, against, method, report), slice, stopped)
    }
    case 'snapshot':
      engine.addSnapshot(question.epoch, question.bytes)
      return null
  }
}
