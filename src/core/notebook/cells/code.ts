import { cellKind, fenceInputs } from './cell.ts'

/** TypeScript over the rows of other cells. */
export const code = cellKind({
  kind: 'code',
  title: 'Code',
  doc: 'TypeScript in a closed frame: no network, no page, a limit of time and memory. inputs=a,b on its fence gives it cells; what it returns or displays is shown and can be an input itself.',
  params: {},
  language: 'typescript',
  runs: 'itself',
  example: 'return [1, 2, 3].map((n) => ({ n, square: n * n }))\n',
  read: (source) => ({ code: source.body.replace(/\s+$/, ''), inputs: fenceInputs(source) }),
  inputs: ({ inputs }) => inputs,
})
