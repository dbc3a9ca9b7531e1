import { describe, expect, it } from 'vitest'
import { Latest, sentence } from '../../src/state/latest'

/** Answers that the test gives when it likes. */
function held() {
  const asked: { request: number; answer: (value: string) => void; fail: (error: unknown) => void }[] = []
  const told: string[] = []
  const failed: unknown[] = []
  const latest = new Latest<number, string>((request) => new Promise((answer, fail) => asked.push({ request, answer, fail })),
    (answer) => told.push(answer), (error) => failed.push(error))
  const settle = (): Promise<void> => new Promise((done) => setTimeout(done))
  return { asked, told, failed, latest, settle }
}

describe('the latest request', () => {
  it('drops those between the one under way and the newest', async () => {
    const { asked, told, latest, settle } = held()
    for (const request of [1, 2, 3, 4]) latest.request(request)
    expect(asked.map((one) => one.request)).toEqual([1])
    asked[0]!.answer('one')
    await settle()
    expect(asked.map((one) => one.request)).toEqual([1, 4])
    asked[1]!.answer('four')
    await settle()
    expect(told).toEqual(['one', 'four'])
  })

  it('tells nobody of what was cancelled, and goes on afterwards', async () => {
    const { asked, told, latest, settle } = held()
    latest.request(1)
    latest.cancel()
    asked[0]!.answer('one')
    await settle()
    latest.request(2)
    asked[1]!.answer('two')
    await settle()
    expect(told).toEqual(['two'])
  })

  it('survives a failure', async () => {
    const { asked, told, failed, latest, settle } = held()
    latest.request(1)
    asked[0]!.fail(new Error('no'))
    await settle()
    latest.request(2)
    asked[1]!.answer('two')
    await settle()
    expect(failed.map(sentence)).toEqual(['no'])
    expect(told).toEqual(['two'])
  })
})
