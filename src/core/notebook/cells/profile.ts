import { cellKind, idsOf, integersField, readFields, recordField, textField } from './cell.ts'

/** Latencies of whole stacks, measured while nothing else runs. */
export const profile = cellKind({
  kind: 'profile',
  title: 'Profile',
  doc: 'Measures prefill and decode latency of the stacks, interleaved, alone on the machine; with contexts, at each of them. Options are those of heddle profile.',
  params: {},
  language: 'yaml',
  runs: 'asked',
  example: 'stacks: [hybrid]\noptions:\n  phases: both\n  maxSeconds: 6\n  trace: false\n',
  read({ body }) {
    const fields = readFields(body, ['stacks', 'contexts', 'options', 'target'])
    const { contexts } = fields
    return {
      stacks: idsOf(fields['stacks'], 'stacks'),
      contexts: contexts === undefined ? [] : integersField(contexts, 'contexts', 24, 1 << 20),
      options: recordField(fields['options'], 'options'),
      target: textField(fields['target'], 'target', 'ort-cpu', 60),
    }
  },
  inputs: ({ stacks }) => stacks,
})
