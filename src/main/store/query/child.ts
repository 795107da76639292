// The process that runs one SELECT of a user: SQLite cannot be interrupted from the thread that it runs on, a process can.

import { errorRecord } from '#core/errors.ts'
import { closeProject, openProject } from '../db.ts'
import type { SqlValue } from '../file/sql.ts'
import { QUERY_LIMITS } from './run.ts'
import type { QueryReply, QueryRequest, QueryValue } from './run.ts'

process.once('message', (request: QueryRequest) => {
  const reply = answer(request)
  process.send!(reply, () => process.exit(0))
})
process.once('disconnect', () => process.exit(0))

function answer({ path, sql, rows: most }: QueryRequest): QueryReply {
  try {
    const project = openProject(path, { readonly: true })
    try {
      project.sql.pragma(`hard_heap_limit = ${QUERY_LIMITS.memoryBytes}`)
      const { columns, rows, isCut } = project.sql.read(sql, most)
      let room: number = QUERY_LIMITS.characters
      const shown: QueryValue[][] = []
      for (const row of rows) {
        const values = row.map(shownValue)
        room -= values.reduce<number>((sum, value) => sum + String(value).length + 2, 0)
        if (room < 0) return { value: { columns, rows: shown, isCut: true } }
        shown.push(values)
      }
      return { value: { columns, rows: shown, isCut } }
    } finally {
      closeProject(project)
    }
  } catch (error) {
    return { error: errorRecord(error, 'usage') }
  }
}

function shownValue(value: SqlValue): QueryValue {
  if (value instanceof Uint8Array) return `<${value.byteLength} bytes>`
  // a number that is not finite has no place in JSON
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value === 'string' && value.length > QUERY_LIMITS.textCharacters)
    return `${value.slice(0, QUERY_LIMITS.textCharacters)}…`
  return value
}
