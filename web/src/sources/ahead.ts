// While one paints, the same is asked of every run: the maps that are in sight, the value that is open. So the questions
// about the last run go along with the next one, and all comes back in one message: a page that gets thirty answers one
// after the other draws itself as often.
import type { Look } from './local-messages'

const MOST = 80 // questions that go along

export class Ahead {
  private run = -1
  private asked = new Map<string, Look>() // about that run
  private held = { run: -1, answers: new Map<string, unknown>() }

  /** What to ask along with the next run. */
  looks(): readonly Look[] {
    return [...this.asked.values()]
  }

  /** The answers that came with a run. */
  take(run: number, looks: readonly Look[], answers: readonly unknown[]): void {
    this.held = { run, answers: new Map(looks.map((look, n) => [key(look), answers[n]])) }
  }

  /** What came with its run; null where it is still to be asked. Either way it will be asked of the next run, too. */
  find(look: Look): unknown {
    if (look.run > this.run) {
      this.run = look.run
      this.asked = new Map()
    }
    // Of what one merely moves over, the newest alone.
    const kind = look.ask === 'maps' ? key(look) : look.ask
    if (look.run === this.run && (this.asked.has(kind) || this.asked.size < MOST)) this.asked.set(kind, look)
    return (look.run === this.held.run ? this.held.answers.get(key(look)) : null) ?? null
  }
}

function key(look: Look): string {
  return `${look.ask} ${look.name} ${(look.ask === 'maps' ? look.channels : look.index)?.join() ?? ''}`
}
