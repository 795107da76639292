import { integer, optionalReal } from '../params.ts'
import type { Rng } from '../rng.ts'
import { drawDistinct, fillUniform, idRange } from './sampling.ts'
import { defineTask } from './task.ts'

export const needle = defineTask({
  kind: 'needle',
  title: 'Needle in a haystack',
  doc:
    'A key and its value (the needle) stand next to each other somewhere in random filler; the sequence ends with a question mark token and the key, and the model must predict the value there. ' +
    'Further needles with other keys distract. Depth 0 puts the needle at the start of the filler, 1 at its end. ' +
    'Token 0 is the question mark; keys, values and filler take a third of the other tokens each. After the multi-key needle test of RULER, arXiv 2404.06654.',
  params: {
    vocabSize: integer({ doc: 'Tokens, the question mark included.', default: 64, min: 7, max: 65536 }),
    numNeedles: integer({
      doc: 'Key-value pairs in the filler, the one asked for included.',
      default: 1,
      min: 1,
      max: 256,
    }),
    depth: optionalReal({
      doc: 'Relative position of the needle asked for; none draws it evenly.',
      default: null,
      min: 0,
      max: 1,
    }),
  },
  scoreName: 'accuracy on the needle',
  defaultSeqLen: 32,
  conflict: ({ vocabSize, numNeedles }) => {
    const keys = thirdOf(vocabSize)
    if (numNeedles <= keys) return undefined
    const message = `numNeedles (${numNeedles}) must be at most the ${keys} distinct keys of vocabSize (${vocabSize})`
    return { param: 'numNeedles', message }
  },
  vocabSize: ({ vocabSize }) => vocabSize,
  // a placed pair rules out three of the starts of another, so with 3n - 2 starts there is always one left
  shortest: ({ numNeedles }) => ({ seqLen: 3 * numNeedles + 1, rule: `3 x numNeedles (${numNeedles}) + 1` }),
  chance: ({ vocabSize }) => 1 / thirdOf(vocabSize),
  writer: ({ vocabSize, numNeedles, depth }, seqLen) => {
    const third = thirdOf(vocabSize)
    const keys = idRange(1, third)
    const firstValue = 1 + third
    const firstFiller = 1 + 2 * third
    const lastStart = seqLen - 4
    const starts = new Int32Array(numNeedles)
    return (rng, tokens, targets) => {
      fillUniform(rng, tokens, firstFiller, vocabSize - firstFiller)
      drawDistinct(rng, keys, numNeedles)
      for (let i = 0; i < numNeedles; i++) {
        const start =
          i === 0 && depth !== null ? Math.round(depth * lastStart) : freeStart(rng, starts.subarray(0, i), lastStart)
        starts[i] = start
        tokens[start] = keys[i]!
        tokens[start + 1] = firstValue + rng.integer(third)
      }
      tokens[seqLen - 2] = 0
      tokens[seqLen - 1] = keys[0]!
      targets[seqLen - 1] = tokens[starts[0]! + 1]!
    }
  },
})

const thirdOf = (vocabSize: number): number => Math.floor((vocabSize - 1) / 3)

/** A start in `[0, last]` for a pair that overlaps none of the pairs at `taken`. */
function freeStart(rng: Rng, taken: Int32Array, last: number): number {
  for (;;) {
    const start = rng.integer(last + 1)
    if (taken.every((other) => Math.abs(other - start) >= 2)) return start
  }
}
