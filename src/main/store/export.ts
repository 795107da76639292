// Tables as files for other programs: CSV (RFC 4180), JSON lines, Parquet. Curves are expanded to one row for each point.

import { once } from 'node:events'
import { createWriteStream, renameSync, rmSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { HeddleError } from '#core/errors.ts'
import type { Project } from './db.ts'
import { integer, real, text } from './file/columns.ts'
import { storeError } from './file/errors.ts'
import { parquetSink } from './file/parquet.ts'
import { decodeRow, table } from './file/table.ts'
import type { Columns, Table } from './file/table.ts'
import { curvesOf, pagesOf, TABLES, VIEWS } from './file/tables.ts'
import { metricChunks, readCurve } from './metrics.ts'

export const EXPORT_FORMATS = ['csv', 'jsonl', 'parquet'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

const metricPoints = table('metric_points', 'Points of training curves, in the order in which they were written.', {
  run: integer(),
  metric: text(),
  step: real,
  value: real,
})

/** What can be exported: every table, with the curves as points, and the views that join states to trials and runs. */
export const EXPORTS: readonly Table[] = [
  ...TABLES.map((each) => (each.name === metricChunks.name ? metricPoints : each)),
  ...VIEWS,
]

type Row = Readonly<Record<string, unknown>>

const POINTS_AT_ONCE = 1 << 15
const ROWS_AT_ONCE = 1000

function* batchesOf(project: Project, from: Table): Generator<Row[]> {
  if (from !== metricPoints) {
    for (const page of pagesOf(project.sql, from, ROWS_AT_ONCE, project.path))
      yield page.map((row) => decodeRow(from, row, project.path))
    return
  }
  for (const { run, metric } of curvesOf(project.sql)) {
    const { steps, values } = readCurve(project, run, metric)
    for (let at = 0; at < steps.length; at += POINTS_AT_ONCE) {
      const count = Math.min(POINTS_AT_ONCE, steps.length - at)
      yield Array.from({ length: count }, (_, i) => ({ run, metric, step: steps[at + i]!, value: values[at + i]! }))
    }
  }
}

/**
 * Writes a table to a stream, which stays open; returns the number of rows. In CSV an empty cell is null and empty text
 * is quoted; JSON lines hold NaN and infinities as text; lists of samples are JSON in CSV and lists in Parquet.
 * @throws HeddleError `usage` for an unknown table or format; `store-invalid` on a damaged row.
 */
export async function exportTable(
  project: Project,
  name: string,
  format: ExportFormat,
  stream: Writable,
): Promise<number> {
  const from = EXPORTS.find((each) => each.name === name)
  if (from === undefined)
    throw new HeddleError('usage', `no table ${JSON.stringify(name)}`, {
      path: 'table',
      hint: `tables: ${EXPORTS.map((each) => each.name).join(', ')}`,
    })
  const sink = sinkOf(format, from.columns, (bytes) => send(stream, bytes))
  for (const writer of project.pending.values()) writer.flush()
  // an error of the stream also comes back from `send`; without a listener it would end the process
  const ignore = (): void => {}
  stream.on('error', ignore)
  let count = 0
  try {
    for (const rows of batchesOf(project, from)) {
      await sink.write(rows)
      count += rows.length
    }
    await sink.finish()
  } finally {
    stream.off('error', ignore)
  }
  return count
}

/** Writes a table to a file, complete or not at all; returns the number of rows. */
export async function exportTableFile(
  project: Project,
  name: string,
  format: ExportFormat,
  path: string,
): Promise<number> {
  const partial = `${path}.partial`
  try {
    const stream = createWriteStream(partial)
    try {
      // opening goes on in the background: nothing may fail, and the folder go, before it has ended
      await once(stream, 'open')
      const count = await exportTable(project, name, format, stream)
      await finished(stream.end())
      renameSync(partial, path)
      return count
    } finally {
      stream.destroy()
    }
  } catch (error) {
    throw storeError(error, path)
  } finally {
    rmSync(partial, { force: true })
  }
}

function send(stream: Writable, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}

interface Sink {
  write(rows: readonly Row[]): Promise<void>
  finish(): Promise<void>
}

function sinkOf(format: ExportFormat, columns: Columns, send: (bytes: Uint8Array | string) => Promise<void>): Sink {
  const names = Object.keys(columns)
  switch (format) {
    case 'csv': {
      let header = `${names.join(',')}\r\n`
      const flushHeader = async (lines: string): Promise<void> => {
        const piece = header + lines
        header = ''
        if (piece !== '') await send(piece)
      }
      return {
        write: (rows) =>
          flushHeader(rows.map((row) => `${names.map((name) => cell(row[name])).join(',')}\r\n`).join('')),
        finish: () => flushHeader(''),
      }
    }
    case 'jsonl':
      return {
        write: (rows) => send(rows.map((row) => `${JSON.stringify(row, jsonValue)}\n`).join('')),
        finish: async () => {},
      }
    case 'parquet':
      return parquetSink(columns, send)
    default:
      throw new HeddleError('usage', `no format ${JSON.stringify(format)}`, {
        path: 'format',
        hint: `formats: ${EXPORT_FORMATS.join(', ')}`,
      })
  }
}

function jsonValue(_: string, value: unknown): unknown {
  if (value instanceof Float64Array) return Array.from(value)
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

function cell(value: unknown): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value, jsonValue)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
