import { integer } from '../params.ts'
import { fillUniform } from './sampling.ts'
import { defineTask } from './task.ts'

export const induction = defineTask({
  kind: 'induction',
  title: 'Induction heads',
  doc:
    'A special token (the last id) stands at a random place of a random sequence and comes again at its end, where the model must predict the token that followed it the first time. ' +
    'The simplest test of an induction head. Mamba, arXiv 2312.00752, section 4.1.2 (vocabulary 16, length 256).',
  params: {
    vocabSize: integer({ doc: 'Tokens, the special one included.', default: 16, min: 3, max: 65536 }),
  },
  scoreName: 'accuracy on the recalled token',
  defaultSeqLen: 32,
  vocabSize: ({ vocabSize }) => vocabSize,
  shortest: () => ({ seqLen: 3, rule: 'special token, its successor, special token' }),
  chance: ({ vocabSize }) => 1 / (vocabSize - 1),
  writer: ({ vocabSize }, seqLen) => {
    const special = vocabSize - 1
    return (rng, tokens, targets) => {
      fillUniform(rng, tokens, 0, vocabSize - 1)
      const first = rng.integer(seqLen - 2)
      tokens[first] = tokens[seqLen - 1] = special
      targets[seqLen - 1] = tokens[first + 1]!
    }
  },
})
