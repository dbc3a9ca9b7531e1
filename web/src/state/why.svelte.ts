// Why this answer: a heatmap and its check, for one class, perhaps against another, by one of two methods.
import type { ExplanationDocument } from '../types'
import type { Explorer } from './explorer.svelte'
import { sentence } from './latest'
import type { Question } from './trail'

export type Method = Question['method']

export class Why {
  target = $state<number | null>(null)
  against = $state<number | null>(null)
  method = $state<Method>('grad-cam')
  result = $state.raw<ExplanationDocument | null>(null)
  progress = $state<number | null>(null)
  failure = $state('')
  shown = $state(true) // the heatmap over the picture
  #done = ''
  #stop: AbortController | null = null

  constructor(private readonly explorer: Explorer) {}

  /** The class that is explained: the chosen one, or the answer. */
  get subject(): number | null {
    return this.target ?? this.explorer.run?.probabilities.reduce((best, p, i, all) => (p > (all[best] as number) ? i : best), 0) ?? null
  }

  /** What is asked, as a link says it. */
  get question(): Question {
    return { target: this.target, against: this.against, method: this.method }
  }

  /** A link's question, as far as this network has its classes. */
  restore({ target, against, method }: Question): void {
    const known = (number: number | null): number | null => (number !== null && number < this.explorer.source.graph.classes.length ? number : null)
    this.target = known(target)
    this.against = known(against) === this.target ? null : known(against)
    this.method = method
  }

  stale(): void {
    this.#stop?.abort()
    this.#stop = null
    this.#done = ''
    this.progress = null
  }

  /** Asks, unless this very question was answered. */
  async ask(): Promise<void> {
    const { run, source } = this.explorer
    const subject = this.subject
    if (!run || subject === null || source.lacks.why !== undefined) return
    const question = [run.number, subject, this.against, this.method].join()
    if (question === this.#done) return
    this.#stop?.abort()
    const stop = new AbortController()
    this.#stop = stop
    this.#done = question
    this.progress = 0
    this.failure = ''
    try {
      const result = await source.why(run.number, subject, this.against, this.method, (share, soFar) => {
        if (stop.signal.aborted) return
        this.progress = share
        if (soFar) this.result = soFar // the heatmap, before it was checked
      }, stop.signal)
      if (stop.signal.aborted) return
      this.result = result
      this.progress = null
    } catch (error) {
      if (stop.signal.aborted) return
      this.#done = ''
      this.progress = null
      this.result = null
      this.failure = sentence(error)
    }
  }
}
