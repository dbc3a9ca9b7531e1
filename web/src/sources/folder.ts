// What a run's folder and its data add to a network, wherever the arithmetic is done: a part of Source.
import type { Source } from '../source'

export interface Folder extends Pick<
  Source, 'lacks' | 'pictures' | 'picture' | 'mistakes' | 'correct' | 'replay' | 'build' | 'decode'
> {
  /** The weights of a kept epoch as float16, each at half its offset in the graph document. */
  epoch(number: number): Promise<ArrayBuffer>
}
