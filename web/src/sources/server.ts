// A network that the local server computes, as it is too large for the browser; and the run's folder behind either.
import type { Edits, Lacks, Maps, Picture, Run, Source } from '../source'
import type {
  ExplanationDocument, Figure, GraphDocument, LevelDocument, MistakesDocument, PictureEntry, ReplayDocument,
} from '../types'
import * as api from './api'
import type { Folder } from './folder'

/** The first answer of the server: what there is. `local`: small enough to be computed here; `first`, the id of the
 *  picture that was named on the command line. */
export interface Start {
  readonly graph: GraphDocument
  readonly lacks: Lacks
  readonly local: boolean
  readonly first: string | null
}

interface Size { height: number; width: number; channels: 1 | 3 }

const number = (figure: Figure): number => (typeof figure === 'number' ? figure : Number(figure))
const query = (values: Record<string, string | number | undefined>): string =>
  new URLSearchParams(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  ).toString()

function picture({ head, bytes }: api.Framed<Size>): Picture {
  return { height: head.height, width: head.width, channels: head.channels, data: new Uint8Array(bytes) }
}

/** What the server is told of edits: the painted picture is sent as the picture itself. */
function edited(edits?: Edits): object {
  return {
    ...(edits?.weights?.length ? { weights: edits.weights } : {}),
    ...(edits?.off?.length ? { off: edits.off } : {}),
    ...(edits?.epoch === undefined ? {} : { epoch: edits.epoch }),
  }
}

/** The run's folder, the data and files that are dropped: the command line's own reading of them. */
export class ServerFolder implements Folder {
  constructor(readonly lacks: Lacks) {}

  epoch(number: number): Promise<ArrayBuffer> {
    return api.bytes(`weights?${query({ epoch: number })}`)
  }

  pictures(
    kind: 'test' | 'mistakes', from: number, count: number, truth?: number, answer?: number,
  ): Promise<readonly PictureEntry[]> {
    return api.get(`pictures?${query({ kind, first: from, count, truth, answer })}`)
  }

  async picture(id: string): Promise<Picture> {
    return picture(await api.frame<Size>(`picture/${encodeURIComponent(id)}`))
  }

  mistakes(): Promise<MistakesDocument> {
    return api.get('mistakes')
  }

  async correct(id: string, label: string | null): Promise<void> {
    await api.post('correct', { id, label })
  }

  replay(): Promise<ReplayDocument> {
    return api.get('replay')
  }

  build(text: string, input: string): ReturnType<Source['build']> {
    return api.post('build', { text, input })
  }

  async decode(file: File): Promise<Picture> {
    if (file.size > api.LARGEST_FILE) {
      const size = Math.ceil(file.size / 2 ** 20).toLocaleString('en')
      throw new Error(`${file.name} has ${size} MB: ${api.LARGEST_FILE / 2 ** 20} MB at most are taken as a picture.`)
    }
    if (file.size === 0) throw new Error(`${file.name} is empty: it is no picture.`)
    try {
      return picture(await api.sent<Size>('decode', file))
    } catch (error) {
      throw error instanceof Error ? new Error(`${file.name}: ${error.message}`) : error
    }
  }
}

export class ServerSource extends ServerFolder implements Source {
  readonly place = 'app'

  constructor(readonly graph: GraphDocument, lacks: Lacks) {
    super(lacks)
  }

  async run(given: Picture, edits?: Edits, signal?: AbortSignal): Promise<Run> {
    const shown = edits?.pixels ?? given
    const { height, width, channels, data } = shown
    const response = await api.send('run', data, { height, width, channels, edits: edited(edits) }, signal)
    const run = (await response.json()) as {
      number: number; milliseconds: number; probabilities: Figure[]; logits: Figure[] | null
    }
    return { ...run, probabilities: run.probabilities.map(number), logits: run.logits?.map(number) ?? null }
  }

  async maps(run: number, name: string, channels?: readonly [from: number, to: number]): Promise<Maps> {
    const [first, last] = channels ?? [0, undefined]
    const { head, bytes } = await api.frame<{ shape: number[]; from: number; order: number[]; largest: Figure }>(
      `maps?${query({ run, name, first, last })}`,
    )
    return { ...head, largest: number(head.largest), data: new Float32Array(bytes) }
  }

  open(run: number, name: string, index: readonly number[]): Promise<LevelDocument> {
    return api.post('open', { run, name, index })
  }

  field(run: number, name: string, index: readonly number[]): Promise<readonly [number, number, number, number]> {
    return api.post('field', { run, name, index })
  }

  async kernels(name: string, edits?: Edits): ReturnType<Source['kernels']> {
    type Head = { shape: number[]; near: Awaited<ReturnType<Source['kernels']>>['near']; bias: boolean }
    const { head, bytes } = await api.frame<Head>('kernels', { name, edits: edited(edits) })
    const count = head.shape.reduce((product, n) => product * n, 1)
    return {
      shape: head.shape,
      data: new Float32Array(bytes, 0, count),
      bias: head.bias ? new Float32Array(bytes, 4 * count) : null,
      near: head.near,
    }
  }

  async why(
    run: number, target: number, against: number | null, method: 'grad-cam' | 'occlusion',
    progress: (share: number, soFar?: ExplanationDocument) => void, signal?: AbortSignal,
  ): Promise<ExplanationDocument> {
    let found: ExplanationDocument | undefined
    await api.lines<{ share?: number; so_far?: ExplanationDocument; document?: ExplanationDocument }>(
      'why', { run, target, against, method },
      (line) => {
        if (line.share !== undefined) progress(line.share)
        if (line.so_far) progress(0, line.so_far)
        if (line.document) found = line.document
      },
      signal,
    )
    if (!found) throw new Error('The explanation was cut short. Ask again.')
    return found
  }
}
