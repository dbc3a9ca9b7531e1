// What the explorer asks of whoever has the network: its description, values of a run, opened numbers, and the run's
// folder. Three places answer it: this file's implementers are LocalSource (arithmetic in the browser, from the graph
// document and the weights) and ServerSource (`pellucid open` of a large network). The views know nothing else.
import type {
  ExplanationDocument, GraphDocument, LevelDocument, MistakesDocument, PictureEntry, ReplayDocument, SummaryDocument,
} from './types'

/** Raw pixels as the model's file takes them: [height][width][channels], uint8, of any size. */
export interface Picture {
  readonly height: number
  readonly width: number
  readonly channels: 1 | 3
  readonly data: Uint8Array
}

/** What was changed by hand. Places are names as they stand on screen, with an index without the batch, channel first. */
export interface Edits {
  readonly pixels?: Picture // the picture painted over, whole
  readonly weights?: readonly { name: string; index: readonly number[]; value: number }[]
  readonly off?: readonly { name: string; channel: number }[] // feature maps set to zero
  readonly epoch?: number // the weights of a snapshot instead of the model's own
}

/** One forward pass. `number` names it for `values`, `open` and `why`; a source keeps the last few. */
export interface Run {
  readonly number: number
  readonly milliseconds: number
  readonly probabilities: readonly number[] // by class, in the order of graph.classes
  readonly logits: readonly number[] | null
}

/** Values of one tensor: channels first, without the batch; `strength` is each channel's mean absolute value. */
export interface Maps {
  readonly shape: readonly number[]
  readonly from: number // the first channel that `data` holds
  readonly data: Float32Array
  readonly order: readonly number[] // all channels, the strongest first
  readonly largest: number // the largest absolute value of the whole tensor: one scale for a layer
}

/** What can't be done here, by capability, each with a sentence for the reader that says what would help. */
export type Lacks = Partial<Record<'pictures' | 'mistakes' | 'correct' | 'replay' | 'build' | 'why' | 'edit', string>>

export interface Source {
  readonly place: 'app' | 'widget' | 'page'
  readonly graph: GraphDocument
  readonly lacks: Lacks
  run(picture: Picture, edits?: Edits, signal?: AbortSignal): Promise<Run>
  maps(run: number, name: string, channels?: readonly [from: number, to: number]): Promise<Maps>
  /** One value opened, with every term; as docs/explain.schema.json says it, and the window where one slides. */
  open(run: number, name: string, index: readonly number[]): Promise<LevelDocument>
  /** The part of the picture, as rows and columns of its own pixels [top, left, bottom, right] (last ones exclusive),
   *  that reaches this value. */
  field(run: number, name: string, index: readonly number[]): Promise<readonly [number, number, number, number]>
  /** The kernels of a layer [outputs][inputs][rows][columns], each output with the classical filter that is nearest. */
  kernels(name: string, edits?: Edits): Promise<{
    shape: readonly number[]; data: Float32Array; bias: Float32Array | null
    near: readonly ({ name: string; likeness: number; kernel: readonly (readonly number[])[] } | null)[]
  }>
  /** `soFar` comes once, before the deletion check, which takes 231 runs: the heatmap is there, the check isn't yet. */
  why(run: number, target: number, against: number | null, method: 'grad-cam' | 'occlusion',
      progress: (share: number, soFar?: ExplanationDocument) => void, signal?: AbortSignal): Promise<ExplanationDocument>
  /** Test pictures; `mistakes` the worst first; a cell of the confusion matrix where `truth` and `answer` are given. */
  pictures(kind: 'test' | 'mistakes', from: number, count: number, truth?: number, answer?: number): Promise<readonly PictureEntry[]>
  picture(id: string): Promise<Picture>
  mistakes(): Promise<MistakesDocument>
  correct(id: string, label: string | null): Promise<void>
  replay(): Promise<ReplayDocument>
  /** Shapes and parameters of a network in text: `pellucid summary --json`, or its error as a document. */
  build(text: string, input: string): Promise<SummaryDocument | { error: string; where?: string; received?: string; remedy?: string }>
  /** A file that was dropped or chosen, decoded as the command line decodes it where there is a server. A sentence is
   *  thrown as Error for what is no picture, too large or damaged. */
  decode(file: File): Promise<Picture>
}
