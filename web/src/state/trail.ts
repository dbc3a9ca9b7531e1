// The way from the answer to where one is, as places, and as the address bar's hash.

export interface Place {
  readonly name: string
  readonly index: readonly number[]
}

export const MODES = ['explore', 'why', 'what-if', 'mistakes', 'replay', 'table', 'build'] as const
export type Mode = (typeof MODES)[number]

/** Everything that a link restores. `picture` is a test picture's id. */
export interface Address {
  readonly mode: Mode
  readonly trail: readonly Place[]
  readonly picture: string | null
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

/** `#why/softmax1[7]/dense2[31]?picture=test-4`. Names may hold anything, so they are escaped. */
export function toHash({ mode, trail, picture }: Address): string {
  const steps = trail.map((step) => `${encodeURIComponent(step.name)}[${step.index.join(',')}]`)
  const query = picture === null ? '' : `?picture=${encodeURIComponent(picture)}`
  return `#${[mode, ...steps].join('/')}${query}`
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
  const given = /(?:^|&)picture=([^&]*)/.exec(query)
  return { mode, trail, picture: given ? decoded(given[1] as string) : null }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
