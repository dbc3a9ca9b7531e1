// The worker: a network that computes beside the page, so that no hover waits for a sum.
import type { Report } from '../arithmetic/explanation'
import { LocalEngine } from './local-engine'
import type { FromWorker, ToWorker } from './local-messages'
import { Aborted, answer, handedOver } from './local-messages'

const SLICE = 25
const REPORTED = 60 // milliseconds between two reports of progress

let engine: LocalEngine | null = null
const stopped = new Set<number>()
const say = (message: FromWorker, transfer: Transferable[] = []): void => postMessage(message, { transfer })
const words = (error: unknown): string => (error instanceof Error ? error.message : String(error))

async function handle(message: ToWorker): Promise<void> {
  if ('start' in message) {
    try {
      engine = new LocalEngine(message.start, message.weights, true)
      say({ ready: true })
    } catch (error) {
      say({ failed: words(error) })
    }
  } else if ('abort' in message) {
    stopped.add(message.abort)
  } else {
    const { id, question } = message
    let last = 0
    const report: Report = (share, soFar) => {
      if (performance.now() - last < REPORTED && share < 1 && !soFar) return
      last = performance.now()
      say({ id, progress: share, ...(soFar ? { soFar } : {}) })
    }
    try {
      if (!engine) throw new Error('The network has not been loaded.')
      const result = await answer(engine, question, SLICE, () => stopped.has(id), report)
      say({ id, result }, handedOver(question, result))
    } catch (error) {
      say({ id, error: words(error), aborted: error instanceof Aborted })
    } finally {
      stopped.delete(id)
    }
  }
}

addEventListener('message', (event: MessageEvent<ToWorker>) => void handle(event.data))
