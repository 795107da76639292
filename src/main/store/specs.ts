// Architecture specs by content hash, with the counts that were derived from them.

import type { Project } from './db.ts'
import { hash, integer, numbers, record, text } from './file/columns.ts'
import { insertOnce, select, table } from './file/table.ts'
import type { RowOf } from './file/table.ts'

export const specs = table('specs', 'Architecture specifications, one row for each content hash.', {
  hash,
  name: text(200, 0),
  /** The compact text form. */
  text: text(1_000_000, 0),
  json: record,
  /** Derived counts: params, flopsPerToken, stateBytes ... */
  counts: numbers,
  createdAt: integer(),
})

export type SpecRow = RowOf<typeof specs.columns>

/** Stores a spec unless its hash is there already; the first name stays. Throws `usage` on a bad field. */
export function putSpec(project: Project, spec: Omit<SpecRow, 'createdAt'>): void {
  insertOnce(project.sql, specs, { ...spec, createdAt: Date.now() })
}

/** The spec with a hash, or undefined. */
export function getSpec(project: Project, hash: string): SpecRow | undefined {
  return select(project.sql, specs, project.path, 'WHERE hash = ?', hash)[0]
}

/** Specs in the order of their arrival; `like` finds a part of the name or of the text form. */
export function listSpecs(
  project: Project,
  filter: { readonly like?: string; readonly limit?: number } = {},
): SpecRow[] {
  const part = filter.like ?? ''
  return select(
    project.sql,
    specs,
    project.path,
    "WHERE ? = '' OR instr(lower(name), lower(?)) > 0 OR instr(text, ?) > 0 ORDER BY rowid LIMIT ?",
    part,
    part,
    part,
    filter.limit ?? -1,
  )
}
