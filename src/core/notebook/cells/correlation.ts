import { cellKind, idsOf, readFields, textField } from './cell.ts'

/** Whether short runs rank stacks as long ones do. */
export const correlation = cellKind({
  kind: 'correlation',
  title: 'Correlation',
  doc: 'Rank correlation of a metric early in the runs with the final one, over the training budget, with intervals and baselines. of names train cells or one experiment.',
  params: {},
  language: 'yaml',
  runs: 'never',
  example: 'of: [runs]\nmetric: bitsPerByte\n',
  read({ body }) {
    const fields = readFields(body, ['of', 'metric', 'finalMetric'])
    const metric = textField(fields['metric'], 'metric', 'bitsPerByte', 60)
    return {
      of: idsOf(fields['of'], 'of'),
      metric,
      finalMetric: textField(fields['finalMetric'], 'finalMetric', metric, 60),
    }
  },
  inputs: ({ of }) => of,
})
