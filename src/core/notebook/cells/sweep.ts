import { cellKind, idsOf, integersField, readFields, recordField, textField } from './cell.ts'

/** Depth against width at matched parameter counts. */
export const sweep = cellKind({
  kind: 'sweep',
  title: 'Sweep',
  doc: 'Goes round the blocks of one stack to each depth and solves the width from each budget of decoder parameters; times and trains every shape, and fits the law of the losses. Options are those of heddle sweep.',
  params: {},
  language: 'yaml',
  runs: 'asked',
  example: 'stack: pattern\ndepths: [2, 4, 6]\nbudgets: [30000, 60000]\noptions:\n  steps: 60\n',
  read({ body }) {
    const fields = readFields(body, ['stack', 'name', 'depths', 'budgets', 'options', 'data', 'tokenizer', 'target'])
    const { data } = fields
    return {
      stack: idsOf(fields['stack'], 'stack')[0]!,
      name: textField(fields['name'], 'name', ''),
      depths: integersField(fields['depths'], 'depths', 64, 1024),
      budgets: integersField(fields['budgets'], 'budgets', 64, 1e12),
      options: recordField(fields['options'], 'options'),
      ...(data !== undefined && data !== null && { data: textField(data, 'data', '', 4096) }),
      tokenizer: textField(fields['tokenizer'], 'tokenizer', 'bytes', 4096),
      target: textField(fields['target'], 'target', 'ort-cpu', 60),
    }
  },
  inputs: (content) => [content.stack],
})
