import { cellKind, fenceInputs } from './cell.ts'

/** A drawing made by code. */
export const plot = cellKind({
  kind: 'plot',
  title: 'Plot',
  doc: 'TypeScript that returns a drawing made with Plot (Observable Plot) or d3, in the same closed frame as code.',
  params: {},
  language: 'typescript',
  runs: 'itself',
  example: 'return Plot.lineY([3, 1, 4, 1, 5, 9, 2, 6]).plot({ height: 240 })\n',
  read: (source) => ({ code: source.body.replace(/\s+$/, ''), inputs: fenceInputs(source) }),
  inputs: ({ inputs }) => inputs,
})
