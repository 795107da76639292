import { makeSpace, parseGoal, searcherOf, searchers } from '../../search/index.ts'
import { cellKind, idsOf, integerField, readFields, recordField, textField } from './cell.ts'
import { checkTraining } from './cell.ts'

const SMALL_SPACE = { dModels: [32, 64], maxBlocks: 6, model: { vocabSize: 257 } }
const SMALL_RUN = { steps: 30, batchSize: 4, seqLen: 128, validationEvery: 30, validationTokens: 8192 }

/** A search for stacks under a goal. */
export const search = cellKind({
  kind: 'search',
  title: 'Search',
  doc: 'Proposes stacks, trains each briefly, measures its latency and breeds from the best. stacks seed the space; constraints bound metrics, as in {metric: tpotMs, max: 0.5}.',
  params: {},
  language: 'yaml',
  runs: 'asked',
  example:
    'trials: 12\nobjectives: [bitsPerByte, tpotMs]\nconstraints:\n  - {metric: tpotMs, max: 1}\nspace:\n  dModels: [32, 64]\n  maxBlocks: 6\n',
  read({ body }) {
    const fields = readFields(body, [
      ...['name', 'stacks', 'searcher', 'params', 'space', 'objectives', 'constraints'],
      ...['trials', 'parallel', 'seed', 'run', 'data', 'profile', 'evaluation'],
    ])
    const goal = {
      objectives: fields['objectives'] ?? ['bitsPerByte', 'tpotMs'],
      constraints: fields['constraints'] ?? [],
    }
    parseGoal(goal)
    const space = { ...SMALL_SPACE, ...recordField(fields['space'], 'space') }
    makeSpace(space, () => 0)
    const train = {
      data: { kind: 'corpus', path: null, tokenizer: 'bytes', ...recordField(fields['data'], 'data') },
      run: { ...SMALL_RUN, ...recordField(fields['run'], 'run') },
    }
    checkTraining(train)
    return {
      name: textField(fields['name'], 'name', ''),
      stacks: idsOf(fields['stacks'], 'stacks', 0),
      config: {
        searcher: searcherOf(textField(fields['searcher'], 'searcher', searchers[0]!.kind, 60)).kind,
        params: recordField(fields['params'], 'params'),
        space,
        goal,
        trials: integerField(fields['trials'], 'trials', 12, 1, 1_000_000),
        parallel: integerField(fields['parallel'], 'parallel', 1, 1, 64),
        seed: integerField(fields['seed'], 'seed', 1, 0, 2 ** 31 - 1),
        evaluation: {
          ...recordField(fields['evaluation'], 'evaluation'),
          train,
          profile: { options: { maxSeconds: 1.5, ...recordField(fields['profile'], 'profile') } },
        },
      },
    }
  },
  inputs: ({ stacks }) => stacks,
})
