import type { Project } from './db.ts'
import { countRows, TABLES } from './file/tables.ts'

/** How many rows each table of the project has, by table. */
export const countTables = (project: Project): Readonly<Record<string, number>> =>
  Object.fromEntries(TABLES.map((table) => [table.name, countRows(project.sql, table)]))
