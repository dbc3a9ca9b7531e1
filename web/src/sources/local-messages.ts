// What the page and its worker say to each other, and how long work is driven so that a newer question gets its turn.
import type { Report } from '../arithmetic/explanation'
import type { Edits, Picture } from '../source'
import type { ExplanationDocument, GraphDocument } from '../types'
import { LocalEngine } from './local-engine'

/** One question: the engine's method and what it is given. */
export type Question =
  | { readonly ask: 'run'; readonly picture: Picture; readonly edits?: Edits | undefined }
  | { readonly ask: 'maps'; readonly run: number; readonly name: string; readonly channels?: readonly [number, number] | undefined }
  | { readonly ask: 'open' | 'field'; readonly run: number; readonly name: string; readonly index: readonly number[] }
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
function pause(): Promise<void> {
  return new Promise((resolve) => {
    const channel = new MessageChannel()
    channel.port1.onmessage = () => {
      channel.port1.close()
      resolve()
    }
    channel.port2.postMessage(null)
  })
}

export async function answer(
  engine: LocalEngine, question: Question, slice: number, stopped: Stopped, report: Report,
): Promise<unknown> {
  if (stopped()) throw new Aborted()
  switch (question.ask) {
    case 'run':
      return drive(engine.run(question.picture, question.edits), slice, stopped)
    case 'maps':
      return engine.maps(question.run, question.name, question.channels)
    case 'open':
      return engine.open(question.run, question.name, question.index)
    case 'field':
      return engine.field(question.run, question.name, question.index)
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
