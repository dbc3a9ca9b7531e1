// A network that came with what it is shown in: a published page's blocks, or a notebook's bytes.
import type { Lacks, Picture } from '../source'
import type { GraphDocument, MistakesDocument, PictureEntry, ReplayDocument } from '../types'
import { decode } from './decode'
import type { Folder } from './folder'

/** What shipping/page.py and faces/widget.py write. `pictures` name their bytes by place; `epochs`, whose weights come
 *  one after the other. */
export interface Package {
  readonly graph: GraphDocument
  readonly lacks: Lacks
  readonly pictures: readonly (PictureEntry & { channels: 1 | 3; from: number; to: number })[]
  readonly mistakes: MistakesDocument | null
  readonly replay: ReplayDocument | null
  readonly epochs: readonly number[]
}

async function inflated(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream('deflate'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

export class EmbeddedFolder implements Folder {
  readonly lacks: Lacks

  constructor(private readonly about: Package, private readonly packed: Uint8Array, private readonly weights: ArrayBuffer) {
    this.lacks = about.lacks
  }

  async epoch(number: number): Promise<ArrayBuffer> {
    const place = this.about.epochs.indexOf(number)
    if (place < 0) throw new Error(`The weights of epoch ${number} are not in here.`)
    const size = this.weights.byteLength / this.about.epochs.length
    return this.weights.slice(place * size, (place + 1) * size)
  }

  async pictures(
    kind: 'test' | 'mistakes', from: number, count: number, truth?: number, answer?: number,
  ): Promise<readonly PictureEntry[]> {
    const cell = truth !== undefined || answer !== undefined
    const found = this.about.pictures.filter((entry) =>
      (kind === 'test' || (entry.truth !== null && entry.answer !== null && entry.truth !== entry.answer)) &&
      (truth === undefined || entry.truth === truth) && (answer === undefined || entry.answer === answer))
    if (kind === 'mistakes' || cell) found.sort((a, b) => (b.probability ?? 0) - (a.probability ?? 0))
    return found.slice(from, from + count)
  }

  async picture(id: string): Promise<Picture> {
    const entry = this.about.pictures.find((each) => each.id === id)
    if (!entry) throw new Error('This picture is not in here. pellucid open shows all of them.')
    const data = await inflated(this.packed.subarray(entry.from, entry.to))
    return { height: entry.height, width: entry.width, channels: entry.channels, data }
  }

  async mistakes(): Promise<MistakesDocument> {
    if (!this.about.mistakes) throw new Error(this.lacks.mistakes ?? 'The mistakes are not in here.')
    return this.about.mistakes
  }

  async replay(): Promise<ReplayDocument> {
    if (!this.about.replay) throw new Error(this.lacks.replay ?? 'The run is not in here.')
    return this.about.replay
  }

  async correct(): Promise<never> {
    throw new Error(this.lacks.correct ?? 'Labels are corrected in pellucid open.')
  }

  async build(): Promise<never> {
    throw new Error(this.lacks.build ?? 'Networks are tried in pellucid open.')
  }

  decode(file: File): Promise<Picture> {
    return decode(file)
  }
}
