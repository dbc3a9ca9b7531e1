// Of many requests only the latest matters: while one is under way, the newest waits, those between are dropped. So
// dragging asks as often as answers come, never more.

export class Latest<Request, Answer> {
  #busy = false
  #waiting: { request: Request } | null = null

  constructor(
    private readonly ask: (request: Request) => Promise<Answer>,
    private readonly done: (answer: Answer, request: Request) => void,
    private readonly failed: (error: unknown, request: Request) => void,
  ) {}

  request(request: Request): void {
    this.#waiting = { request }
    if (!this.#busy) void this.#work()
  }

  /** Drops what waits: whatever is still under way will be told to nobody. */
  cancel(): void {
    this.#waiting = null
    this.#number++
  }

  #number = 0

  async #work(): Promise<void> {
    this.#busy = true
    while (this.#waiting) {
      const { request } = this.#waiting
      this.#waiting = null
      const number = ++this.#number
      try {
        const answer = await this.ask(request)
        if (number === this.#number) this.done(answer, request)
      } catch (error) {
        if (number === this.#number) this.failed(error, request)
      }
    }
    this.#busy = false
  }
}

/** What to tell a reader of an error, whoever threw it. */
export function sentence(error: unknown): string {
  if (error instanceof Error && error.message) return error.message
  return typeof error === 'string' && error ? error : 'Something went wrong, and nothing said what. Please try it again.'
}
