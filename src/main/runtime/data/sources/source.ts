// How a corpus is described, and what every reader of one kind of corpus gives.

import { HeddleError } from '#core/errors.ts'
import type { CorpusFile, ReadContext } from './files.ts'

export type SourceKind = 'demo' | 'text' | 'jsonl' | 'parquet' | 'tokens'

/** A description of a corpus: plain data, so that a run can be repeated from it. */
export interface CorpusSource {
  /** Found from the file extensions when absent. */
  readonly kind?: SourceKind | undefined
  /** A file or a folder; `demo` needs none. */
  readonly path?: string | undefined
  /** In a folder, only the files with this extension (`.txt`). */
  readonly extension?: string | undefined
  /** JSONL and Parquet: the field or column that holds the text; `text` when absent. */
  readonly field?: string | undefined
  /** Text: what stands between two documents of a file, such as `<|endoftext|>`. */
  readonly separator?: string | undefined
  /** Tokens: the width of a raw token; `uint16` when absent. */
  readonly dtype?: 'uint16' | 'uint32' | undefined
  /** Tokens: the id between documents. */
  readonly endOfDocument?: number | undefined
  /** Tokens: the number of entries of the vocabulary that the ids come from. */
  readonly vocabSize?: number | undefined
}

/** One document: its text, or its tokens where a corpus is tokenised already. */
export interface CorpusDocument {
  /** Names the document in messages: a file, a line, a row. */
  readonly id: string
  /** Documents of one group are held out together; a document without one stands for itself. */
  readonly group?: string | undefined
  readonly content: string | Uint32Array
}

/** Reads one kind of corpus. */
export interface SourceReader {
  readonly extensions: readonly string[]
  /** The fields of a description that mean something to this kind, besides kind, path and extension. */
  readonly options: readonly (keyof CorpusSource)[]
  documents(files: readonly CorpusFile[], source: CorpusSource, context: ReadContext): AsyncGenerator<CorpusDocument>
}

/** Texts longer than this many UTF-16 units are refused: one document must fit in memory several times over. */
export const LONGEST_DOCUMENT = 64 * 2 ** 20

/** A `corpus-invalid` error. */
export function corpusError(message: string, path: string, hint?: string): HeddleError {
  return new HeddleError('corpus-invalid', message, { path, hint })
}

/** A list of names for a message, cut after the first twenty. */
export function nameList(names: readonly string[]): string {
  const shown = names.slice(0, 20).map((name) => JSON.stringify(name.slice(0, 60)))
  return names.length === 0 ? 'none' : shown.join(', ') + (names.length > 20 ? `, and ${names.length - 20} more` : '')
}
