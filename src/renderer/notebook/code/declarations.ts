// What code in a cell can name, as TypeScript declarations: its inputs with the types of their rows, d3, Plot, display.

import { cellViewOf } from '../cells/index.ts'
import { variableOf } from '../sandbox/program.ts'

const API = `
/** Shows a value below the cell: a drawing, rows, text. What the code returns is shown too. */
declare function display(value: unknown): void
/** Every input by its id. */
declare const inputs: Readonly<Record<string, unknown>>
`

/** Declarations of the inputs of a cell; `kindOf` tells the kind behind an id. */
export function declarationsOf(ids: readonly string[], kindOf: (id: string) => string): string {
  const lines = ids.map((id) => {
    const type = cellViewOf(kindOf(id))?.type ?? 'unknown'
    return `/** Rows of the cell ${id}. */\ndeclare const ${variableOf(id)}: ${type}`
  })
  return `${API}${lines.join('\n')}\n`
}
