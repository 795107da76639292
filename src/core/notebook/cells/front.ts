import { cellKind, idsOf, readFields, textField } from './cell.ts'

/** The front of one or more searches. */
export const front = cellKind({
  kind: 'front',
  title: 'Front',
  doc: 'The trials of one or more searches over two metrics with the front of each; x and y are metrics, by default those of the goal.',
  params: {},
  language: 'yaml',
  runs: 'never',
  example: 'of: search\n',
  read({ body }) {
    const fields = readFields(body, ['of', 'x', 'y'])
    return {
      of: idsOf(fields['of'], 'of'),
      x: textField(fields['x'], 'x', '', 60),
      y: textField(fields['y'], 'y', '', 60),
    }
  },
  inputs: ({ of }) => of,
})
