// What a tokenizer.json must hold before anything else looks at it.

import { HeddleError } from '#core/errors.ts'

/** The parts of a Hugging Face tokenizer.json that are read here; the rest is the business of @huggingface/tokenizers. */
export interface TokenizerJson {
  readonly added_tokens: readonly AddedToken[]
  readonly normalizer: object | null
  readonly pre_tokenizer: Part | null
  readonly decoder: Part | null
  readonly post_processor: object | null
  readonly model: Part & { readonly vocab: unknown }
}

type Part = { readonly type?: string } & Readonly<Record<string, unknown>>

interface AddedToken {
  readonly id: number
  readonly content: string
  readonly lstrip?: boolean
  readonly rstrip?: boolean
  readonly normalized?: boolean
}

/** Tokens by content, and one more than the largest id (added tokens counted too). */
export interface Vocab {
  readonly ids: ReadonlyMap<string, number>
  readonly vocabSize: number
}

// the largest published vocabularies have some 260,000 entries
const LARGEST_ID = 4_000_000

/** Checks the parsed content of a tokenizer.json. Throws `tokenizer-invalid` with the path. */
export function parseTokenizerJson(value: unknown, path: string): TokenizerJson {
  if (!isObject(value)) throw invalid('is not an object', path)
  if (!isObject(value.model)) throw invalid('has no field "model"', path)
  const { vocab } = value.model
  if (!isObject(vocab) && !Array.isArray(vocab)) throw invalid('has no vocabulary (field "model.vocab")', path)
  const added = value.added_tokens ?? []
  if (!Array.isArray(added)) throw invalid('has a field "added_tokens" that is not a list', path)
  for (const token of added) {
    if (!isObject(token) || typeof token.content !== 'string' || !isId(token.id)) {
      throw invalid(`has an added token without content or id: ${JSON.stringify(token)?.slice(0, 80)}`, path)
    }
  }
  for (const part of ['normalizer', 'pre_tokenizer', 'decoder', 'post_processor']) {
    if ((value[part] ?? null) !== null && !isObject(value[part]))
      throw invalid(`has a field "${part}" that is not an object`, path)
  }
  checkVocab(vocab, path)
  const absent = { normalizer: null, pre_tokenizer: null, decoder: null, post_processor: null }
  return { ...absent, ...value, added_tokens: added } as unknown as TokenizerJson
}

function checkVocab(vocab: object, path: string): void {
  const seen = new Set<unknown>()
  if (Array.isArray(vocab)) {
    if (vocab.length === 0 || vocab.length > LARGEST_ID) throw invalid(`has ${vocab.length} tokens`, path)
    const odd = vocab.find((entry) => !Array.isArray(entry) || typeof entry[0] !== 'string')
    if (odd !== undefined)
      throw invalid(`has a vocabulary entry without a token: ${JSON.stringify(odd).slice(0, 80)}`, path)
    return
  }
  for (const [token, id] of Object.entries(vocab)) {
    if (!isId(id))
      throw invalid(`gives the token ${JSON.stringify(token.slice(0, 40))} the id ${JSON.stringify(id)}`, path)
    if (seen.has(id)) throw invalid(`gives the id ${id} to two tokens`, path)
    seen.add(id)
  }
  if (seen.size === 0) throw invalid('has an empty vocabulary', path)
}

/** The vocabulary of a checked file. */
export function vocabOf({ model, added_tokens }: TokenizerJson): Vocab {
  const { vocab } = model
  const ids = Array.isArray(vocab)
    ? new Map((vocab as readonly [string, number][]).map(([token], id) => [token, id]))
    : new Map(Object.entries(vocab as Record<string, number>))
  let largest = Array.isArray(vocab) ? vocab.length - 1 : -1
  for (const id of ids.values()) largest = Math.max(largest, id)
  for (const { id } of added_tokens) largest = Math.max(largest, id)
  return { ids, vocabSize: largest + 1 }
}

/** A `tokenizer-invalid` error whose message continues "the tokenizer file ...". */
export function invalid(what: string, path: string): HeddleError {
  return new HeddleError('tokenizer-invalid', `the tokenizer file ${what}`, {
    path,
    hint: 'give a tokenizer.json as Hugging Face tokenizers writes it',
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LARGEST_ID
}
