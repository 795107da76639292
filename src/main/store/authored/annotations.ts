// Tags and notes on rows that are facts themselves: runs, studies, measurements.

import type { Project } from '../db.ts'
import { integer, list, text, word } from '../file/columns.ts'
import { insert, select, table } from '../file/table.ts'
import type { RowOf } from '../file/table.ts'

export const SUBJECTS = ['run', 'study', 'measurement'] as const

export const annotations = table('annotations', 'Tags and notes on runs, studies and measurements.', {
  id: integer(),
  subject: word(SUBJECTS),
  subjectId: integer(),
  tags: list,
  note: text(20_000, 0),
  updatedAt: integer(),
})

export type AnnotationRow = RowOf<typeof annotations.columns>

/** Sets the tags and the note of a row, over earlier ones. Throws `usage` on a bad field. */
export function annotate(project: Project, about: Omit<AnnotationRow, 'id' | 'updatedAt'>): void {
  insert(
    project.sql,
    annotations,
    { ...about, updatedAt: Date.now() },
    ' ON CONFLICT (subject, subjectId) DO UPDATE SET tags = excluded.tags, note = excluded.note, updatedAt = excluded.updatedAt',
  )
}

/** All annotations of the project. */
export function listAnnotations(project: Project): AnnotationRow[] {
  return select(project.sql, annotations, project.path, 'ORDER BY id')
}
