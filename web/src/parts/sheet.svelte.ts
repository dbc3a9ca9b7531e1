// One canvas for all that is drawn of the network. To a browser each canvas of a page is a layer of its own, and so is
// what lies over it: a canvas for each column made sixty layers of a small network, all put together again at every piece
// of a stroke. Parts say what they look like and where; only what changed is drawn.
import { getContext, setContext } from 'svelte'

const KEY = Symbol('sheet')

/** What a part looks like, in the screen's own pixels, and where it stands, in the layout's. */
export interface Patch {
  readonly x: number
  readonly y: number
  readonly image: ImageData
}

/** The part of the stage that the canvas covers, and how many of the screen's pixels are one of the layout's. */
export interface Cover {
  readonly left: number
  readonly width: number
  readonly height: number
  readonly sharp: number
}

export class Sheet {
  cover = $state.raw<Cover>({ left: 0, width: 1, height: 1, sharp: 1 })
  #canvas: HTMLCanvasElement | null = null
  readonly #patches = new Map<object, Patch>()
  readonly #changed = new Set<object>()
  #afresh = false
  #waits = false

  /** Where it is drawn; the canvas takes the size that it needs. */
  use(canvas: HTMLCanvasElement, cover: Cover): void {
    this.#canvas = canvas
    this.cover = cover
    const { width, height, sharp } = cover
    canvas.width = Math.max(1, Math.round(width * sharp))
    canvas.height = Math.max(1, Math.round(height * sharp))
    this.#later(true)
  }

  put(part: object, patch: Patch): void {
    const before = this.#patches.get(part)
    const moved = before && (before.x !== patch.x || before.y !== patch.y || before.image.width !== patch.image.width || before.image.height !== patch.image.height)
    this.#patches.set(part, patch)
    this.#changed.add(part)
    this.#later(moved ?? false)
  }

  drop(part: object): void {
    this.#changed.delete(part)
    if (this.#patches.delete(part)) this.#later(true)
  }

  /** All that comes of one change is drawn together. */
  #later(afresh: boolean): void {
    this.#afresh ||= afresh
    if (this.#waits) return
    this.#waits = true
    queueMicrotask(() => this.#draw())
  }

  #draw(): void {
    this.#waits = false
    const context = this.#canvas?.getContext('2d')
    if (!this.#canvas || !context) return
    if (this.#afresh) context.clearRect(0, 0, this.#canvas.width, this.#canvas.height)
    const { left, sharp } = this.cover
    for (const part of this.#afresh ? this.#patches.keys() : this.#changed) {
      const { x, y, image } = this.#patches.get(part) as Patch
      context.putImageData(image, Math.round((x - left) * sharp), Math.round(y * sharp))
    }
    this.#changed.clear()
    this.#afresh = false
  }
}

/** For all parts beneath. */
export function provideSheet(): Sheet {
  return setContext(KEY, new Sheet())
}

export function sheetAbove(): Sheet {
  return getContext<Sheet>(KEY)
}
