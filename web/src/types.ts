// Made from src/pellucid/inside/explorer_schema.py by web/make_types.py: change that, and run it again.

/** A number, or the word for one that JSON lacks. */
export type Figure = number | 'NaN' | 'Infinity' | '-Infinity'

/** What an attribute may be. */
export type JsonValue =
  | number | string | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

/** How the classes' answer is read. `probabilities` is the output tensor; `ending` what makes probabilities of it:
 * "" it has them, "softmax" or "divided by their sum". `scores` is the tensor that explanations begin at (logits,
 * where a softmax follows: `logits`). `start` is the network's floating point input; `layer`, the tensor whose maps
 * Grad-CAM weighs; null where there is none, and `lacking` says why. */
export interface AnswerDocument {
  readonly probabilities: string
  readonly ending: '' | 'softmax' | 'divided by their sum'
  readonly scores: string | null
  readonly logits: boolean
  readonly start: string | null
  readonly layer: string | null
  readonly lacking: readonly string[]
}

/** A class and its probability. */
export interface ClassDocument {
  readonly label: string
  readonly probability: number
}

/** One class: how many pictures, and the shares; null means 0/0. */
export interface ClassFiguresDocument {
  readonly label: string
  readonly count: number
  readonly precision: number | null
  readonly recall: number | null
  readonly f1: number | null
}

/** A hand-made filter in a frame of a learned kernel's size, of length 1: what learned ones are held against.
 * `name` is its name in filters, `title` its words, `shift` how far its middle lies below and right of the frame's. */
export interface ClassicalDocument {
  readonly name: string
  readonly title: string
  readonly shift: readonly number[]
  readonly enlarged: boolean
  readonly kernel: readonly (readonly number[])[]
}

/** The check of a heatmap: the class' probability while the most important pixels are replaced, and by chance. */
export interface DeletionDocument {
  readonly shares: readonly number[]
  readonly probabilities: readonly number[]
  readonly area: number
  readonly random_areas: readonly number[]
  readonly faithful: boolean
  readonly verdict: string
}

/** input x (weight_a - weight_b). */
export interface DifferenceTerm {
  readonly index: readonly number[]
  readonly input: Figure
  readonly weight_a: Figure
  readonly weight_b: Figure
  readonly product: Figure
}

/** One finished epoch, counted from 1. `kept`: its weights are there to be replayed. */
export interface EpochDocument {
  readonly epoch: number
  readonly loss: number
  readonly accuracy: number
  readonly validation_loss: number
  readonly validation_accuracy: number
  readonly learning_rate: number
  readonly seconds: number
  readonly best: boolean
  readonly kept: boolean
}

/** What `explain MODEL IMAGE` prints. */
export interface ExplanationDocument {
  readonly model: string
  readonly label: string
  readonly probability: number
  readonly top: readonly ClassDocument[]
  readonly explained: string
  readonly versus: VersusDocument | null
  readonly trail: readonly StepDocument[]
  readonly heatmap: HeatmapDocument | null
  readonly lacking: readonly string[]
  readonly assumed: readonly string[]
}

/** The pixels that reach a value: first and last row and column, how many, and whether that is exact. */
export interface FieldDocument {
  readonly rows: readonly [number, number]
  readonly columns: readonly [number, number]
  readonly pixels: number
  readonly exact: boolean
}

/** What the card says the network was measured at; null where nothing was. */
export interface FiguresDocument {
  readonly validation_accuracy: number | null
  readonly test_accuracy: number | null
  readonly test_interval: readonly [number, number] | null
  readonly test_count: number
  readonly epoch: number | null
  readonly data: string | null
}

/** How each figure of a layer comes about, with its numbers put in. */
export interface FormulasDocument {
  readonly shape: string
  readonly parameters: string
  readonly mult_adds: string
  readonly receptive_field: string
}

/** The classical filters for kernels of one size, in their order; `thresholds`, by the number of channels, from
 * which likeness on they count as near. */
export interface FrameDocument {
  readonly height: number
  readonly width: number
  readonly thresholds: { readonly [name: string]: number }
  readonly filters: readonly ClassicalDocument[]
}

/** All that a view needs to know of a network. `fingerprint` is the file's sha256, `versions` what wrote this.
 *
 * `named` is False where the file doesn't say what its classes are called: they are numbers then. `nodes` begin at
 * the network's input; what prepares the picture depends on the picture's size and follows from `input`.
 * `weight_bytes` is how many bytes of weights there are. */
export interface GraphDocument {
  readonly format: 1
  readonly title: string
  readonly file: string
  readonly fingerprint: string
  readonly versions: { readonly [name: string]: string }
  readonly network: string | null
  readonly classes: readonly string[]
  readonly named: boolean
  readonly input: InputDocument
  readonly answer: AnswerDocument
  readonly nodes: readonly NodeDocument[]
  readonly tensors: readonly TensorDocument[]
  readonly weights: readonly WeightDocument[]
  readonly weight_bytes: number
  readonly layers: readonly LayerDocument[]
  readonly parameters: number
  readonly mult_adds: number
  readonly values: number
  readonly classical: readonly FrameDocument[]
  readonly figures: FiguresDocument | null
}

/** Where the picture speaks for the class. `values` in rows, evenly over `frame`: top, left, height, width in pixels
 * of the picture, which it may reach out of. `weights` are Grad-CAM's, one for each channel of `layer`. */
export interface HeatmapDocument {
  readonly method: string
  readonly path: string | null
  readonly layer: string | null
  readonly weights: readonly number[] | null
  readonly values: readonly (readonly number[])[]
  readonly frame: readonly [number, number, number, number]
  readonly deletion: DeletionDocument | null
}

/** What stands between a picture and the network: raw pixels, any size -> resized by `fit` to height x width,
 * brought to `channels`, then scale x pixel + shift by channel, which is (pixel - mean) / deviation.
 *
 * `picture` and `input` are the tensors at its ends. `raw`: the network takes whole pixels, so nothing is scaled.
 * `bgr`: blue comes first; `channel_last`: the network's input is [height, width, channels]. `renamed`: tensors of
 * the preprocessing whose usual names the file has given away. `assumed`: what a file without a card left open. */
export interface InputDocument {
  readonly picture: string
  readonly input: string
  readonly height: number
  readonly width: number
  readonly channels: 1 | 3
  readonly fit: 'stretch' | 'pad' | 'crop'
  readonly scale: readonly number[]
  readonly shift: readonly number[]
  readonly mean: readonly number[]
  readonly deviation: readonly number[]
  readonly raw: boolean
  readonly bgr: boolean
  readonly channel_last: boolean
  readonly renamed: { readonly [name: string]: string }
  readonly own: boolean
  readonly assumed: readonly string[]
}

/** A row of the summary table, and a column of the explorer. `kind` is one word, `operation` its whole text,
 * `words` a sentence for somebody who sees it for the first time. `shape` is channel last, as in the table; `maps`,
 * the tensor's own shape, channel first.
 *
 * `inputs` are the names of the layers that feed it ("input" is the network's own); `stage` numbers those that are
 * bracketed together (conv, relu, pool), from 0; `column` and `row` say where the stage stands: as far right as its
 * longest way from the input, branches under one another. `nodes` are the graph's nodes that it consists of;
 * `weights`, the constants it takes in. */
export interface LayerDocument {
  readonly name: string
  readonly tensor: string
  readonly kind: string
  readonly family: 'convolution' | 'dense' | 'pooling' | 'normalisation' | 'activation' | 'join' | 'softmax' | 'reshape' | 'other'
  readonly operation: string
  readonly words: string
  readonly shape: readonly number[]
  readonly maps: readonly number[]
  readonly values: number
  readonly parameters: number
  readonly mult_adds: number
  readonly receptive_field: readonly number[]
  readonly formulas: FormulasDocument
  readonly inputs: readonly string[]
  readonly stage: number
  readonly column: number
  readonly row: number
  readonly nodes: readonly string[]
  readonly weights: readonly string[]
}

/** An opened value. `value` is what the runtime stored, `sum` what its terms or formula come to.
 *
 * A sum has `terms` (the products, before the `divisor`) and a `bias`; any other operation has `operands` and its
 * `formula` with the numbers put in. `remainder` stands for the terms that aren't listed. `window` says how they lie,
 * where a window slides and every term is listed. `chosen` is the operand that decided (a maximum's winner). */
export interface LevelDocument {
  readonly name: string
  readonly index: readonly number[]
  readonly axes: readonly string[]
  readonly kind: string
  readonly operation: string
  readonly value: Figure
  readonly sum: Figure | null
  readonly difference: Figure | null
  readonly closes: boolean | null
  readonly terms: readonly TermDocument[] | null
  readonly operands: readonly TermDocument[] | null
  readonly remainder: Remainder | null
  readonly bias: Figure | null
  readonly bias_source: PlaceDocument | null
  readonly divisor: Figure | null
  readonly facts: { readonly [name: string]: Figure }
  readonly formula: string | null
  readonly note: string
  readonly reason: string
  readonly window?: WindowDocument | null
  readonly chosen?: number | null
}

/** The test part in figures: `confusion` has the true class in rows, the answer in columns. `count` pictures,
 * `wrong` of them answered wrongly; `worst`, the surest mistakes first; `corrections`, how many labels were changed by
 * hand since, and the file they are in. */
export interface MistakesDocument {
  readonly classes: readonly string[]
  readonly accuracy: number
  readonly interval: readonly [number, number]
  readonly count: number
  readonly wrong: number
  readonly confusion: readonly (readonly number[])[]
  readonly per_class: readonly ClassFiguresDocument[]
  readonly worst: readonly PictureEntry[]
  readonly corrections: number
  readonly corrections_file: string | null
}

/** One node of the graph: `kind` in words, ONNX's `type`, and the `operation` that it executes (module and class
 * of network/operations) with its attributes; null where it isn't known, and `unknown` says why. `inputs` are the
 * tensors that are its operands, "" for one left out; `aliases`, other names it answers to. */
export interface NodeDocument {
  readonly name: string
  readonly kind: string
  readonly type: string
  readonly operation: string | null
  readonly attributes: { readonly [name: string]: JsonValue }
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly aliases: readonly string[]
  readonly unknown: string | null
}

/** What `explain --at` prints: the opened value, with its receptive field, or what it reaches. */
export interface OpenedDocument {
  readonly name: string
  readonly index: readonly number[]
  readonly axes: readonly string[]
  readonly kind: string
  readonly operation: string
  readonly value: Figure
  readonly sum: Figure | null
  readonly difference: Figure | null
  readonly closes: boolean | null
  readonly terms: readonly TermDocument[] | null
  readonly operands: readonly TermDocument[] | null
  readonly remainder: Remainder | null
  readonly bias: Figure | null
  readonly bias_source: PlaceDocument | null
  readonly divisor: Figure | null
  readonly facts: { readonly [name: string]: Figure }
  readonly formula: string | null
  readonly note: string
  readonly reason: string
  readonly window?: WindowDocument | null
  readonly chosen?: number | null
  readonly field: FieldDocument | null
  readonly reaches: readonly ReachedDocument[] | null
  readonly assumed: readonly string[]
}

/** A picture of the test part. `truth` and `answer` are places among the classes; `truth` is null where it isn't
 * known. `probability` is the answer's, `of_truth` the true class'. `corrected`: the label that a person gave it
 * since, "" where they said that it belongs to none, null where nobody said anything. */
export interface PictureEntry {
  readonly id: string
  readonly name: string
  readonly truth: number | null
  readonly answer: number | null
  readonly probability: number | null
  readonly of_truth: number | null
  readonly height: number
  readonly width: number
  readonly corrected: string | null
}

/** A value's place: the name on the screen, and the index. */
export interface PlaceDocument {
  readonly name: string
  readonly index: readonly number[]
}

/** How many values of one layer a pixel, a value or a weight reaches. */
export interface ReachedDocument {
  readonly name: string
  readonly values: number
  readonly of: number
}

/** Terms that aren't listed: how many, and their sum (null where the formula is no sum). */
export interface Remainder {
  readonly count: number
  readonly sum: Figure | null
}

/** The run's epochs, oldest first; `best` is the one that the model holds. Weights of a kept epoch are float16. */
export interface ReplayDocument {
  readonly epochs: readonly EpochDocument[]
  readonly best: number | null
}

/** One value on the trail from the answer to a pixel, and its strongest terms. */
export interface StepDocument {
  readonly name: string
  readonly index: readonly number[]
  readonly kind: string
  readonly value: Figure
  readonly strongest: readonly TermDocument[]
  readonly others: number
}

/** `pellucid summary --json` of a network in text; `words` has a plain sentence for each row. */
export interface SummaryDocument {
  readonly input_shape: readonly number[]
  readonly network: string
  readonly rows: readonly SummaryRow[]
  readonly words: readonly string[]
  readonly parameters: number
  readonly mult_adds: number
  readonly values: number
  readonly parameter_bytes: number
  readonly value_bytes: number
  readonly largest_value_bytes: number
  readonly largest_layer: string
}

/** A row of `pellucid summary --json`; `output_shape` is channel last. */
export interface SummaryRow {
  readonly name: string
  readonly kind: string
  readonly text: string
  readonly inputs: readonly string[]
  readonly output_shape: readonly number[]
  readonly values: number
  readonly parameters: number
  readonly mult_adds: number
  readonly receptive_field: readonly number[]
  readonly parameter_bytes: number
  readonly value_bytes: number
  readonly formulas: FormulasDocument
}

/** A computed tensor: `full` is its shape with the batch, `batch` whether an index leaves that out, `axes` what
 * each number of an index counts. `values` is how many. */
export interface TensorDocument {
  readonly tensor: string
  readonly name: string
  readonly shape: readonly number[]
  readonly full: readonly number[]
  readonly batch: boolean
  readonly axes: readonly string[]
  readonly channel_last: boolean
  readonly dtype: string
  readonly values: number
}

/** One term: the input value and where it stands, its weight and where that stands, and their product. */
export interface TermDocument {
  readonly source: string
  readonly index: readonly number[]
  readonly input: Figure
  readonly weight: Figure | null
  readonly product: Figure
  readonly weight_source: PlaceDocument | null
  readonly role: string
  readonly opened?: LevelDocument | null
}

/** Why one class and not the other: score a - score b as the difference of two sums, every term listed. */
export interface VersusDocument {
  readonly a: string
  readonly b: string
  readonly layer: string
  readonly source: string
  readonly terms: readonly DifferenceTerm[]
  readonly biases: Figure
  readonly sum: Figure
  readonly scores: readonly [Figure, Figure]
}

/** A constant that nodes take in. Its values stand in the weights' bytes from `offset` on, little-endian, `stored`
 * as this number type, whatever the file's own `dtype`. `learned`: training changes it; `replayed`: a run's
 * snapshots have it. */
export interface WeightDocument {
  readonly tensor: string
  readonly shape: readonly number[]
  readonly axes: readonly string[]
  readonly dtype: string
  readonly stored: 'float32' | 'float64'
  readonly offset: number
  readonly learned: boolean
  readonly replayed: boolean
}

/** How the terms of a sliding window lie: `shape` is [channels, *kernel], `cells` has for each place of it, in
 * order, the number of its term, or -1 where padding stands; `start`, the input's first row and column (may be
 * negative); `step`, the dilation; `channels`, the input channel of each plane. */
export interface WindowDocument {
  readonly shape: readonly number[]
  readonly cells: readonly number[]
  readonly start: readonly number[]
  readonly step: readonly number[]
  readonly channels: readonly number[]
}
