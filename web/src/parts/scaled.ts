// Small pictures as large as they are shown, each pixel a crisp block; large ones averaged. By hand, as what a browser
// needs to draw eighty small pictures on a canvas is mostly getting ready.

/** Where something goes: pixels, how many of them are beside one another, and the rectangle to fill. */
export interface Goal {
  readonly pixels: Uint32Array
  readonly across: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Where `before` stands there already, only the rows that differ are drawn; of what is averaged, all. */
export function scaled(from: Uint32Array, columns: number, goal: Goal, before: Uint32Array | null = null): void {
  if (columns > goal.width) shrunk(from, columns, goal)
  else enlarged(from, columns, goal, before)
}

function enlarged(from: Uint32Array, columns: number, { pixels, across, x, y, width, height }: Goal, before: Uint32Array | null): void {
  const rows = Math.floor(from.length / columns)
  const places = spread(columns, width)
  let above = -1
  let stands = false // this row, already
  for (let line = 0; line < height; line++) {
    const start = (y + line) * across + x
    const row = Math.floor(((line + 0.5) * rows) / height)
    if (row === above) {
      if (!stands) pixels.copyWithin(start, start - across, start - across + width)
      continue
    }
    above = row
    stands = before !== null && alike(from, before, row * columns, (row + 1) * columns)
    if (stands) continue
    for (let at = 0; at < width; at++) pixels[start + at] = from[row * columns + (places[at] as number)] as number
  }
}

function alike(one: Uint32Array, other: Uint32Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (one[i] !== other[i]) return false
  return true
}

let last = { columns: 0, places: new Uint16Array(0) } // a column's tiles are all of one size

/** Which column each pixel of a line shows. */
function spread(columns: number, width: number): Uint16Array {
  if (last.columns !== columns || last.places.length !== width) {
    last = { columns, places: Uint16Array.from({ length: width }, (_, at) => Math.floor(((at + 0.5) * columns) / width)) }
  }
  return last.places
}

/** Each pixel is the mean of those that it stands for. */
function shrunk(from: Uint32Array, columns: number, { pixels, across, x, y, width, height }: Goal): void {
  const rows = Math.floor(from.length / columns)
  for (let line = 0; line < height; line++) {
    const top = Math.floor((line * rows) / height)
    const bottom = Math.max(top + 1, Math.floor(((line + 1) * rows) / height))
    for (let place = 0; place < width; place++) {
      const left = Math.floor((place * columns) / width)
      const right = Math.max(left + 1, Math.floor(((place + 1) * columns) / width))
      let red = 0
      let green = 0
      let blue = 0
      for (let row = top; row < bottom; row++) {
        for (let at = row * columns + left; at < row * columns + right; at++) {
          const colour = from[at] as number
          red += colour & 255
          green += (colour >>> 8) & 255
          blue += (colour >>> 16) & 255
        }
      }
      const count = (bottom - top) * (right - left)
      pixels[(y + line) * across + x + place] = ((255 << 24) | (Math.round(blue / count) << 16) | (Math.round(green / count) << 8) | Math.round(red / count)) >>> 0
    }
  }
}

/** Nothing there. */
export function cleared({ pixels, across, x, y, width, height }: Goal): void {
  for (let line = 0; line < height; line++) pixels.fill(0, (y + line) * across + x, (y + line) * across + x + width)
}
