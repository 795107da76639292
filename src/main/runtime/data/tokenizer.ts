// What turns text into token ids, and how one is named: `bytes`, `sotu-4096`, or the path of a tokenizer.json.

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { resourcesFolder } from './resources.ts'
import { bytesTokenizer } from './tokenizers/bytes.ts'
import { readTokenizerJson } from './tokenizers/tokenizer-json.ts'

export interface Tokenizer {
  readonly kind: 'bytes' | 'byte-level-bpe' | 'hugging-face'
  readonly name: string
  /** One more than the largest id. */
  readonly vocabSize: number
  /** The id that stands between documents; null when the tokenizer has none. */
  readonly endOfDocument: number | null
  /** SHA-256 of what decides how a text is encoded. */
  readonly fingerprint: string
  /** The ids of a text, with no special tokens added. Texts of a million characters and more are best given in pieces. */
  encode(text: string): Uint32Array
  /** The text of some ids; an id that has no token becomes U+FFFD. */
  decode(ids: ArrayLike<number>): string
  /**
   * How many UTF-8 bytes of the encoded text a token stands for. Exact for `bytes`, and for byte-level BPE that does not
   * normalise; otherwise an estimate to be scaled to the size of the document.
   */
  tokenBytes(id: number): number
}

/** The names that are not paths. */
export const BUILT_IN_TOKENIZERS = ['bytes', 'sotu-4096'] as const

/**
 * Loads a tokenizer by its name or by the path of a Hugging Face tokenizer.json (or of the folder that holds one).
 * Throws `file-missing` or `tokenizer-invalid`.
 * @param endOfDocument content of the token that stands between documents, where the file does not say
 */
export async function loadTokenizer(spec: string, endOfDocument?: string): Promise<Tokenizer> {
  if (spec === 'bytes') return bytesTokenizer()
  if (spec === 'sotu-4096') {
    return readTokenizerJson(join(resourcesFolder(), 'tokenizer', 'sotu-4096.json'), { name: spec })
  }
  const status = await stat(spec).catch(() => undefined)
  if (!status) {
    throw new HeddleError('file-missing', `there is no tokenizer at ${spec}`, {
      path: spec,
      hint: `give the path of a tokenizer.json, or one of ${BUILT_IN_TOKENIZERS.join(', ')}`,
    })
  }
  const path = status.isDirectory() ? join(spec, 'tokenizer.json') : spec
  return readTokenizerJson(path, { name: spec, endOfDocument })
}
