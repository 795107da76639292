// Multi-query associative recall as in Zoology (arXiv 2312.04927 and its data generator): the pairs stand at
// the start, and each key is asked for once, at an even distance from the end of the pairs drawn by a power law.

import { flag, integer, real } from '../params.ts'
import type { Rng } from '../rng.ts'
import { drawDistinct, fillUniform, idRange } from './sampling.ts'
import { defineTask } from './task.ts'

export const mqar = defineTask({
  kind: 'mqar',
  title: 'Multi-query associative recall',
  doc:
    'The first 2n tokens are n key-value pairs with distinct keys (lower half of the vocabulary, without 0) and distinct values (upper half). ' +
    'Afterwards every key comes once more, and at it the model must predict its value. ' +
    'Query slots are the even distances 2g from the end of the pairs, g = 0, 1, ...; keys draw their slots without replacement with p(g) ∝ (g + 1)^(a - 1), so queries crowd near the pairs as repeated bigrams do in text. ' +
    'Other positions hold random tokens of the whole vocabulary. Zoology, arXiv 2312.04927.',
  params: {
    vocabSize: integer({
      doc: 'Tokens; the lower half are keys, the upper half values. Zoology uses 8192; the more, the longer until recall is learned.',
      default: 16,
      min: 4,
      max: 65536,
    }),
    numKvPairs: integer({ doc: 'Key-value pairs n, each asked for once.', default: 4, min: 1, max: 4096 }),
    powerA: real({
      doc: 'Exponent a of the power law of query distances; 1 makes them uniform.',
      default: 0.01,
      min: 0,
      max: 2,
    }),
    randomFiller: flag({ doc: 'Fill unused positions with random tokens rather than token 0.', default: true }),
  },
  scoreName: 'accuracy on queried values',
  defaultSeqLen: 32,
  conflict: ({ numKvPairs, vocabSize }) => {
    const keys = Math.floor(vocabSize / 2) - 1
    if (numKvPairs <= keys) return undefined
    const message = `numKvPairs (${numKvPairs}) must be at most the ${keys} distinct keys of vocabSize (${vocabSize})`
    return { param: 'numKvPairs', message }
  },
  vocabSize: ({ vocabSize }) => vocabSize,
  shortest: ({ numKvPairs }) => ({ seqLen: 4 * numKvPairs, rule: `4 x numKvPairs (${numKvPairs})` }),
  chance: ({ vocabSize }) => 1 / (vocabSize - Math.floor(vocabSize / 2)),
  writer: ({ vocabSize, numKvPairs, powerA, randomFiller }, seqLen) => {
    const half = Math.floor(vocabSize / 2)
    const keys = idRange(1, half - 1)
    const values = idRange(half, vocabSize - half)
    const context = 2 * numKvPairs
    const drawSlots = slotDrawer(Math.floor((seqLen - context) / 2), numKvPairs, powerA)
    return (rng, tokens, targets) => {
      if (randomFiller) fillUniform(rng, tokens, 0, vocabSize)
      else tokens.fill(0)
      drawDistinct(rng, keys, numKvPairs)
      drawDistinct(rng, values, numKvPairs)
      const slots = drawSlots(rng)
      for (let pair = 0; pair < numKvPairs; pair++) {
        const query = context + 2 * slots[pair]!
        tokens[2 * pair] = tokens[query] = keys[pair]!
        tokens[2 * pair + 1] = targets[query] = values[pair]!
      }
    }
  },
})

/**
 * Draws `taken` of `count` slots in turn, without replacement, with p(g) ∝ (g + 1)^(a - 1): slot g arrives after an
 * exponential time with that rate, and the order of arrival has this law (arXiv 1012.0256).
 */
function slotDrawer(count: number, taken: number, powerA: number): (rng: Rng) => Int32Array {
  const meanTimes = Float64Array.from({ length: count }, (_, g) => (g + 1) ** (1 - powerA))
  const times = new Float64Array(count)
  const sorted = new Float64Array(count)
  const slots = new Int32Array(taken)
  return (rng) => {
    for (let g = 0; g < count; g++) sorted[g] = times[g] = -Math.log(1 - rng.uniform()) * meanTimes[g]!
    sorted.sort()
    const latest = sorted[taken - 1]!
    for (let g = 0, found = 0; found < taken; g++) if (times[g]! <= latest) slots[found++] = g
    return slots.sort((a, b) => times[a]! - times[b]!)
  }
}
