// How many of the screen's own pixels a canvas has for each of the layout's. The whole explorer may be zoomed; asking the
// browser by how much would have it lay the page out each time, so what stands at the top tells.
import { getContext, setContext } from 'svelte'

const KEY = Symbol('zoom')

/** For all parts beneath. */
export function zoomed(zoom: () => number): void {
  setContext(KEY, zoom)
}

/** To be asked for while a part is made; the answer then follows the zoom. */
export function sharpness(): () => number {
  const zoom = getContext<(() => number) | undefined>(KEY)
  return () => (globalThis.devicePixelRatio || 1) * (zoom?.() ?? 1)
}

type Drawn = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D

/** A canvas that is on no page, to draw on and be read from; a context that starts afresh where the size changes. Text on
 *  a page's own canvas, or another canvas drawn on it, would have the browser lay the page out before each. */
export function scratch(): (width: number, height: number) => Drawn | null {
  let canvas: HTMLCanvasElement | OffscreenCanvas | null = null
  return (width, height) => {
    canvas ??= typeof OffscreenCanvas === 'undefined' ? document.createElement('canvas') : new OffscreenCanvas(1, 1)
    if (canvas.width !== width) canvas.width = width
    if (canvas.height !== height) canvas.height = height
    return canvas.getContext('2d', { willReadFrequently: true }) as Drawn | null
  }
}
