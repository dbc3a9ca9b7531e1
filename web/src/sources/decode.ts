// A picture file read by the browser, where there is no server to read it: what is refused and how transparency and
// turned photographs come out is as on the command line.
import type { Picture } from '../source'

const LARGEST_FILE = 64 * 2 ** 20 // bytes
const MOST_PIXELS = 40_000_000
const KINDS = 'JPEG, PNG, WebP, GIF or BMP'

const starts = (bytes: Uint8Array, text: string, at = 0): boolean =>
  [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0))

/** What the first bytes say; only these kinds are handed to the browser's decoders. */
function kindOf(bytes: Uint8Array): string | null {
  if (starts(bytes, '\x89PNG\r\n\x1a\n')) return 'image/png'
  if (starts(bytes, '\xff\xd8\xff')) return 'image/jpeg'
  if (starts(bytes, 'RIFF') && starts(bytes, 'WEBP', 8)) return 'image/webp'
  if (starts(bytes, 'GIF87a') || starts(bytes, 'GIF89a')) return 'image/gif'
  if (starts(bytes, 'BM')) return 'image/bmp'
  return null
}

/** Whether the file has its end: browsers fill up a JPEG or PNG that was cut short. */
function isWhole(kind: string, bytes: Uint8Array): boolean {
  const tail = bytes.subarray(Math.max(0, bytes.length - 65_536))
  const has = (text: string): boolean => {
    for (let at = tail.length - text.length; at >= 0; at--) if (starts(tail, text, at)) return true
    return false
  }
  if (kind === 'image/jpeg') return has('\xff\xd9')
  if (kind === 'image/png') return has('IEND')
  return true
}

/** Width and height as a PNG's or GIF's header says them, before anything is decoded. */
function declared(kind: string, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (kind === 'image/png' && bytes.length >= 24) return view.getUint32(16) * view.getUint32(20)
  if (kind === 'image/gif' && bytes.length >= 10) return view.getUint16(6, true) * view.getUint16(8, true)
  return 0
}

export async function decode(file: File): Promise<Picture> {
  const say = (text: string): Error => new Error(`${file.name}: ${text}`)
  if (file.size > LARGEST_FILE) {
    throw say(`${Math.ceil(file.size / 2 ** 20)} MB is too much for a picture: ${LARGEST_FILE / 2 ** 20} MB at most.`)
  }
  if (file.size === 0) throw say('The file is empty: it is no picture.')
  const bytes = new Uint8Array(await file.arrayBuffer())
  const kind = kindOf(bytes)
  if (kind === null) throw say(`Not a ${KINDS} picture. Save it as JPEG or PNG.`)
  if (!isWhole(kind, bytes)) throw say('The picture is cut short. Copy it again.')
  const many = (count: number): Error =>
    say(`The picture has ${count.toLocaleString('en')} pixels: ${MOST_PIXELS.toLocaleString('en')} at most.`)
  if (declared(kind, bytes) > MOST_PIXELS) throw many(declared(kind, bytes))
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(new Blob([bytes], { type: kind }), { colorSpaceConversion: 'none' })
  } catch {
    throw say('The picture is damaged, or of a kind that this browser does not read. Save it as PNG.')
  }
  const { width, height } = bitmap
  try {
    if (width * height > MOST_PIXELS) throw many(width * height)
    const canvas = document.createElement('canvas')
    canvas.width = width
    canvas.height = height
    const context = canvas.getContext('2d', { willReadFrequently: true })
    if (!context) throw say('This browser gives no canvas to read the picture from.')
    context.fillStyle = 'white' // what is see-through stands on white
    context.fillRect(0, 0, width, height)
    context.drawImage(bitmap, 0, 0)
    return pixels(context.getImageData(0, 0, width, height).data, height, width)
  } finally {
    bitmap.close()
  }
}

/** Without the fourth number; one channel where all three are equal everywhere. */
function pixels(rgba: Uint8ClampedArray, height: number, width: number): Picture {
  let grey = true
  for (let i = 0; i < rgba.length && grey; i += 4) grey = rgba[i] === rgba[i + 1] && rgba[i] === rgba[i + 2]
  const channels = grey ? 1 : 3
  const data = new Uint8Array(height * width * channels)
  for (let i = 0, j = 0; i < rgba.length; i += 4) {
    for (let c = 0; c < channels; c++) data[j++] = rgba[i + c]!
  }
  return { height, width, channels, data }
}
