// Results of notebook cells, by the hash of what was computed. Rows are added and never changed.

import type { Project } from '../db.ts'
import { hash, integer, record, text } from '../file/columns.ts'
import { insert, select, table } from '../file/table.ts'
import type { RowOf } from '../file/table.ts'

export const cellResults = table('cell_results', 'Results of notebook cells by the hash of what they computed.', {
  id: integer(),
  hash,
  notebook: text(),
  cell: text(80),
  kind: text(60),
  result: record,
  createdAt: integer(),
})

export type CellResultRow = RowOf<typeof cellResults.columns>

/** Stores a result; returns its row. Throws `usage` on a bad field. */
export function addCellResult(project: Project, result: Omit<CellResultRow, 'id' | 'createdAt'>): CellResultRow {
  const createdAt = Date.now()
  const id = insert(project.sql, cellResults, { ...result, createdAt })
  return { ...result, id, createdAt }
}

/** The newest result under each of these hashes. */
export function findCellResults(project: Project, hashes: readonly string[]): CellResultRow[] {
  return hashes.flatMap((one) =>
    select(project.sql, cellResults, project.path, 'WHERE hash = ? ORDER BY id DESC LIMIT 1', one),
  )
}

/** The newest result of every cell of a notebook, whatever it computed. */
export function latestCellResults(project: Project, notebook: string): CellResultRow[] {
  return select(
    project.sql,
    cellResults,
    project.path,
    'WHERE id IN (SELECT max(id) FROM cell_results WHERE notebook = ? GROUP BY cell) ORDER BY id',
    notebook,
  )
}
