// Trains a byte-level BPE: from single bytes on, the most frequent pair of neighbours becomes a token, again and again
// (Sennrich et al., arXiv 1508.07909; on bytes as in GPT-2). Counts of pairs are kept up to date merge by merge, so each
// merge costs what it touches.

import { BYTE_CHARACTERS, splitWords } from './byte-level.ts'

export const END_OF_DOCUMENT = '<|endoftext|>'

/** Trains on texts and gives the content of a tokenizer.json: 256 bytes, the merges in order, END_OF_DOCUMENT last. */
export function trainBytePairs(texts: Iterable<string>, vocabSize: number): object {
  const counts = new Map<string, number>()
  for (const text of texts) for (const word of splitWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1)
  const merges = findMerges(counts, vocabSize - 257)
  const tokens: string[] = [...BYTE_CHARACTERS]
  for (const [left, right] of merges) tokens.push(tokens[left]! + tokens[right]!)
  const end = tokens.length
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      {
        id: end,
        content: END_OF_DOCUMENT,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries([...tokens, END_OF_DOCUMENT].map((token, id) => [token, id])),
      merges: merges.map(([left, right]) => `${tokens[left]} ${tokens[right]}`),
    },
  }
}

type Pair = readonly [left: number, right: number]

interface PairStatistics {
  count: number
  readonly words: Set<number>
}

// ids stay far below this, so a pair is one exact number and pairs compare as (left, right)
const PAIR_BASE = 2 ** 24

/** The merges in order: highest count first, and of equals the pair of lowest ids. */
function findMerges(counts: ReadonlyMap<string, number>, wanted: number): Pair[] {
  const words = [...counts.keys()].map((word) => [...Buffer.from(word, 'utf8')])
  const weights = [...counts.values()]
  const pairs = new Map<number, PairStatistics>()
  const add = (word: number, sign: 1 | -1): void => {
    const ids = words[word]!
    for (let i = 0; i + 1 < ids.length; i++) {
      const key = ids[i]! * PAIR_BASE + ids[i + 1]!
      let pair = pairs.get(key)
      if (!pair) pairs.set(key, (pair = { count: 0, words: new Set() }))
      pair.count += sign * weights[word]!
      if (sign > 0) pair.words.add(word)
      else if (pair.count === 0) pairs.delete(key)
    }
  }
  for (let word = 0; word < words.length; word++) add(word, 1)

  const merges: Pair[] = []
  while (merges.length < wanted) {
    let best = -1
    let bestCount = 1
    for (const [key, { count }] of pairs) {
      if (count > bestCount || (count === bestCount && key < best)) {
        best = key
        bestCount = count
      }
    }
    // a pair seen once is worth no token
    if (best < 0) break
    const right = best % PAIR_BASE
    const left = (best - right) / PAIR_BASE
    const result = 256 + merges.length
    merges.push([left, right])
    for (const word of [...pairs.get(best)!.words]) {
      add(word, -1)
      words[word] = replacePair(words[word]!, left, right, result)
      add(word, 1)
    }
  }
  return merges
}

function replacePair(ids: readonly number[], left: number, right: number, result: number): number[] {
  const replaced: number[] = []
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      replaced.push(result)
      i++
    } else replaced.push(ids[i]!)
  }
  return replaced
}
