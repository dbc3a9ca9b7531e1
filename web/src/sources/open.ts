// The three places: each finds its network and says with which picture to begin.
import type { Source } from '../source'
import * as api from './api'
import { EmbeddedFolder, type Package } from './embedded'
import { startLocal } from './local'
import { ServerFolder, ServerSource, type Start } from './server'

export interface Opened {
  readonly source: Source
  readonly first: string | null // the id of the picture to begin with, where somebody named one
}

/** `pellucid open`: a network that is small enough is computed here, a large one by the server. */
export async function openApp(): Promise<Opened> {
  const start = await api.get<Start>('start')
  const server = new ServerSource(start.graph, start.lacks)
  if (!start.local) return { source: server, first: start.first }
  const weights = await api.bytes('weights')
  try {
    const folder = new ServerFolder(start.lacks)
    return { source: await startLocal({ place: 'app', graph: start.graph, weights, folder }), first: start.first }
  } catch {
    return { source: server, first: start.first } // the server computes whatever there is
  }
}

/** A published page: everything stands in its own blocks (shipping/page.py). */
export async function openPage(): Promise<Opened> {
  const text = (id: string): string => {
    const found = document.getElementById(id)?.textContent
    if (found === null || found === undefined) throw new Error('This page has lost its data: export it again.')
    return found
  }
  const about = JSON.parse(text('pellucid-page')) as Package
  const [weights, pictures, epochs] = ['weights', 'pictures', 'epochs'].map((name) => fromBase64(text(`pellucid-${name}`)))
  return embedded('page', about, weights!, pictures!, epochs!)
}

/** What anywidget gives a cell: its traits. */
export interface WidgetModel {
  get(name: string): unknown
}

/** A notebook's cell: everything came with it (faces/widget.py). */
export async function openWidget(model: WidgetModel): Promise<Opened> {
  const bytes = (name: string): Uint8Array => {
    const value = model.get(name)
    if (value instanceof DataView) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    if (value instanceof ArrayBuffer) return new Uint8Array(value)
    throw new Error('This cell has lost its data: run it again.')
  }
  const about = model.get('package') as Package
  return embedded('widget', about, bytes('weights'), bytes('pictures'), bytes('epochs'))
}

async function embedded(
  place: Source['place'], about: Package, weights: Uint8Array, pictures: Uint8Array, epochs: Uint8Array,
): Promise<Opened> {
  // In buffers of their own: numbers of eight bytes are looked at where they lie.
  const own = (bytes: Uint8Array): ArrayBuffer => bytes.slice().buffer
  const folder = new EmbeddedFolder(about, pictures, own(epochs))
  const source = await startLocal({ place, graph: about.graph, weights: own(weights), folder })
  return { source, first: about.pictures.some((entry) => entry.id === 'given') ? 'given' : null }
}

function fromBase64(text: string): Uint8Array {
  const letters = atob(text)
  const bytes = new Uint8Array(letters.length)
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i)
  return bytes
}
