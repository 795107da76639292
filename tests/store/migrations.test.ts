// Every kept old file opens, is upgraded, and holds what it held.

import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { getBlob, listArtifacts } from '#main/store/blobs.ts'
import { checkProject } from '#main/store/check.ts'
import { listCorrelations, listFits } from '#main/store/correlations.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Project } from '#main/store/db.ts'
import { listEnvironments } from '#main/store/environments.ts'
import { listLut } from '#main/store/lut.ts'
import { listMeasurements } from '#main/store/measurements.ts'
import { readCurve } from '#main/store/metrics.ts'
import { migrations } from '#main/store/migrations/index.ts'
import type { Migration } from '#main/store/migrations/index.ts'
import { listNotebooks } from '#main/store/authored/notebooks.ts'
import { listRuns } from '#main/store/runs.ts'
import { listSpecs } from '#main/store/specs.ts'
import { listStudies } from '#main/store/studies.ts'
import { listTrials } from '#main/store/trials.ts'
import { fillProject } from './sample.ts'
import { scratch, scratchProject } from './scratch.ts'

const fixtures = join(import.meta.dirname, 'fixtures')
const kept = readdirSync(fixtures).filter((name) => /^v\d+\.db$/.test(name))

function copyOf(name: string): string {
  const path = join(scratch(), name)
  cpSync(join(fixtures, name), path)
  cpSync(join(fixtures, `${name}.blobs`), `${path}.blobs`, { recursive: true })
  return path
}

/** Everything that a project holds, without the times. */
function contentOf(project: Project): unknown {
  const rows = {
    specs: listSpecs(project),
    environments: listEnvironments(project),
    measurements: listMeasurements(project),
    lut: listLut(project),
    studies: listStudies(project),
    trials: listTrials(project, 1),
    runs: listRuns(project),
    curves: ['loss', 'lr'].map((metric) => readCurve(project, 1, metric)),
    correlations: listCorrelations(project),
    fits: listFits(project),
    notebooks: listNotebooks(project),
    artifacts: listArtifacts(project).map((artifact) => ({
      ...artifact,
      bytes: getBlob(project, artifact.blob).toString(),
    })),
  }
  return JSON.parse(JSON.stringify(rows, (name, value: unknown) => (name.endsWith('At') ? undefined : value)))
}

it('the versions are numbered from 1, and each has a kept file', () => {
  expect(migrations.map((step) => step.version)).toEqual(migrations.map((_, i) => i + 1))
  expect(kept).toEqual(migrations.map((step) => `v${String(step.version).padStart(3, '0')}.db`))
})

it.each(kept)('%s holds what was stored', async (name) => {
  const expected = scratchProject()
  fillProject(expected)
  for (const readonly of [true, false]) {
    const path = copyOf(name)
    const project = openProject(path, { readonly })
    expect(contentOf(project)).toEqual(contentOf(expected))
    closeProject(project)
    expect(await checkProject(path)).toMatchObject({ ok: true, schemaVersion: migrations.length, orphans: [] })
  }
})

describe('an upgrade', () => {
  const next = migrations.length + 1
  const steps = (...sql: string[]): Migration[] => [
    ...migrations,
    ...sql.map((text, i) => ({ version: next + i, name: 'test', sql: text })),
  ]
  const good = steps(
    'ALTER TABLE notebooks ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0',
    'CREATE TABLE tags (id INTEGER PRIMARY KEY, tag TEXT NOT NULL) STRICT; INSERT INTO tags (tag) SELECT name FROM notebooks',
  )
  const newest = kept.at(-1)!

  it('keeps a copy of the file before it changes it', () => {
    const path = copyOf(newest)
    const before = openProject(path, { readonly: true })
    const content = contentOf(before)
    closeProject(before)

    const project = openProject(path, { migrations: good })
    expect(project.sql.pragma('user_version')).toBe(next + 1)
    expect(project.sql.all('SELECT tag FROM tags')).toEqual([{ tag: 'notes' }])
    expect(contentOf(project)).toEqual(content)
    closeProject(project)

    const backup = `${path}.v${next - 1}.backup`
    const old = new Database(backup, { readonly: true })
    expect([old.pragma('user_version', { simple: true }), old.pragma('application_id', { simple: true })]).toEqual([
      next - 1,
      0x4844444c,
    ])
    expect(old.prepare('SELECT count(*) AS n FROM trials').get()).toEqual({ n: 2 })
    old.close()
    expect(existsSync(`${backup}-2`)).toBe(false)
  })

  it('that fails changes nothing', () => {
    const path = copyOf(newest)
    const bad = steps(
      'ALTER TABLE notebooks ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0',
      'INSERT INTO nowhere VALUES (1)',
    )
    for (let i = 0; i < 2; i++) expect(() => openProject(path, { migrations: bad })).toThrow()
    const project = openProject(path)
    onTestFinished(() => closeProject(project))
    expect(project.sql.pragma('user_version')).toBe(next - 1)
    expect(project.sql.all("SELECT name FROM pragma_table_info('notebooks') WHERE name = 'pinned'")).toEqual([])
    expect(existsSync(`${path}.v${next - 1}.backup-2`)).toBe(true)
  })

  it('that would leave lost references is refused', () => {
    const path = copyOf(newest)
    const bad = steps('PRAGMA defer_foreign_keys = on; DELETE FROM specs')
    expect(() => openProject(path, { migrations: bad })).toThrow()
    const project = openProject(path)
    onTestFinished(() => closeProject(project))
    expect(listSpecs(project)).toHaveLength(2)
  })

  it('for reading only happens in memory', () => {
    const path = copyOf(newest)
    const before = readFileSync(path)
    const project = openProject(path, { migrations: good, readonly: true })
    expect(project.sql.all('SELECT tag FROM tags')).toEqual([{ tag: 'notes' }])
    expect(() => project.sql.run("INSERT INTO tags (tag) VALUES ('x')")).toThrow(
      expect.objectContaining({ code: 'store-readonly' }),
    )
    closeProject(project)
    expect(readFileSync(path)).toEqual(before)
    expect(readdirSync(join(path, '..')).filter((name) => name.includes('backup'))).toEqual([])
  })
})
