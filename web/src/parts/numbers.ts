// Numbers as a reader sees them: a true minus, as many digits as help, words where there is no number.

import type { Figure } from '../types'

const MINUS = '\u2212'
const NO_MINUS = new RegExp(`^${MINUS}(0(\\.0+)?)$`) // what rounds to 0 has no sign
const COUNTS = new Intl.NumberFormat('en-US') // made once: making it takes longer than what it does

/** JSON's figures as numbers: what it lacks stands there as words. */
export function real(value: Figure | null | undefined): number {
  if (value === null || value === undefined) return NaN
  return typeof value === 'number' ? value : Number(value)
}

function tidy(text: string): string {
  return text.replaceAll('-', MINUS)
}

/** With `digits` behind the point; very large and very small ones by powers of ten. */
export function fixed(value: number, digits = 4): string {
  if (Number.isNaN(value)) return 'no number'
  if (!Number.isFinite(value)) return value > 0 ? '\u221e' : `${MINUS}\u221e`
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e6 || size < 0.5 * 10 ** -digits)) return tidy(value.toExponential(2)).replace('e+', 'e')
  return tidy(value.toFixed(digits)).replace(NO_MINUS, '$1')
}

/** With its sign, also where it is positive: the parts of a sum. */
export function signed(value: number, digits = 4): string {
  const text = fixed(value, digits)
  return value > 0 || Object.is(value, 0) ? `+${text}` : text
}

/** A value between 0 and 1 with four digits: what rounds to 1 without being it says so. */
export function share(value: number): string {
  return value < 1 && value >= 0.99995 ? '>0.9999' : fixed(value)
}

/** A class' score where the answer's list has room for two digits: what is smaller is 0.00, never a power of ten. */
export function score(value: number): string {
  return fixed(Math.abs(value) < 0.005 ? 0 : value, 2)
}

/** Short, for the cells of a grid: three characters of the number or so. */
export function brief(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (size >= 9999.5) return tidy(value.toExponential(0)).replace('e+', 'e')
  if (size >= 99.95) return tidy(value.toFixed(0))
  if (size >= 9.995) return tidy(value.toFixed(1))
  if (size < 0.005) return '0.00'
  return tidy(value.toFixed(2))
}

/** The end of a scale: two digits, however small. */
export function ends(value: number): string {
  const size = Math.abs(value)
  return size > 0 && size < 0.1 ? tidy(size < 1e-4 ? value.toExponential(1) : value.toPrecision(2)) : brief(value)
}

/** A difference that should be nothing: one digit and its power of ten. */
export function tiny(value: number): string {
  if (Number.isNaN(value)) return 'no number'
  return value === 0 ? '0' : tidy(value.toExponential(0))
}

/** A probability: percent, never a rounded 0 or 100 that isn't one. */
export function percent(share: number): string {
  if (Number.isNaN(share)) return 'no number'
  if (share > 0.9995 && share < 1) return '>99.9%'
  if (share > 0 && share < 0.0005) return '<0.1%'
  return `${(100 * share).toFixed(1)}%`
}

export function count(value: number): string {
  return COUNTS.format(value)
}

/** [height, width, channels] in the order of a tensor without the batch, channels first, as it stands on screen. */
export function shapeText(shape: readonly number[]): string {
  const [channels, ...space] = shape
  if (shape.length < 2) return shape.length ? count(channels as number) : '1'
  return [...space, channels].join(' \u00d7 ')
}

export function placeText(name: string, index: readonly number[]): string {
  return `${name}[${index.join(',')}]`
}

/** `word` with its number, in the plural where English has one. */
export function counted(number: number, word: string): string {
  return `${count(number)} ${word}${number === 1 ? '' : 's'}`
}
