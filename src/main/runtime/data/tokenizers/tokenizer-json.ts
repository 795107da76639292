// Reads any Hugging Face tokenizer.json: byte-level BPE runs in our own encoder, every other kind in @huggingface/tokenizers.

import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileError } from '../sources/files.ts'
import type { Tokenizer } from '../tokenizer.ts'
import { byteLevelBpe, type ByteLevelBpe } from './byte-level-bpe.ts'
import { HuggingFace, type HuggingFaceTokenizer } from './hugging-face.ts'
import { invalid, parseTokenizerJson, vocabOf, type TokenizerJson } from './tokenizer-json-schema.ts'

const LARGEST_FILE = 128 * 2 ** 20
const LARGEST_CONFIG = 2 ** 20

// what published tokenizers call the token between documents, most telling name first
const END_NAMES = [
  '<|endoftext|>',
  '<|end_of_text|>',
  '<|end▁of▁sentence|>',
  '</s>',
  '<eos>',
  '<|im_end|>',
  '[SEP]',
  '[EOS]',
]

export interface TokenizerJsonOptions {
  readonly name: string
  /** Content of the token between documents; looked for in tokenizer_config.json and by usual names when absent. */
  readonly endOfDocument?: string | undefined
}

/** Loads a tokenizer.json. Throws `file-missing` or `tokenizer-invalid`. */
export async function readTokenizerJson(path: string, options: TokenizerJsonOptions): Promise<Tokenizer> {
  const text = await readBounded(path, LARGEST_FILE)
  const json = parseTokenizerJson(parseJson(text, path), path)
  const reference = construct(json, path)
  const { ids, vocabSize } = vocabOf(json)
  const allIds = new Map([...ids, ...json.added_tokens.map((token) => [token.content, token.id] as const)])
  const endOfDocument = await findEnd(allIds, options.endOfDocument, path)
  const hash = createHash('sha256').update('heddle tokenizer.json 1\0').update(text)
  const fast = byteLevelBpe(json, reference)
  return {
    kind: fast ? 'byte-level-bpe' : 'hugging-face',
    name: options.name,
    vocabSize,
    endOfDocument,
    fingerprint: hash.update(`\0${endOfDocument}`).digest('hex'),
    ...(fast ?? wrap(reference, allIds, path)),
  }
}

async function readBounded(path: string, limit: number): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > limit) throw invalid(`has ${size} bytes; the limit is ${limit}`, path)
    return await readFile(path, 'utf8')
  } catch (error) {
    throw fileError(error, path)
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(`is not JSON: ${(error as Error).message}`, path)
  }
}

function construct(json: TokenizerJson, path: string): HuggingFaceTokenizer {
  try {
    const tokenizer = new HuggingFace(json, {})
    tokenizer.encode('a b', { add_special_tokens: false })
    return tokenizer
  } catch (error) {
    throw invalid(`is of a kind that cannot be run: ${(error as Error).message}`, path)
  }
}

async function findEnd(
  ids: ReadonlyMap<string, number>,
  wanted: string | undefined,
  path: string,
): Promise<number | null> {
  if (wanted !== undefined) {
    const id = ids.get(wanted)
    if (id === undefined) throw invalid(`has no token ${JSON.stringify(wanted)} to stand between documents`, path)
    return id
  }
  const configured = await configuredEnd(join(dirname(path), 'tokenizer_config.json'))
  const name = [configured, ...END_NAMES].find((candidate) => candidate !== undefined && ids.has(candidate))
  return name === undefined ? null : ids.get(name)!
}

/** The `eos_token` of a tokenizer_config.json beside the tokenizer, if there is one that can be read. */
async function configuredEnd(path: string): Promise<string | undefined> {
  try {
    const config = JSON.parse(await readBounded(path, LARGEST_CONFIG)) as { eos_token?: unknown } | null
    const token = config?.eos_token
    const content = typeof token === 'object' && token !== null ? (token as { content?: unknown }).content : token
    return typeof content === 'string' ? content : undefined
  } catch {
    // the file is optional, and the usual names remain
    return undefined
  }
}

function wrap(reference: HuggingFaceTokenizer, ids: ReadonlyMap<string, number>, path: string): ByteLevelBpe {
  const bytes = new Map<number, number>()
  for (const [token, id] of ids) {
    // the marks of SentencePiece for a space and of byte fallback, and WordPiece's for a word that goes on
    const covered = /^<0x[0-9A-F]{2}>$/.test(token)
      ? 1
      : Buffer.byteLength(token.replaceAll('▁', ' ').replace(/^##/, ''))
    bytes.set(id, covered)
  }
  const decodeKnown = (ids: number[]): string =>
    ids.length === 0 ? '' : reference.decode(ids, { clean_up_tokenization_spaces: false })
  return {
    encode(text) {
      const found = reference.encode(text, { add_special_tokens: false }).ids
      const hole = found.indexOf(undefined)
      if (hole >= 0) throw invalid('has no token for a part of the text and no unknown token', path)
      return Uint32Array.from(found as number[])
    },
    decode(ids) {
      const parts: string[] = []
      let known: number[] = []
      for (let i = 0; i < ids.length; i++) {
        if (bytes.has(ids[i]!)) known.push(ids[i]!)
        else {
          parts.push(decodeKnown(known), '\ufffd')
          known = []
        }
      }
      return [...parts, decodeKnown(known)].join('')
    },
    tokenBytes: (id) => bytes.get(id) ?? 0,
  }
}
