import { cellKind, idsOf, readFields } from './cell.ts'

/** The law of loss over depth and width that a sweep was fitted with. */
export const fit = cellKind({
  kind: 'fit',
  title: 'Scaling fit',
  doc: 'The law L0 + a D^-alpha + b W^-beta of the losses of a sweep: its curves, coefficients and how it does on what was held out.',
  params: {},
  language: 'yaml',
  runs: 'never',
  example: 'of: sweep\n',
  read({ body }) {
    const fields = readFields(body, ['of'])
    return { of: idsOf(fields['of'], 'of')[0]! }
  },
  inputs: ({ of }) => [of],
})
