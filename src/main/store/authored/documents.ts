// What people make and name: designs of stacks, saved selections. The latest version counts.

import { HeddleError } from '#core/errors.ts'
import type { Project } from '../db.ts'
import { integer, record, text, word } from '../file/columns.ts'
import { insert, select, table } from '../file/table.ts'
import type { RowOf } from '../file/table.ts'

/** `design`: a stack on the canvas. `selection`: rows that someone picked. */
export const DOCUMENT_KINDS = ['design', 'selection'] as const
export type DocumentKind = (typeof DOCUMENT_KINDS)[number]

export const documents = table('documents', 'Designs and saved selections by name.', {
  id: integer(),
  kind: word(DOCUMENT_KINDS),
  name: text(),
  body: record,
  createdAt: integer(),
  updatedAt: integer(),
})

export type DocumentRow = RowOf<typeof documents.columns>

/** Stores a document under its kind and name, over an earlier one; returns its row. Throws `usage` on a bad field. */
export function saveDocument(project: Project, document: Pick<DocumentRow, 'kind' | 'name' | 'body'>): DocumentRow {
  const now = Date.now()
  return project.sql.transaction(() => {
    insert(
      project.sql,
      documents,
      { ...document, createdAt: now, updatedAt: now },
      ' ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body, updatedAt = excluded.updatedAt',
    )
    return getDocument(project, document.kind, document.name)
  })
}

/** Documents of a kind, the latest first. */
export function listDocuments(project: Project, kind: DocumentKind): DocumentRow[] {
  return select(project.sql, documents, project.path, 'WHERE kind = ? ORDER BY updatedAt DESC, id DESC', kind)
}

/** The document with a name. Throws `usage` if there is none. */
export function getDocument(project: Project, kind: DocumentKind, name: string): DocumentRow {
  const row = select(project.sql, documents, project.path, 'WHERE kind = ? AND name = ?', kind, name)[0]
  if (row === undefined)
    throw new HeddleError('usage', `no ${kind} ${JSON.stringify(name)} in ${project.path}`, { path: 'name' })
  return row
}

/** Takes a document out of the project. Throws `usage` if there is none of this name. */
export function removeDocument(project: Project, kind: DocumentKind, name: string): void {
  const { id } = getDocument(project, kind, name)
  project.sql.run('DELETE FROM documents WHERE id = ?', id)
}
