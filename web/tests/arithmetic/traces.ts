// Reading golden traces, and comparing with them.
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Tensor } from '../../src/arithmetic/tensor'
import { tensor } from '../../src/arithmetic/tensor'
import type { Picture } from '../../src/source'
import type { GraphDocument } from '../../src/types'

export type Plain = number | 'NaN' | 'Infinity' | '-Infinity'

export interface Stored {
  shape: number[]
  dtype: string
  values: Plain[]
}

export function read(stored: Stored): Tensor {
  const found = tensor(stored.shape, stored.dtype)
  found.data.set(stored.values.map(Number))
  return found
}

export function bytesOf(base64: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(base64, 'base64')).buffer
}

/** A whole network with a picture; `golden/write.py` says what else a trace has. */
export interface NetworkTrace {
  name: string
  document: GraphDocument
  weights: string
  picture: { height: number; width: number; channels: 1 | 3; data: string }
}

export function networkTraces<T extends NetworkTrace>(): T[] {
  return JSON.parse(readFileSync(new URL('../../golden/networks.json', import.meta.url), 'utf8')) as T[]
}

export function pictureOf({ picture }: NetworkTrace): Picture {
  return { ...picture, data: new Uint8Array(bytesOf(picture.data)) }
}

/** Equal within 1e-5, of what is larger than 1 relative to it. */
export function near(found: unknown, wanted: unknown, place: string, tolerance = 1e-5): void {
  const [value, other] = [Number(found), Number(wanted)]
  if (Object.is(value, other) || value === other) return
  const difference = Math.abs(value - other)
  expect(difference, `${place}: ${value}, not ${other}`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(other)))
}

const NUMBER = /-?\d+(?:\.\d+)?(?:e[+-]\d+)?/g

/** The same words, and numbers that differ by no more than what six digits of a float32 show. */
export function sameText(found: string, wanted: string): void {
  expect(found.replace(NUMBER, '#')).toBe(wanted.replace(NUMBER, '#'))
  const numbers = (text: string) => (text.match(NUMBER) ?? []).map(Number)
  const others = numbers(wanted)
  numbers(found).forEach((value, n) => near(value, others[n]!, found, 1e-4))
}

/** The same all the way down: numbers within 1e-5, texts but for the last digits of their numbers. */
export function same(found: unknown, wanted: unknown, place = ''): void {
  if (typeof wanted === 'number' && typeof found === 'number') near(found, wanted, place)
  else if (typeof wanted === 'string' && typeof found === 'string') sameText(found, wanted)
  else if (Array.isArray(wanted) && Array.isArray(found)) {
    expect(found.length, place).toBe(wanted.length)
    wanted.forEach((each, n) => same(found[n], each, `${place}[${n}]`))
  } else if (wanted !== null && typeof wanted === 'object' && found !== null && typeof found === 'object') {
    for (const [key, each] of Object.entries(wanted)) same((found as Record<string, unknown>)[key], each, `${place}.${key}`)
  } else {
    expect(found, place).toEqual(wanted)
  }
}
