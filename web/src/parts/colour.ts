// Signed values as colours: one diverging scale whose zero is the ground itself, blue above and orange below (told apart
// with every common colour blindness, and by lightness in neither: signs also stand beside the numbers).

export type Theme = 'light' | 'dark'
type Rgb = readonly [number, number, number]

const ENDS: Record<Theme, { ground: Rgb; above: readonly Rgb[]; below: readonly Rgb[] }> = {
  light: {
    ground: [252, 252, 251],
    above: [[178, 208, 238], [74, 144, 211], [8, 64, 129]],
    below: [[250, 205, 160], [229, 130, 48], [127, 50, 0]],
  },
  dark: {
    ground: [18, 20, 22],
    above: [[26, 66, 108], [61, 134, 205], [190, 222, 252]],
    below: [[98, 50, 14], [206, 112, 38], [253, 216, 178]],
  },
}
const STEPS = 255

function along(stops: readonly Rgb[], share: number): Rgb {
  const at = share * (stops.length - 1)
  const left = Math.min(stops.length - 2, Math.floor(at))
  const from = stops[left] as Rgb
  const to = stops[left + 1] as Rgb
  const mix = (i: 0 | 1 | 2): number => Math.round(from[i] + (to[i] - from[i]) * (at - left))
  return [mix(0), mix(1), mix(2)]
}

/** Relative luminance (WCAG 2.2): above 0.179 black stands out more than white. */
function luminance(...parts: [number, number, number]): number {
  const [r, g, b] = parts.map((part) => (part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4)) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** 511 colours from the most negative to the most positive, as 0xAABBGGRR for an ImageData's 32-bit view. */
function table(theme: Theme): { packed: Uint32Array; css: string[]; ink: Uint32Array } {
  const { ground, above, below } = ENDS[theme]
  const packed = new Uint32Array(2 * STEPS + 1)
  const css: string[] = []
  const ink = new Uint32Array(packed.length)
  for (let i = -STEPS; i <= STEPS; i++) {
    const [r, g, b] = along([ground, ...(i < 0 ? below : above)], Math.abs(i) / STEPS)
    packed[i + STEPS] = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0
    css.push(`rgb(${r} ${g} ${b})`)
    ink[i + STEPS] = luminance(r, g, b) > 0.179 ? 0xff000000 : 0xffffffff
  }
  return { packed, css, ink }
}

const TABLES: Record<Theme, ReturnType<typeof table>> = { light: table('light'), dark: table('dark') }

/** Where a value stands on the scale of +-largest: 0 to 510, zero in the middle. What is no number stands at zero. */
export function step(value: number, largest: number): number {
  if (!(largest > 0) || Number.isNaN(value)) return STEPS
  return STEPS + Math.round(Math.max(-1, Math.min(1, value / largest)) * STEPS)
}

/** The colour of a value, 0xAABBGGRR as all of these. */
export function colour(theme: Theme, value: number, largest: number): number {
  return TABLES[theme].packed[step(value, largest)] as number
}

/** Ink that can be read on that colour: black or white, whichever stands out more (always 4.5 : 1 or better). */
export function inkOn(theme: Theme, value: number, largest: number): number {
  return TABLES[theme].ink[step(value, largest)] as number
}

/** Lines on the ground that say: nothing is here. */
export function quiet(theme: Theme): number {
  return theme === 'light' ? 0xffe3e1df : 0xff3e3933
}

/** Values as pixels, from `offset` on. */
export function paint(theme: Theme, values: ArrayLike<number>, offset: number, largest: number, into: Uint32Array): void {
  const colours = TABLES[theme].packed
  const scale = largest > 0 ? STEPS / largest : 0
  for (let i = 0; i < into.length; i++) {
    const value = values[offset + i] as number
    const at = value * scale
    into[i] = colours[STEPS + (at > STEPS ? STEPS : at < -STEPS ? -STEPS : Math.round(at) || 0)] as number
  }
}

/** The scale itself, as a CSS gradient from -largest to +largest. */
export function gradient(theme: Theme): string {
  const { css } = TABLES[theme]
  const stops = Array.from({ length: 17 }, (_, i) => css[Math.round((i / 16) * 2 * STEPS)])
  return `linear-gradient(to right, ${stops.join(', ')})`
}

/** A heatmap over a picture: nothing where it is 0, the accent's colour where it is 1. */
export function heat(values: readonly (readonly number[])[], theme: Theme): { width: number; height: number; data: Uint8ClampedArray<ArrayBuffer> } {
  const height = values.length
  const width = values[0]?.length ?? 0
  const data = new Uint8ClampedArray(4 * width * height)
  const top = Math.max(1e-12, ...values.map((row) => Math.max(...row.map(Math.abs))))
  const up: Rgb = theme === 'light' ? [214, 0, 92] : [255, 92, 160]
  const down: Rgb = theme === 'light' ? [0, 92, 170] : [96, 176, 255]
  values.forEach((row, y) => row.forEach((value, x) => {
    const [r, g, b] = value < 0 ? down : up
    data.set([r, g, b, Math.round(215 * Math.pow(Math.abs(value) / top, 0.8))], 4 * (y * width + x))
  }))
  return { width, height, data }
}
