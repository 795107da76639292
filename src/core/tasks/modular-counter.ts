import { integer } from '../params.ts'
import { fillUniform } from './sampling.ts'
import { defineTask } from './task.ts'

export const modularCounter = defineTask({
  kind: 'modular-counter',
  title: 'Modular counter',
  doc:
    'Random residues; after each the model must predict the sum of all so far, s_t = (s_(t-1) + x_t) mod m. ' +
    'State tracking in a commutative group: the word problem of the cyclic group Z_m (m = 60 in arXiv 2404.08819); m = 2 is running parity.',
  params: {
    modulus: integer({ doc: 'Modulus m.', default: 5, min: 2, max: 4096 }),
  },
  scoreName: 'accuracy on the running sum',
  defaultSeqLen: 32,
  vocabSize: ({ modulus }) => modulus,
  shortest: () => ({ seqLen: 2, rule: 'two residues' }),
  chance: ({ modulus }) => 1 / modulus,
  writer:
    ({ modulus }) =>
    (rng, tokens, targets) => {
      fillUniform(rng, tokens, 0, modulus)
      let state = 0
      for (let t = 0; t < tokens.length; t++) targets[t] = state = (state + tokens[t]!) % modulus
    },
})
