import { HeddleError } from '../../errors.ts'
import { cellKind, readFields, recordField, textField } from './cell.ts'

/** An experiment of the paper, as `heddle study` runs it. */
export const study = cellKind({
  kind: 'study',
  title: 'Experiment',
  doc: 'Runs what is missing of an experiment of the paper: operator-ablation, weight-norm, meta-tokens or proxy-trust. Options are those of heddle study.',
  params: {},
  language: 'yaml',
  runs: 'asked',
  example: 'plan: operator-ablation\noptions:\n  preset: small\n  seeds: 1\n  steps: 40\n',
  read({ body }) {
    const fields = readFields(body, ['plan', 'options', 'data', 'tokenizer'])
    const plan = textField(fields['plan'], 'plan', '', 60)
    if (plan === '')
      throw new HeddleError('param-invalid', 'an experiment needs the name of its plan', {
        path: 'plan',
        hint: 'plan: operator-ablation, weight-norm, meta-tokens or proxy-trust',
      })
    const { data } = fields
    return {
      plan,
      options: recordField(fields['options'], 'options'),
      ...(data !== undefined && data !== null && { data: textField(data, 'data', '', 4096) }),
      tokenizer: textField(fields['tokenizer'], 'tokenizer', 'bytes', 4096),
    }
  },
  inputs: () => [],
})
