// Every version of the project file, oldest first. A released migration is never edited; a change is a file more.

import { initial } from './001-initial.ts'
import { documents } from './002-documents.ts'
import { cellResults } from './003-cell-results.ts'

/** One step of the schema: the SQL that leads from `version - 1` to `version`. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
}

export const migrations: readonly Migration[] = [initial, documents, cellResults]
