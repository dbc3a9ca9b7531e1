// Cells of a table of numbers, written into a picture's pixels by hand. A canvas that is drawn on would have to be read
// again for each piece of a stroke, and what is read stays until the browser's next long pause; so each text is drawn
// once, and kept as how much of each pixel it covers.
import { scratch } from './sharp'

const FONT = 'Inter, "Helvetica Neue", "Segoe UI", Roboto, "Noto Sans", Arial, system-ui, sans-serif'
const MOST = 1000 // masks of cells of one size: there are about 600 numbers of two decimals between -3 and 3
const SIZES = 8
const own = scratch()
const known = new Map<string, Map<string, Uint8Array>>()

/** How cells of one size are written: `width` x `height` of the screen's pixels, `sharp` of them for one of the layout's. */
export class Hand {
  readonly #masks: Map<string, Uint8Array>

  constructor(readonly width: number, readonly height: number, private readonly sharp: number) {
    const size = `${width} ${height} ${sharp}`
    if (!known.has(size) && known.size >= SIZES) known.clear()
    this.#masks = known.get(size) ?? new Map<string, Uint8Array>()
    known.set(size, this.#masks)
  }

  /** How much of each pixel the text covers, 0 to 255; of no text, the slanted lines of padding. Null without a canvas. */
  mask(text: string | null): Uint8Array | null {
    const name = text ?? 'padding'
    const found = this.#masks.get(name)
    if (found) return found
    const { width, height, sharp } = this
    const context = own(width, height)
    if (!context) return null
    context.setTransform(sharp, 0, 0, sharp, 0, 0)
    context.clearRect(0, 0, width, height)
    const [across, down] = [width / sharp, height / sharp]
    if (text === null) {
      context.beginPath()
      for (let at = 4; at < across + down; at += 6) {
        context.moveTo(Math.min(across, at), Math.max(0, at - across))
        context.lineTo(Math.max(0, at - down), Math.min(down, at))
      }
      context.stroke()
    } else {
      context.font = `500 11px ${FONT}`
      context.textAlign = 'center'
      context.textBaseline = 'middle'
      context.fillText(text, across / 2, down / 2 + 0.5, across - 1)
    }
    const { data } = context.getImageData(0, 0, width, height)
    const made = new Uint8Array(width * height)
    for (let i = 0; i < made.length; i++) made[i] = data[4 * i + 3] as number
    if (this.#masks.size >= MOST) this.#masks.clear()
    this.#masks.set(name, made)
    return made
  }
}

/** Fills a cell of a picture that is `across` pixels wide, and writes over it in ink as far as the mask covers it. */
export function fill(
  pixels: Uint32Array, across: number, x: number, y: number, width: number, height: number, ground: number,
  mask: Uint8Array | null, ink: number,
): void {
  for (let row = 0; row < height; row++) {
    const start = (y + row) * across + x
    pixels.fill(ground, start, start + width)
    if (!mask) continue
    for (let i = 0; i < width; i++) {
      const share = mask[row * width + i] as number
      if (share) pixels[start + i] = mixed(ground, ink, share)
    }
  }
}

/** Of two opaque colours, 0xAABBGGRR: `share` of 255 parts of the second. */
export function mixed(first: number, second: number, share: number): number {
  const part = (shift: number): number => {
    const from = (first >>> shift) & 255
    return Math.round(from + ((((second >>> shift) & 255) - from) * share) / 255) << shift
  }
  return ((255 << 24) | part(16) | part(8) | part(0)) >>> 0
}
