import { HeddleError } from '../../errors.ts'
import { cellKind, idsOf, integerField, readFields, textField } from './cell.ts'

/** Rows of the project by SQL. */
export const table = cellKind({
  kind: 'table',
  title: 'Table',
  doc: 'One SELECT on the project, read-only and bounded in time and rows. inputs name cells after which it runs again.',
  params: {},
  language: 'yaml',
  runs: 'itself',
  example: 'sql: |\n  SELECT id, name, state FROM run_results ORDER BY id DESC\nrows: 20\n',
  read({ body }) {
    const fields = readFields(body, ['sql', 'rows', 'inputs'])
    const sql = textField(fields['sql'], 'sql', '', 20_000).trim()
    if (sql === '') throw new HeddleError('param-invalid', 'a table needs a SELECT', { path: 'sql' })
    return {
      sql,
      rows: integerField(fields['rows'], 'rows', 100, 1, 5000),
      inputs: idsOf(fields['inputs'], 'inputs', 0),
    }
  },
  inputs: ({ inputs }) => inputs,
})
