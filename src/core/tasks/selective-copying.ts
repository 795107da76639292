import { integer } from '../params.ts'
import { defineTask } from './task.ts'

export const selectiveCopying = defineTask({
  kind: 'selective-copying',
  title: 'Selective copying',
  doc:
    'n data tokens stand at random positions among blanks; then come a copy token and n blanks, at which the model must predict the data tokens in their order. ' +
    'Where the data stand differs from sequence to sequence, so a fixed shift cannot copy them. Mamba, arXiv 2312.00752, section 4.1.1; layout and sizes of MAD, arXiv 2403.17844 (vocabulary 16, n = 16, length 256).',
  params: {
    vocabSize: integer({
      doc: 'Tokens, the blank and the copy token (the last two ids) included.',
      default: 16,
      min: 4,
      max: 65536,
    }),
    numTokens: integer({ doc: 'Data tokens n to copy.', default: 8, min: 1, max: 4096 }),
  },
  scoreName: 'accuracy on copied tokens',
  defaultSeqLen: 48,
  vocabSize: ({ vocabSize }) => vocabSize,
  shortest: ({ numTokens }) => ({ seqLen: 2 * numTokens + 2, rule: `2 x numTokens (${numTokens}) + 2` }),
  chance: ({ vocabSize }) => 1 / (vocabSize - 2),
  writer: ({ vocabSize, numTokens }, seqLen) => {
    const blank = vocabSize - 2
    const copy = vocabSize - 1
    const marker = seqLen - numTokens - 1
    return (rng, tokens, targets) => {
      tokens.fill(blank)
      tokens[marker] = copy
      // takes each position with the chance that makes all choices of n positions equally likely (Knuth's algorithm S)
      for (let t = 0, copied = 0; copied < numTokens; t++) {
        if (rng.integer(marker - t) >= numTokens - copied) continue
        tokens[t] = targets[marker + 1 + copied] = rng.integer(vocabSize - 2)
        copied++
      }
    }
  },
})
