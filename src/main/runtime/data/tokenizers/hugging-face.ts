// The parts of @huggingface/tokenizers that are used, with types: the package's own do not resolve from an ES module.

import * as library from '@huggingface/tokenizers'

export interface HuggingFaceTokenizer {
  /** Called as a function with a text; null when the file has no normalizer. */
  readonly normalizer: ((text: string) => string) | null
  /** An id is undefined where a token is missing from the vocabulary and there is no unknown token. */
  encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: (number | undefined)[] }
  /** Throws on an empty list. */
  decode(ids: number[], options: { readonly clean_up_tokenization_spaces: boolean }): string
}

interface Library {
  readonly Tokenizer: new (json: object, config: object) => HuggingFaceTokenizer
  readonly SequencePreTokenizer: new (config: object) => { pre_tokenize(text: string): string[] }
}

export const { Tokenizer: HuggingFace, SequencePreTokenizer } = library as unknown as Library
