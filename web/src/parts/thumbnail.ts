// A picture drawn small: crisp where it is enlarged, averaged where it shrinks.
import type { Picture } from '../source'

/** The picture as an RGBA canvas of its own size. */
export function canvasOf(picture: Picture): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = picture.width
  canvas.height = picture.height
  const context = canvas.getContext('2d')
  if (!context) return canvas
  const image = context.createImageData(picture.width, picture.height)
  const { channels, data } = picture
  for (let i = 0, n = picture.width * picture.height; i < n; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = data[i * channels + (channels === 3 ? c : 0)] as number
    image.data[4 * i + 3] = 255
  }
  context.putImageData(image, 0, 0)
  return canvas
}

export function thumbnail(canvas: HTMLCanvasElement, picture: Picture, size: number): void {
  const scale = Math.min(size / picture.width, size / picture.height)
  const sharp = globalThis.devicePixelRatio || 1
  canvas.width = Math.max(1, Math.round(picture.width * scale * sharp))
  canvas.height = Math.max(1, Math.round(picture.height * scale * sharp))
  canvas.style.width = `${picture.width * scale}px`
  canvas.style.height = `${picture.height * scale}px`
  const context = canvas.getContext('2d')
  if (!context) return
  context.imageSmoothingEnabled = scale * sharp < 1
  context.imageSmoothingQuality = 'high'
  context.drawImage(canvasOf(picture), 0, 0, canvas.width, canvas.height)
}
