// Exports are read back by other programs: Python's csv, json and zipfile, and hyparquet.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { parquetReadObjects } from 'hyparquet'
import { describe, expect, it, onTestFinished } from 'vitest'
import { blobPath, getBlob, putBlob } from '#main/store/blobs.ts'
import { checkProject } from '#main/store/check.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Project } from '#main/store/db.ts'
import { EXPORTS, exportTable, exportTableFile } from '#main/store/export.ts'
import type { SqlRow, SqlValue } from '#main/store/file/sql.ts'
import { TABLES } from '#main/store/file/tables.ts'
import { writeZip } from '#main/store/file/zip.ts'
import { listMeasurements } from '#main/store/measurements.ts'
import { openMetrics } from '#main/store/metrics.ts'
import { packProject } from '#main/store/pack.ts'
import { startRun } from '#main/store/runs.ts'
import { listTrials } from '#main/store/trials.ts'
import { fillProject, specHash } from './sample.ts'
import { scratch, scratchProject } from './scratch.ts'

const hasPython = spawnSync('python3', ['--version']).status === 0
const python = (script: string, ...args: string[]): string =>
  execFileSync('python3', ['-c', script, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 })

/** Every row of a table by a plain query, with JSON and blobs as they are stored. */
const stored = (project: Project, table: string): SqlRow[] => project.sql.all(`SELECT * FROM ${table} ORDER BY 1`)

function asCells(row: SqlRow): Record<string, string> {
  const cell = (value: SqlValue): string => {
    if (!(value instanceof Uint8Array)) return value === null ? '' : String(value)
    const numbers = new Float64Array(Uint8Array.from(value).buffer)
    return JSON.stringify(Array.from(numbers, (x) => (Number.isFinite(x) ? x : String(x))))
  }
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cell(value)]))
}

describe('exports', () => {
  it('cover every table and view of the file', () => {
    const names = scratchProject()
      .sql.all("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")
      .map((row) => String(row['name']))
    expect(EXPORTS.map((table) => (table.name === 'metric_points' ? 'metric_chunks' : table.name)).sort()).toEqual(
      names.sort(),
    )
  })

  it('columns are those of the file', () => {
    const project = scratchProject()
    for (const table of TABLES)
      expect(project.sql.all(`SELECT name, type, "notnull" FROM pragma_table_info('${table.name}')`)).toEqual(
        Object.entries(table.columns).map(([name, column]) => ({
          name,
          type: { integer: 'INTEGER', real: 'REAL', text: 'TEXT', json: 'TEXT', floats: 'BLOB' }[column.kind],
          notnull: column.nullable || (name === table.key && column.kind === 'integer') ? 0 : 1,
        })),
      )
  })

  it.skipIf(!hasPython)('CSV says the same to Python', async () => {
    const project = scratchProject()
    fillProject(project)
    const folder = scratch()
    const counts: Record<string, number> = {}
    for (const { name } of EXPORTS) counts[name] = await exportTableFile(project, name, 'csv', join(folder, name))
    const script =
      'import csv, json, os, sys\nread = lambda n: list(csv.DictReader(open(os.path.join(sys.argv[1], n), newline=""), strict=True))\nprint(json.dumps({n: read(n) for n in os.listdir(sys.argv[1])}))'
    const tables = JSON.parse(python(script, folder)) as Record<string, Record<string, string>[]>
    expect(Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, rows.length]))).toEqual(counts)
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(0)
    for (const { name } of EXPORTS)
      if (name !== 'metric_points') expect(tables[name]).toEqual(stored(project, name).map(asCells))
  })

  it.skipIf(!hasPython)('JSON lines say the same to Python', async () => {
    const project = scratchProject()
    fillProject(project)
    const path = join(scratch(), 'trials.jsonl')
    await exportTableFile(project, 'trial_results', 'jsonl', path)
    const script = 'import json, sys\nprint(json.dumps([json.loads(line) for line in open(sys.argv[1])]))'
    expect(JSON.parse(python(script, path))).toEqual(listTrials(project, 1))
  })

  it('Parquet says the same to hyparquet', async () => {
    const project = scratchProject()
    fillProject(project)
    const folder = scratch()
    for (const table of EXPORTS) {
      const path = join(folder, `${table.name}.parquet`)
      const count = await exportTableFile(project, table.name, 'parquet', path)
      const bytes = readFileSync(path)
      const rows = await parquetReadObjects({ file: Uint8Array.from(bytes).buffer })
      expect(rows).toHaveLength(count)
      const jsonl: string[] = []
      const sink = new Writable({ write: (piece: Buffer, _, done) => (jsonl.push(piece.toString()), done()) })
      await exportTable(project, table.name, 'jsonl', sink)
      const lines = jsonl.join('').trimEnd().split('\n')
      const plain = (_: string, value: unknown): unknown =>
        typeof value === 'bigint'
          ? Number(value)
          : typeof value === 'number' && !Number.isFinite(value)
            ? String(value)
            : value
      expect(rows.map((row) => JSON.parse(JSON.stringify(row, plain)))).toEqual(lines.map((line) => JSON.parse(line)))
    }
    const measurement = (
      await parquetReadObjects({ file: Uint8Array.from(readFileSync(join(folder, 'measurements.parquet'))).buffer })
    )[0]!
    expect(measurement['samples']).toEqual(Array.from(listMeasurements(project)[0]!.samples))
  })

  it('points come in order and whole through a slow reader', async () => {
    const project = scratchProject()
    fillProject(project, 0)
    const run = startRun(project, { spec: specHash(0), config: {}, seed: 1 })
    const writer = openMetrics(project, run)
    for (let step = 0; step < 70_000; step++) writer.append('loss', step, step === 5 ? Number.NaN : step / 3)
    const stream = new PassThrough({ highWaterMark: 1000 })
    const pieces: Buffer[] = []
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    expect(await exportTable(project, 'metric_points', 'csv', stream)).toBe(70_000)
    const lines = Buffer.concat(pieces).toString().split('\r\n')
    expect(lines.slice(0, 2)).toEqual(['run,metric,step,value', `${run},loss,0,0`])
    expect(lines[6]).toBe(`${run},loss,5,NaN`)
    expect(lines.slice(-2)).toEqual([`${run},loss,69999,${69999 / 3}`, ''])
  })

  it('an empty table is a header, nothing, or a Parquet file without rows', async () => {
    const project = scratchProject()
    const folder = scratch()
    for (const format of ['csv', 'jsonl', 'parquet'] as const)
      expect(await exportTableFile(project, 'trials', format, join(folder, format))).toBe(0)
    expect(readFileSync(join(folder, 'csv'), 'utf8')).toBe('id,study,number,spec,parent,mutation,bornAt\r\n')
    expect(statSync(join(folder, 'jsonl')).size).toBe(0)
    expect(await parquetReadObjects({ file: Uint8Array.from(readFileSync(join(folder, 'parquet'))).buffer })).toEqual(
      [],
    )
  })

  it('that fail leave no file and no older one harmed', async () => {
    const project = scratchProject()
    fillProject(project)
    const path = join(scratch(), 'out.csv')
    writeFileSync(path, 'older')
    await expect(exportTableFile(project, 'secrets', 'csv', path)).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('trials'),
    })
    await expect(exportTableFile(project, 'trials', 'xls' as 'csv', path)).rejects.toMatchObject({ code: 'usage' })
    project.sql.run(`UPDATE specs SET counts = '[]'`)
    await expect(exportTableFile(project, 'specs', 'csv', path)).rejects.toMatchObject({ code: 'store-invalid' })
    expect(readFileSync(path, 'utf8')).toBe('older')
    expect(existsSync(`${path}.partial`)).toBe(false)
    const broken = new Writable({ write: (_piece, _encoding, done) => done(new Error('the reader went away')) })
    await expect(exportTable(project, 'trials', 'csv', broken)).rejects.toThrow('the reader went away')
  })
})

describe('packing', () => {
  it.skipIf(!hasPython)('makes a zip that Python unpacks into a project', async () => {
    const writer = scratchProject()
    fillProject(writer, 5000)
    const large = putBlob(writer, Buffer.alloc(2_000_000, 'checkpoint '))
    const folder = scratch()
    const zip = join(folder, 'out.zip')
    // the project is open for writing all the while
    expect(await packProject(writer.path, zip)).toEqual({ path: zip, bytes: statSync(zip).size, files: 3, missing: [] })
    const script =
      'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nz.extractall(sys.argv[2])'
    python(script, zip, folder)
    const path = join(folder, basename(writer.path))
    expect(await checkProject(path)).toMatchObject({ ok: true, points: 10_000, blobs: { count: 2 }, orphans: [] })
    const project = openProject(path)
    onTestFinished(() => closeProject(project))
    expect(listTrials(project, 1)).toEqual(listTrials(writer, 1))
    expect(getBlob(project, large)).toHaveLength(2_000_000)
  })

  it('names missing blobs and refuses to overwrite the project', async () => {
    const project = scratchProject()
    const hash = putBlob(project, Buffer.from('x'))
    const zip = join(scratch(), 'out.zip')
    rmSync(blobPath(project.blobsPath, hash))
    expect(await packProject(project.path, zip)).toMatchObject({ files: 1, missing: [hash] })
    await expect(packProject(project.path, project.path)).rejects.toMatchObject({ code: 'usage' })
    await expect(packProject(project.path, join(scratch(), 'no', 'folder.zip'))).rejects.toMatchObject({
      code: expect.any(String),
      name: 'HeddleError',
    })
  })

  it.skipIf(!hasPython).each([false, true])('zip files with the large form %s', async (zip64) => {
    const folder = scratch()
    const contents = ['', 'short', 'long '.repeat(300_000), 'ünï']
    const entries = contents.map((content, i) => {
      const path = join(folder, `source${i}`)
      writeFileSync(path, content)
      return { name: `folder/näme ${i}`, path }
    })
    const zip = join(folder, 'out.zip')
    expect(await writeZip(zip, entries, { zip64 })).toBe(statSync(zip).size)
    const script =
      'import json, sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nprint(json.dumps([[i.filename, z.read(i).decode(), i.date_time[0]] for i in z.infolist()]))'
    expect(JSON.parse(python(script, zip))).toEqual(
      contents.map((content, i) => [`folder/näme ${i}`, content, new Date().getFullYear()]),
    )
  })
})
