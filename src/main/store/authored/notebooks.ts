// Notebooks: documents by name, as text.

import { HeddleError } from '#core/errors.ts'
import type { Project } from '../db.ts'
import { integer, text } from '../file/columns.ts'
import { insert, select, table } from '../file/table.ts'
import type { RowOf } from '../file/table.ts'

export const notebooks = table('notebooks', 'Notebook documents.', {
  id: integer(),
  name: text(),
  text: text(50_000_000, 0),
  createdAt: integer(),
  updatedAt: integer(),
})

export type NotebookRow = RowOf<typeof notebooks.columns>

/** Stores a notebook under its name, over an earlier text of that name; returns its number. */
export function saveNotebook(project: Project, notebook: Pick<NotebookRow, 'name' | 'text'>): number {
  const now = Date.now()
  return project.sql.transaction(() => {
    insert(
      project.sql,
      notebooks,
      { ...notebook, createdAt: now, updatedAt: now },
      ' ON CONFLICT (name) DO UPDATE SET text = excluded.text, updatedAt = excluded.updatedAt',
    )
    return getNotebook(project, notebook.name).id
  })
}

/** The notebook with a name. Throws `usage` if there is none. */
export function getNotebook(project: Project, name: string): NotebookRow {
  const row = select(project.sql, notebooks, project.path, 'WHERE name = ?', name)[0]
  if (row === undefined)
    throw new HeddleError('usage', `no notebook ${JSON.stringify(name)} in ${project.path}`, { path: 'name' })
  return row
}

/** Notebooks by name. */
export function listNotebooks(project: Project): NotebookRow[] {
  return select(project.sql, notebooks, project.path, 'ORDER BY name')
}

/** What a list shows of a notebook: everything but its text. */
export interface NotebookHead extends Omit<NotebookRow, 'text'> {
  readonly characters: number
}

/** Notebooks by name, without their texts. */
export function listNotebookHeads(project: Project): NotebookHead[] {
  return project.sql
    .all('SELECT id, name, length(text) AS characters, createdAt, updatedAt FROM notebooks ORDER BY name')
    .map((row) => ({
      id: Number(row['id']),
      name: String(row['name']),
      characters: Number(row['characters']),
      createdAt: Number(row['createdAt']),
      updatedAt: Number(row['updatedAt']),
    }))
}

/** Takes a notebook out of the project. Throws `usage` if there is none of this name. */
export function removeNotebook(project: Project, name: string): void {
  const { id } = getNotebook(project, name)
  project.sql.run('DELETE FROM notebooks WHERE id = ?', id)
}
