// Byte-level BPE with a cache of words: the same ids as @huggingface/tokenizers, many times faster. It takes over the
// tokenizer.json files whose parts it knows; the splitting and normalising parts are that package's own objects.

import { BYTE_CHARACTERS, fromByteCharacters, splitWords, toByteCharacters } from './byte-level.ts'
import { SequencePreTokenizer, type HuggingFaceTokenizer } from './hugging-face.ts'
import { pairMerger, type Merge } from './pair-merger.ts'
import { vocabOf, type TokenizerJson } from './tokenizer-json-schema.ts'

const CACHED_WORDS = 1 << 16
const LONGEST_CACHED_WORD = 64

export interface ByteLevelBpe {
  readonly encode: (text: string) => Uint32Array
  readonly decode: (ids: ArrayLike<number>) => string
  readonly tokenBytes: (id: number) => number
}

/** The fast form of a tokenizer, or undefined when it has a part that is not ordinary byte-level BPE. */
export function byteLevelBpe(json: TokenizerJson, reference: HuggingFaceTokenizer): ByteLevelBpe | undefined {
  const words = wordSplitter(json)
  const model = byteLevelModel(json)
  if (!words || !model) return undefined
  const added = json.added_tokens
  // a padded or normalised match is left to the reference
  if (added.some((token) => token.lstrip || token.rstrip || (token.normalized && json.normalizer))) return undefined
  if (added.some((token) => token.content === '')) return undefined
  const addedIds = new Map(added.map((token) => [token.content, token.id]))
  const addedContents = new Map(added.map((token) => [token.id, token.content]))
  const addedPattern = alternation([...addedIds.keys()])
  const normalize = reference.normalizer

  const merge = pairMerger(model.byteIds, model.merges, model.vocabSize)
  const encoder = new TextEncoder()
  let cache = new Map<string, Uint32Array>()
  const encodeWord = (word: string): Uint32Array => {
    const known = cache.get(word)
    if (known) return known
    const bytes = Buffer.from(encoder.encode(word).buffer)
    const whole = model.wholeWords?.get(toByteCharacters(bytes))
    const ids = whole === undefined ? merge(bytes) : Uint32Array.of(whole)
    if (word.length <= LONGEST_CACHED_WORD) {
      if (cache.size >= CACHED_WORDS) cache = new Map()
      // the word is a slice that would keep the whole text alive, so the key is made anew
      cache.set(bytes.toString('utf8'), ids)
    }
    return ids
  }

  return {
    encode(text) {
      const ids = new Growing()
      const encodeStretch = (stretch: string): void => {
        for (const word of words(normalize ? normalize(stretch) : stretch)) ids.append(encodeWord(word))
      }
      let start = 0
      for (const match of addedPattern ? text.matchAll(addedPattern) : []) {
        if (match.index > start) encodeStretch(text.slice(start, match.index))
        ids.append([addedIds.get(match[0])!])
        start = match.index + match[0].length
      }
      if (start < text.length) encodeStretch(start === 0 ? text : text.slice(start))
      return ids.take()
    },
    decode: (ids) => decode(ids, model.bytes, addedContents),
    tokenBytes: (id) => {
      const content = addedContents.get(id)
      return content === undefined ? (model.bytes[id]?.length ?? 0) : Buffer.byteLength(content)
    },
  }
}

function decode(
  ids: ArrayLike<number>,
  bytes: readonly (Uint8Array | undefined)[],
  added: ReadonlyMap<number, string>,
): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const parts: string[] = []
  let pending: Uint8Array[] = []
  // an added token ends a sequence of bytes, so that a broken character before it does not swallow it
  const flush = (): void => {
    parts.push(decoder.decode(Buffer.concat(pending)))
    pending = []
  }
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!
    const token = added.has(id) ? undefined : bytes[id]
    if (token) pending.push(token)
    else {
      flush()
      parts.push(added.get(id) ?? '\ufffd')
    }
  }
  flush()
  return parts.join('')
}

/** The function that cuts a text into words as the file's pre-tokenizer does, or undefined for one of another kind. */
function wordSplitter({ pre_tokenizer }: TokenizerJson): ((text: string) => string[]) | undefined {
  const parts = pre_tokenizer?.type === 'Sequence' ? pre_tokenizer.pretokenizers : [pre_tokenizer]
  if (!Array.isArray(parts) || parts.length === 0) return undefined
  const last = parts.at(-1)
  if (last?.type !== 'ByteLevel' || last.add_prefix_space === true) return undefined
  const useRegex = last.use_regex !== false
  if (parts.length === 1) return useRegex ? splitWords : (text) => [text]
  const before = parts.slice(0, -1)
  if (!before.every((part) => ['Split', 'Digits', 'Punctuation'].includes(part?.type))) return undefined
  const split = new SequencePreTokenizer({ type: 'Sequence', pretokenizers: before })
  return (text) => {
    const stretches = split.pre_tokenize(text)
    return useRegex ? stretches.flatMap(splitWords) : stretches
  }
}

interface ByteLevelModel {
  readonly vocabSize: number
  readonly byteIds: Uint32Array
  readonly bytes: readonly (Uint8Array | undefined)[]
  readonly merges: readonly Merge[]
  /** With `ignore_merges` a word that is a token is not merged but taken. */
  readonly wholeWords: ReadonlyMap<string, number> | undefined
}

function byteLevelModel(json: TokenizerJson): ByteLevelModel | undefined {
  const { model } = json
  if (model.type !== 'BPE' || json.decoder?.type !== 'ByteLevel') return undefined
  if (model.byte_fallback || model.continuing_subword_prefix || model.end_of_word_suffix) return undefined
  if (model.continuing_subword_suffix || model.dropout || !Array.isArray(model.merges)) return undefined
  const { ids, vocabSize } = vocabOf(json)
  const byteIds = new Uint32Array(256)
  for (const [byte, character] of BYTE_CHARACTERS.entries()) {
    const id = ids.get(character)
    if (id === undefined) return undefined
    byteIds[byte] = id
  }
  const bytes: (Uint8Array | undefined)[] = []
  for (const [token, id] of ids) bytes[id] = fromByteCharacters(token)
  const merges: Merge[] = []
  for (const entry of model.merges) {
    const pair = typeof entry === 'string' ? entry.split(' ', 2) : (entry as readonly string[])
    const left = ids.get(pair[0] ?? '')
    const right = ids.get(pair[1] ?? '')
    const result = ids.get(`${pair[0]}${pair[1]}`)
    if (left === undefined || right === undefined || result === undefined) return undefined
    merges.push([left, right, result])
  }
  return { vocabSize, byteIds, bytes, merges, wholeWords: model.ignore_merges ? ids : undefined }
}

/** Matches the longest of some texts at the leftmost place. */
function alternation(contents: readonly string[]): RegExp | undefined {
  if (contents.length === 0) return undefined
  const escaped = contents
    .toSorted((a, b) => b.length - a.length)
    .map((content) => content.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(escaped.join('|'), 'g')
}

/** A list of ids that grows without boxing. */
class Growing {
  #ids = new Uint32Array(1024)
  #length = 0

  append(more: ArrayLike<number>): void {
    if (this.#length + more.length > this.#ids.length) {
      const larger = new Uint32Array(2 * (this.#length + more.length))
      larger.set(this.#ids.subarray(0, this.#length))
      this.#ids = larger
    }
    for (let i = 0; i < more.length; i++) this.#ids[this.#length++] = more[i]!
  }

  take(): Uint32Array {
    return this.#ids.slice(0, this.#length)
  }
}
