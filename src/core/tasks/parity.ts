import { fillUniform } from './sampling.ts'
import { defineTask } from './task.ts'

export const parity = defineTask({
  kind: 'parity',
  title: 'Running parity',
  doc:
    'Random bits; after each the model must predict the parity of all bits so far, s_t = s_(t-1) xor x_t. ' +
    'The smallest state-tracking task: a linear recurrence of finite precision whose transitions have only positive eigenvalues cannot solve it at every length. arXiv 2411.12537.',
  params: {},
  scoreName: 'accuracy on running parity',
  defaultSeqLen: 32,
  vocabSize: () => 2,
  shortest: () => ({ seqLen: 2, rule: 'two bits' }),
  chance: () => 1 / 2,
  writer: () => (rng, tokens, targets) => {
    fillUniform(rng, tokens, 0, 2)
    let state = 0
    for (let t = 0; t < tokens.length; t++) targets[t] = state ^= tokens[t]!
  },
})
