// Every table and view of a project, referred-to tables before those that refer to them.

import { annotations } from '../authored/annotations.ts'
import { cellResults } from '../authored/cell-results.ts'
import { artifacts, blobs } from '../blobs.ts'
import { correlations, fits } from '../correlations.ts'
import { documents } from '../authored/documents.ts'
import { devices, environments } from '../environments.ts'
import { lutEntries } from '../lut.ts'
import { measurements } from '../measurements.ts'
import { metricChunks } from '../metrics.ts'
import { notebooks } from '../authored/notebooks.ts'
import { runResults, runs, runStates } from '../runs.ts'
import { specs } from '../specs.ts'
import { studies } from '../studies.ts'
import { trialDeaths, trialResults, trials, trialStates } from '../trials.ts'
import { damaged } from './errors.ts'
import type { Sql, SqlRow, SqlValue } from './sql.ts'
import type { Table } from './table.ts'

export const TABLES: readonly Table[] = [
  specs,
  devices,
  environments,
  measurements,
  lutEntries,
  studies,
  trials,
  trialStates,
  trialDeaths,
  runs,
  runStates,
  metricChunks,
  correlations,
  fits,
  notebooks,
  cellResults,
  documents,
  annotations,
  blobs,
  artifacts,
]

export const VIEWS: readonly Table[] = [trialResults, runResults]

/**
 * The stored rows of a table or view by their key, some at a time, so that other statements may run in between and
 * large rows do not pile up.
 */
export function* pagesOf(sql: Sql, from: Table, size: number, path: string): Generator<SqlRow[]> {
  const query = `SELECT ${from.select} FROM ${from.name}`
  const order = `ORDER BY "${from.key}" LIMIT ?`
  let last: SqlValue | undefined
  for (;;) {
    const rows =
      last === undefined
        ? sql.all(`${query} ${order}`, size)
        : sql.all(`${query} WHERE "${from.key}" > ? ${order}`, last, size)
    if (rows.length > 0) yield rows
    if (rows.length < size) return
    const next = rows.at(-1)![from.key]!
    // a damaged tree can lead in circles
    if (next === null || (last !== undefined && last !== null && next <= last))
      throw damaged(path, `the rows of ${from.name} are out of order`)
    last = next
  }
}

/** The curves of a project: each run with each of its metrics. */
export function curvesOf(sql: Sql): { readonly run: number; readonly metric: string }[] {
  return sql
    .all('SELECT DISTINCT run, metric FROM metric_chunks ORDER BY run, metric')
    .map((row) => ({ run: Number(row['run']), metric: String(row['metric']) }))
}

/** Rows of a table. */
export const countRows = (sql: Sql, { name }: Table): number =>
  Number(sql.get(`SELECT count(*) AS n FROM "${name}"`)?.['n'])
