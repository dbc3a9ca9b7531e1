// The way from the answer to where one is, as places, and as the address bar's hash.

export interface Place {
  readonly name: string
  readonly index: readonly number[]
}

export const MODES = ['explore', 'why', 'what-if', 'mistakes', 'replay', 'table', 'build'] as const
export type Mode = (typeof MODES)[number]

/** Everything that a link restores. `picture` is a test picture's id; `why` what that mode was asked, where somebody
 *  chose it: the class and the one it is held against, by number. */
export interface Address {
  readonly mode: Mode
  readonly trail: readonly Place[]
  readonly picture: string | null
  readonly why?: Question
}

export interface Question {
  readonly target: number | null
  readonly against: number | null
  readonly method: 'grad-cam' | 'occlusion'
}

const LONGEST = 40
export const NOWHERE: Address = { mode: 'explore', trail: [], picture: null }

export function same(a: Place | undefined, b: Place | undefined): boolean {
  return a !== undefined && b !== undefined && a.name === b.name
    && a.index.length === b.index.length && a.index.every((n, i) => n === b.index[i])
}

/** One step further: a place that is on the trail already is returned to, not repeated. */
export function extend(trail: readonly Place[], place: Place): readonly Place[] {
  const at = trail.findIndex((step) => same(step, place))
  if (at >= 0) return trail.slice(0, at + 1)
  return [...trail, place].slice(-LONGEST)
}

/** The last step moved: the window was dragged, another channel was chosen. */
export function move(trail: readonly Place[], place: Place): readonly Place[] {
  return [...trail.slice(0, -1), place]
}

/** `#why/softmax1[7]/dense2[31]?picture=test-4&class=7&against=2`. Names may hold anything, so they are escaped. */
export function toHash({ mode, trail, picture, why }: Address): string {
  const steps = trail.map((step) => `${encodeURIComponent(step.name)}[${step.index.join(',')}]`)
  const query: string[] = []
  if (picture !== null) query.push(`picture=${encodeURIComponent(picture)}`)
  if (why && why.target !== null) query.push(`class=${why.target}`)
  if (why && why.against !== null) query.push(`against=${why.against}`)
  if (why && why.method !== 'grad-cam') query.push(`method=${why.method}`)
  return `#${[mode, ...steps].join('/')}${query.length ? `?${query.join('&')}` : ''}`
}

/** The address in a hash; what can't be read is left out, as links get cut off and networks change. */
export function fromHash(hash: string): Address {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2)
  const [first = '', ...rest] = path.split('/')
  const mode = MODES.find((name) => name === first) ?? 'explore'
  const trail: Place[] = []
  for (const text of rest.slice(0, LONGEST)) {
    const found = /^(.+)\[([0-9]{1,9}(?:,[0-9]{1,9})*)?\]$/.exec(text)
    const name = found && decoded(found[1] as string)
    if (!found || name === null) break
    trail.push({ name, index: found[2] === undefined ? [] : found[2].split(',').map(Number) })
  }
  const said = (name: string): string | undefined => new RegExp(`(?:^|&)${name}=([^&]*)`).exec(query)?.[1]
  const picture = said('picture')
  const address: Address = { mode, trail, picture: picture === undefined ? null : decoded(picture) }
  if (mode !== 'why') return address
  const number = (text?: string): number | null => (text !== undefined && /^[0-9]{1,6}$/.test(text) ? Number(text) : null)
  return { ...address, why: { target: number(said('class')), against: number(said('against')), method: said('method') === 'occlusion' ? 'occlusion' : 'grad-cam' } }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
