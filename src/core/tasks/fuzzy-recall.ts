// Fuzzy in-context recall of MAD (arXiv 2403.17844): keys and values are motifs of several tokens, so a model must first
// join a key's tokens. MAD draws keys from all motifs of the vocabulary; here every sequence draws a dictionary of
// `numKvPairs` pairs, so that the share of repeated keys is a parameter rather than an effect of the vocabulary.

import { flag, integer } from '../params.ts'
import type { Rng } from '../rng.ts'
import { drawDistinct, idRange } from './sampling.ts'
import { defineTask } from './task.ts'

interface Pair {
  readonly key: readonly number[]
  readonly value: readonly number[]
}

export const fuzzyRecall = defineTask({
  kind: 'fuzzy-recall',
  title: 'Fuzzy in-context recall',
  doc:
    'A stream of key-value pairs in which a key is a motif of one or more key tokens and a value one of value tokens; no token comes twice in a motif. ' +
    'Pairs are drawn from a small dictionary of the sequence, and whenever a key comes again the model must predict all tokens of its value, each after the ones before it. ' +
    'The last pair is always a repetition; token 0 pads the start. Multi-query form of MAD, arXiv 2403.17844 (vocabulary 16, motifs of up to 3 tokens, length 128).',
  params: {
    vocabSize: integer({
      doc: 'Tokens; padding takes one, keys and values half of the others each.',
      default: 16,
      min: 3,
      max: 4096,
    }),
    numKvPairs: integer({ doc: 'Pairs in the dictionary of a sequence.', default: 4, min: 1, max: 1024 }),
    maxKeyLen: integer({ doc: 'Most tokens of a key.', default: 3, min: 1, max: 16 }),
    maxValueLen: integer({ doc: 'Most tokens of a value.', default: 3, min: 1, max: 16 }),
    variableLen: flag({
      doc: 'Draw each motif length evenly from 1 up to the most; otherwise all motifs have the most.',
      default: true,
    }),
  },
  scoreName: 'accuracy on value tokens of repeated keys',
  defaultSeqLen: 64,
  conflict: (params) => {
    const { vocabSize, numKvPairs, maxKeyLen, maxValueLen, variableLen } = params
    const { keys, values } = partsOf(vocabSize)
    if (maxKeyLen > keys)
      return {
        param: 'maxKeyLen',
        message: `maxKeyLen (${maxKeyLen}) must be at most the ${keys} key tokens of vocabSize (${vocabSize})`,
      }
    if (maxValueLen > values)
      return {
        param: 'maxValueLen',
        message: `maxValueLen (${maxValueLen}) must be at most the ${values} value tokens of vocabSize (${vocabSize})`,
      }
    const motifs = countMotifs(keys, variableLen ? 1 : maxKeyLen, maxKeyLen)
    if (numKvPairs > motifs)
      return {
        param: 'numKvPairs',
        message: `numKvPairs (${numKvPairs}) must be at most the ${motifs} distinct keys of up to maxKeyLen (${maxKeyLen}) tokens`,
      }
    return undefined
  },
  vocabSize: ({ vocabSize }) => vocabSize,
  shortest: ({ maxKeyLen, maxValueLen }) => ({
    seqLen: 2 * (maxKeyLen + maxValueLen) - 1,
    rule: `2 x (maxKeyLen (${maxKeyLen}) + maxValueLen (${maxValueLen})) - 1`,
  }),
  chance: ({ vocabSize }) => 1 / partsOf(vocabSize).values,
  writer: ({ vocabSize, numKvPairs, maxKeyLen, maxValueLen, variableLen }, seqLen) => {
    const parts = partsOf(vocabSize)
    const keyPool = idRange(1, parts.keys)
    const valuePool = idRange(1 + parts.keys, parts.values)
    const drawMotif = (rng: Rng, pool: Int32Array, longest: number): number[] => {
      const length = variableLen ? 1 + rng.integer(longest) : longest
      drawDistinct(rng, pool, length)
      return Array.from(pool.subarray(0, length))
    }
    const drawDictionary = (rng: Rng): Pair[] => {
      const pairs = new Map<string, Pair>()
      while (pairs.size < numKvPairs) {
        const key = drawMotif(rng, keyPool, maxKeyLen)
        pairs.set(key.join(), { key, value: drawMotif(rng, valuePool, maxValueLen) })
      }
      return [...pairs.values()]
    }
    return (rng, tokens, targets) => {
      const stream = drawStream(rng, drawDictionary(rng), seqLen + 1 - maxKeyLen - maxValueLen)
      // the last token of the stream is only ever a target
      let t = seqLen + 1 - stream.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
      tokens.fill(0, 0, t)
      const seen = new Set<Pair>()
      for (const pair of stream) {
        for (const token of pair.key) tokens[t++] = token
        for (const token of pair.value) {
          if (seen.has(pair)) targets[t - 1] = token
          if (t < seqLen) tokens[t] = token
          t++
        }
        seen.add(pair)
      }
    }
  },
})

/** Pairs drawn evenly while they fit in `room` tokens, then one that was among them. */
function drawStream(rng: Rng, dictionary: readonly Pair[], room: number): readonly Pair[] {
  const stream: Pair[] = []
  for (let used = 0; ;) {
    const pair = rng.pick(dictionary)
    used += pair.key.length + pair.value.length
    if (used > room) return [...stream, rng.pick(stream)]
    stream.push(pair)
  }
}

function partsOf(vocabSize: number): { readonly keys: number; readonly values: number } {
  const keys = Math.floor((vocabSize - 1) / 2)
  return { keys, values: vocabSize - 1 - keys }
}

/** How many sequences of distinct tokens with `shortest` to `longest` elements there are. */
function countMotifs(tokens: number, shortest: number, longest: number): number {
  let total = 0
  let ofLength = 1
  for (let length = 1; length <= longest; length++) {
    ofLength *= tokens - length + 1
    if (length >= shortest) total += ofLength
  }
  return total
}
