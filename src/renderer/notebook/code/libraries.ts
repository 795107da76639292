// Types of d3 and Plot for the editor of code cells, as files of a project that exists in its worker only.

const d3 = import.meta.glob<string>('../../../../node_modules/@types/d3*/index.d.ts', {
  query: '?raw',
  import: 'default',
})
const plot = import.meta.glob<string>(
  [
    '../../../../node_modules/@observablehq/plot/src/**/*.d.ts',
    '!../../../../node_modules/@observablehq/plot/src/**/node_modules/**',
  ],
  { query: '?raw', import: 'default' },
)

/** The libraries as globals; there is no document, so that its types are empty. */
export const LIBRARY_TYPES = `
interface Node {}
interface Element extends Node {}
interface HTMLElement extends Element {}
interface SVGElement extends Element {}
interface SVGSVGElement extends SVGElement {}
interface Document {}
declare const d3: typeof import('d3')
declare const Plot: typeof import('@observablehq/plot')
declare const console: { log(...values: readonly unknown[]): void }
`

/** Every file with its address in the editor's project. */
export async function readLibraries(): Promise<readonly { readonly path: string; readonly text: string }[]> {
  const files = [
    ...Object.entries(d3).map(([path, read]) => ({ path: path.slice(path.indexOf('@types/')), read })),
    ...Object.entries(plot).map(([path, read]) => ({
      path: path.slice(path.indexOf('@observablehq/')).replace('/src/', '/'),
      read,
    })),
  ]
  return Promise.all(
    files.map(async ({ path, read }) => ({ path: `file:///node_modules/${path}`, text: await read() })),
  )
}
