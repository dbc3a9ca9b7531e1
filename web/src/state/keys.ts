// What each key does, apart from what is done then: one table, which `?` shows as it stands.

export type Action =
  | { do: 'move'; rows: number; columns: number }
  | { do: 'channel'; by: number }
  | { do: 'layer'; by: number }
  | { do: 'open' | 'back' | 'help' | 'close' | 'answer' | 'off' | 'scale' | 'words' }
  | { do: 'mode'; number: number }
  | { do: 'picture'; by: number }

export const KEYS: readonly { keys: readonly string[]; words: string }[] = [
  { keys: ['\u2190', '\u2191', '\u2193', '\u2192'], words: 'move by one cell, and the window with it; with Shift by five' },
  { keys: ['[', ']'], words: 'the channel before, the next channel' },
  { keys: ['<', '>'], words: 'the layer before, the next layer' },
  { keys: ['Enter'], words: 'open what is pointed at, or the strongest term' },
  { keys: ['Backspace'], words: 'go back one step of the trail' },
  { keys: ['a'], words: 'open the answer' },
  { keys: ['n', 'p'], words: 'the next test picture, the one before' },
  { keys: ['o'], words: 'in What if: switch the channel off, or on again' },
  { keys: ['s'], words: 'colours by layer, or by each map' },
  { keys: ['w'], words: 'plain words on or off' },
  { keys: ['1', '\u2026', '7'], words: 'Explore \u2026 Build' },
  { keys: ['Esc'], words: 'close' },
  { keys: ['?'], words: 'this list' },
]

export interface Press {
  readonly key: string
  readonly shiftKey: boolean
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
}

/** What a key asks for; null where it is the browser's, or no key of ours. */
export function action({ key, shiftKey, ctrlKey, metaKey, altKey }: Press): Action | null {
  if (ctrlKey || metaKey || altKey) return null
  const far = shiftKey ? 5 : 1
  switch (key) {
    case 'ArrowLeft': return { do: 'move', rows: 0, columns: -far }
    case 'ArrowRight': return { do: 'move', rows: 0, columns: far }
    case 'ArrowUp': return { do: 'move', rows: -far, columns: 0 }
    case 'ArrowDown': return { do: 'move', rows: far, columns: 0 }
    case '[': return { do: 'channel', by: -1 }
    case ']': return { do: 'channel', by: 1 }
    case '<': case ',': return { do: 'layer', by: -1 }
    case '>': case '.': return { do: 'layer', by: 1 }
    case 'Enter': return { do: 'open' }
    case 'Backspace': return { do: 'back' }
    case 'Escape': return { do: 'close' }
    case '?': return { do: 'help' }
    case 'a': return { do: 'answer' }
    case 'o': return { do: 'off' }
    case 's': return { do: 'scale' }
    case 'w': return { do: 'words' }
    case 'n': return { do: 'picture', by: 1 }
    case 'p': return { do: 'picture', by: -1 }
  }
  if (/^[1-7]$/.test(key)) return { do: 'mode', number: Number(key) - 1 }
  return null
}

/** Whether the element that has the focus needs this key itself: text fields all of them, a slider its arrows, a
 *  button Enter and the space bar. */
export function isTaken(tag: string, type: string, key: string): boolean {
  if (tag === 'TEXTAREA' || tag === 'SELECT') return key !== 'Escape'
  if (tag === 'INPUT') {
    if (type === 'range') return key.startsWith('Arrow')
    if (type === 'checkbox' || type === 'radio') return key === 'Enter' || key === ' ' || (type === 'radio' && key.startsWith('Arrow'))
    return key !== 'Escape'
  }
  return (tag === 'BUTTON' || tag === 'A' || tag === 'SUMMARY') && (key === 'Enter' || key === ' ')
}
