import { describe, expect, it } from 'vitest'
import { action, isTaken, KEYS } from '../../src/state/keys'

const press = (key: string, more = {}) => action({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more })

describe('keys', () => {
  it('move the window by one cell, with Shift by five', () => {
    expect(press('ArrowLeft')).toEqual({ do: 'move', rows: 0, columns: -1 })
    expect(press('ArrowDown', { shiftKey: true })).toEqual({ do: 'move', rows: 5, columns: 0 })
  })

  it('change channel and layer, open, go back, and list themselves', () => {
    expect(press('[')).toEqual({ do: 'channel', by: -1 })
    expect(press('>', { shiftKey: true })).toEqual({ do: 'layer', by: 1 })
    expect(press('Enter')).toEqual({ do: 'open' })
    expect(press('Backspace')).toEqual({ do: 'back' })
    expect(press('?', { shiftKey: true })).toEqual({ do: 'help' })
    expect(press('7')).toEqual({ do: 'mode', number: 6 })
  })

  it('leave the browser its own', () => {
    expect(press('ArrowLeft', { altKey: true })).toBeNull()
    expect(press('a', { ctrlKey: true })).toBeNull()
    expect(press('8')).toBeNull()
    expect(press('Tab')).toBeNull()
  })

  it('stay with whatever has the focus where it needs them', () => {
    expect(isTaken('TEXTAREA', '', 'a')).toBe(true)
    expect(isTaken('INPUT', 'text', 'Backspace')).toBe(true)
    expect(isTaken('INPUT', 'range', 'ArrowLeft')).toBe(true)
    expect(isTaken('INPUT', 'range', '?')).toBe(false)
    expect(isTaken('INPUT', 'checkbox', 'ArrowLeft')).toBe(false)
    expect(isTaken('BUTTON', '', 'Enter')).toBe(true)
    expect(isTaken('BUTTON', '', 'ArrowLeft')).toBe(false)
    expect(isTaken('TEXTAREA', '', 'Escape')).toBe(false)
    expect(isTaken('MAIN', '', 'Enter')).toBe(false)
  })

  it('are all in the list that ? shows', () => {
    const listed = KEYS.flatMap((row) => row.keys)
    const names: Record<string, string> = { '\u2190': 'ArrowLeft', '\u2191': 'ArrowUp', '\u2193': 'ArrowDown', '\u2192': 'ArrowRight', Esc: 'Escape' }
    for (const key of listed.filter((key) => key !== '\u2026')) expect(press(names[key] ?? key), key).not.toBeNull()
    for (const key of ['a', 'n', 'p', 'o', 's', 'w', '[', ']', '<', '>', '?', 'Enter', 'Backspace']) expect(listed).toContain(key)
  })
})
