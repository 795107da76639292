import { migrations } from '#main/store/migrations/index.ts'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  addArtifact,
  blobPath,
  getBlob,
  listArtifacts,
  putBlob,
  putBlobFile,
  removeArtifact,
} from '#main/store/blobs.ts'
import { checkProject } from '#main/store/check.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { startRun } from '#main/store/runs.ts'
import { fillProject, sampleSpec } from './sample.ts'
import { scratch, scratchProject } from './scratch.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('blobs', () => {
  it('lie under the hash of their bytes, once', async () => {
    const project = scratchProject()
    const bytes = randomBytes(3_000_000)
    const file = join(scratch(), 'checkpoint.safetensors')
    writeFileSync(file, bytes)
    const hash = putBlob(project, bytes)
    expect(hash).toBe(sha256(bytes))
    expect(await putBlobFile(project, file)).toBe(hash)
    expect(getBlob(project, hash).equals(bytes)).toBe(true)
    expect(existsSync(join(project.blobsPath, hash.slice(0, 2), hash.slice(2)))).toBe(true)
    expect(putBlob(project, new Uint8Array())).toBe(sha256(new Uint8Array()))
    expect(readdirSync(project.blobsPath).filter((name) => name.endsWith('.partial'))).toEqual([])
  })

  it('that are missing or changed are reported', () => {
    const project = scratchProject()
    const hash = putBlob(project, Buffer.from('weights'))
    writeFileSync(blobPath(project.blobsPath, hash), 'Weights')
    expect(() => getBlob(project, hash)).toThrow(
      expect.objectContaining({ code: 'store-invalid', message: expect.stringContaining('other content') }),
    )
    rmSync(blobPath(project.blobsPath, hash))
    expect(() => getBlob(project, hash)).toThrow(
      expect.objectContaining({ code: 'store-invalid', message: expect.stringContaining('missing') }),
    )
    expect(() => getBlob(project, '../../etc/passwd')).toThrow(expect.objectContaining({ code: 'usage' }))
    // storing it again heals it
    putBlob(project, Buffer.from('weights'))
    expect(getBlob(project, hash).toString()).toBe('weights')
  })

  it('need a writer and an existing file', async () => {
    const writer = scratchProject()
    await expect(putBlobFile(writer, join(scratch(), 'none'))).rejects.toMatchObject({ code: 'file-missing' })
    const reader = openProject(writer.path, { readonly: true })
    expect(() => putBlob(reader, Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'store-readonly' }))
    closeProject(reader)
  })

  it('go with their last artifact', () => {
    const project = scratchProject()
    const run = startRun(project, { spec: sampleSpec(project, 0), config: {}, seed: 1 })
    const blob = putBlob(project, Buffer.from('weights'))
    const first = addArtifact(project, { kind: 'checkpoint', blob, run, step: 10 })
    const second = addArtifact(project, { kind: 'checkpoint', blob, run, step: 20 })
    expect(listArtifacts(project, { run, kind: 'checkpoint' }).map((row) => row.step)).toEqual([10, 20])
    removeArtifact(project, first)
    expect(getBlob(project, blob).toString()).toBe('weights')
    removeArtifact(project, second)
    expect(existsSync(blobPath(project.blobsPath, blob))).toBe(false)
    expect(() => removeArtifact(project, second)).toThrow(expect.objectContaining({ code: 'usage' }))
    expect(() => addArtifact(project, { kind: 'checkpoint', blob })).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  it('that a killed process left half-written are cleared on the next open', () => {
    const path = join(scratch(), 'a.heddle')
    closeProject(openProject(path, { create: true }))
    writeFileSync(join(`${path}.blobs`, 'rest.partial'), 'half')
    closeProject(openProject(path))
    expect(readdirSync(`${path}.blobs`)).toEqual(['.lock'])
  })
})

describe('the check', () => {
  it('counts what is there', async () => {
    const project = scratchProject()
    fillProject(project, 5000)
    const report = await checkProject(project.path)
    expect(report).toMatchObject({
      ok: true,
      schemaVersion: migrations.length,
      points: 10_000,
      blobs: { count: 1, bytes: 7 },
      faults: [],
      orphans: [],
    })
    expect(report.rows).toMatchObject({ specs: 2, trials: 2, trial_states: 4, artifacts: 2 })
  })

  it('finds wrong and missing blobs, orphans, bad rows, lost references and gaps', async () => {
    const project = scratchProject()
    fillProject(project)
    const other = putBlob(project, Buffer.from('gone'))
    rmSync(blobPath(project.blobsPath, other))
    writeFileSync(blobPath(project.blobsPath, sha256(Buffer.from('weights'))), 'wrong')
    mkdirSync(join(project.blobsPath, 'ab'))
    writeFileSync(join(project.blobsPath, 'ab', 'cdef'), 'orphan')
    project.sql.run(`UPDATE specs SET counts = '{"params": "many"}' WHERE hash = 'spec00000001'`)
    project.sql.pragma('foreign_keys = off')
    project.sql.run('UPDATE artifacts SET run = 99 WHERE id = 1')
    project.sql.pragma('foreign_keys = on')
    const chunk = project.sql.get('SELECT * FROM metric_chunks LIMIT 1')!
    project.sql.run(
      'INSERT INTO metric_chunks (run, metric, level, first, count, points) VALUES (1, ?, 0, 50, ?, ?)',
      chunk['metric']!,
      chunk['count']!,
      chunk['points']!,
    )
    const report = await checkProject(project.path)
    expect(report.ok).toBe(false)
    expect(report.faults.map((fault) => fault.kind).sort()).toEqual(['blob', 'blob', 'curve', 'reference', 'row'])
    const text = report.faults.map((fault) => fault.message).join('\n')
    expect(text).toContain('specs row "spec00000001": counts')
    expect(text).toContain('artifacts row 1 refers to a row of runs that is not there')
    expect(text).toContain(`blob ${other} is missing`)
    expect(text).toContain('has other content (5 bytes of 7)')
    expect(report.orphans).toEqual(['ab/cdef'])
  })

  it('tells of a damaged index by SQLite itself', async () => {
    const project = scratchProject()
    fillProject(project)
    project.sql.unsafe()
    project.sql.pragma('writable_schema = on')
    const page = project.sql.get("SELECT rootpage FROM sqlite_schema WHERE name = 'specs_by_name'")!['rootpage']!
    project.sql.run("UPDATE sqlite_schema SET rootpage = ? WHERE name = 'trials_by_spec'", page)
    project.sql.pragma('writable_schema = off')
    const report = await checkProject(project.path)
    expect(report.ok).toBe(false)
    expect(report.faults[0]?.kind).toBe('file')
  })

  it('of what is no project is a report too, of nothing an error', async () => {
    const path = join(scratch(), 'text')
    writeFileSync(path, 'hello '.repeat(100))
    expect(await checkProject(path)).toMatchObject({
      ok: false,
      schemaVersion: null,
      faults: [{ kind: 'file', message: expect.stringContaining('not an SQLite file') }],
    })
    await expect(checkProject(`${path}.none`)).rejects.toMatchObject({ code: 'file-missing' })
  })
})
