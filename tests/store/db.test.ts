import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { migrations } from '#main/store/migrations/index.ts'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { closeProject, openProject } from '#main/store/db.ts'
import type { OpenOptions } from '#main/store/db.ts'
import { saveNotebook } from '#main/store/authored/notebooks.ts'
import { finishRun, getRun, resumeRun, startRun } from '#main/store/runs.ts'
import { listSpecs } from '#main/store/specs.ts'
import { createStudy, getStudy } from '#main/store/studies.ts'
import { finishTrial, getTrial, startTrial } from '#main/store/trials.ts'
import { startChild } from './processes.ts'
import { fillProject, sampleSpec, specHash } from './sample.ts'
import { scratch, scratchProject } from './scratch.ts'

const errorOf = (path: string, options?: OpenOptions): unknown => {
  try {
    closeProject(openProject(path, options))
    return 'no error'
  } catch (error) {
    return error
  }
}

const filled = (): string => {
  const path = join(scratch(), 'full.heddle')
  const project = openProject(path, { create: true })
  fillProject(project)
  closeProject(project)
  return path
}

describe('a project file', () => {
  it('carries its identity in the header of the file', () => {
    const header = readFileSync(filled())
    expect(header.toString('latin1', 68, 72)).toBe('HDDL')
    expect(header.readUInt32BE(60)).toBe(migrations.length)
    // 2: write-ahead log, for writing and for reading
    expect([header[18], header[19]]).toEqual([2, 2])
  })

  it('is opened with the promised settings', () => {
    const project = scratchProject()
    const settings = ['journal_mode', 'foreign_keys', 'synchronous', 'busy_timeout', 'application_id', 'user_version']
    expect(settings.map((name) => project.sql.pragma(name))).toEqual(['wal', 1, 1, 2000, 0x4844444c, migrations.length])
  })

  it('has strict tables only', () => {
    const tables = scratchProject().sql.all(
      "SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
    )
    expect(tables).toEqual([])
  })

  it('leaves one file and one folder when it is closed', () => {
    const path = filled()
    expect(readdirSync(join(path, '..')).sort()).toEqual(['full.heddle', 'full.heddle.blobs'])
  })

  it('is found through a symbolic link, with its own blobs and lock', () => {
    const path = filled()
    const link = join(path, '..', 'link.heddle')
    symlinkSync(path, link)
    const project = openProject(link)
    onTestFinished(() => closeProject(project))
    expect(project.blobsPath.endsWith('full.heddle.blobs')).toBe(true)
    expect(errorOf(path)).toMatchObject({ code: 'store-busy' })
  })
})

describe('files that are no project', () => {
  it.each([
    ['nothing', undefined, 'file-missing', 'no project at'],
    ['an empty file', Buffer.alloc(0), 'store-invalid', 'is empty'],
    ['text', Buffer.from('hello '.repeat(1000)), 'store-invalid', 'not an SQLite file'],
    ['a short text', Buffer.from('hello'), 'store-invalid', 'not an SQLite file'],
    ['only the magic of SQLite', Buffer.from('SQLite format 3\0'), 'store-invalid', ''],
  ])('%s', (_, bytes, code, message) => {
    const path = join(scratch(), 'file')
    if (bytes !== undefined) writeFileSync(path, bytes)
    for (const readonly of [true, false]) {
      expect(errorOf(path, { readonly })).toMatchObject({ code, message: expect.stringContaining(message) })
      if (bytes !== undefined) expect(readFileSync(path)).toEqual(bytes)
    }
    expect(readdirSync(join(path, '..'))).toEqual(bytes === undefined ? [] : ['file'])
  })

  it.each([0, 0x47504b47])('an SQLite file with application_id %s', (id) => {
    const path = join(scratch(), 'other.db')
    const other = new Database(path)
    other.exec('CREATE TABLE theirs (x)')
    other.pragma(`application_id = ${id}`)
    other.close()
    const before = readFileSync(path)
    for (const readonly of [true, false])
      expect(errorOf(path, { readonly, create: true })).toMatchObject({
        code: 'store-invalid',
        message: expect.stringContaining(`application_id ${id}`),
      })
    expect(readFileSync(path)).toEqual(before)
    expect(readdirSync(join(path, '..'))).toEqual(['other.db'])
  })

  it('a folder, a missing folder, an impossible name', () => {
    const folder = scratch()
    mkdirSync(join(folder, 'inner'))
    expect(errorOf(join(folder, 'inner'))).toMatchObject({ code: 'store-invalid' })
    expect(errorOf(join(folder, 'none', 'a.heddle'), { create: true })).toMatchObject({ code: 'file-missing' })
    for (const name of ['', 'a\0b', `${folder}/ends with a space `])
      expect(errorOf(name, { create: true })).toMatchObject({ code: 'usage' })
    expect(readdirSync(folder)).toEqual(['inner'])
  })

  it('a project of a newer version stays as it is', () => {
    const path = filled()
    const newer = new Database(path)
    newer.pragma('user_version = 7')
    newer.close()
    const before = readFileSync(path)
    for (const readonly of [true, false])
      expect(errorOf(path, { readonly })).toMatchObject({
        code: 'store-invalid',
        message: expect.stringContaining(
          'was written by a newer Heddle: version 7, this one reads up to ' + String(migrations.length),
        ),
      })
    expect(readFileSync(path)).toEqual(before)
  })

  it.each(['DROP TRIGGER trials_no_delete', 'DROP TABLE fits', 'ALTER TABLE notebooks ADD COLUMN more TEXT'])(
    'a project after %s',
    (change) => {
      const path = filled()
      const other = new Database(path)
      other.exec(change)
      other.close()
      for (const readonly of [true, false])
        expect(errorOf(path, { readonly })).toMatchObject({ code: 'store-invalid', hint: expect.any(String) })
    },
  )
})

describe('reading only', () => {
  it('refuses every write and leaves the file as it is', () => {
    const path = filled()
    const before = readFileSync(path)
    const project = openProject(path, { readonly: true })
    expect(() => saveNotebook(project, { name: 'x', text: '' })).toThrow(
      expect.objectContaining({ code: 'store-readonly' }),
    )
    expect(() => startRun(project, { spec: specHash(0), config: {}, seed: 1 })).toThrow(
      expect.objectContaining({ code: 'store-readonly' }),
    )
    expect(listSpecs(project)).toHaveLength(2)
    closeProject(project)
    expect(readFileSync(path)).toEqual(before)
  })

  it('sees what a writer commits, while it writes', () => {
    const writer = scratchProject()
    const reader = openProject(writer.path, { readonly: true })
    onTestFinished(() => closeProject(reader))
    sampleSpec(writer, 1)
    expect(listSpecs(reader).map((spec) => spec.hash)).toEqual([specHash(1)])
  })

  it.skipIf(process.getuid?.() === 0)('names a file that may not be written', () => {
    const path = filled()
    chmodSync(path, 0o444)
    expect(errorOf(path)).toMatchObject({ code: 'store-readonly' })
  })
})

describe('one writer', () => {
  it('refuses a second one in the same process, until the first closes', () => {
    const path = filled()
    const first = openProject(path)
    expect(errorOf(path)).toMatchObject({
      code: 'store-busy',
      message: expect.stringContaining(`process ${process.pid} `),
    })
    closeProject(first)
    expect(errorOf(path)).toBe('no error')
  })

  it('refuses a second process, lets it read, and is free at once after a kill', async () => {
    const path = filled()
    const child = startChild('hold', path)
    await child.until(1)
    expect(errorOf(path)).toMatchObject({
      code: 'store-busy',
      message: expect.stringContaining(`process ${child.pid} `),
    })
    expect(errorOf(path, { readonly: true })).toBe('no error')
    await child.kill()
    expect(errorOf(path)).toBe('no error')
  })

  it('waits for no one who locks the file itself', () => {
    const path = filled()
    const other = new Database(path)
    onTestFinished(() => void other.close())
    other.pragma('locking_mode = exclusive')
    other.exec('BEGIN EXCLUSIVE')
    expect(errorOf(path)).toMatchObject({ code: 'store-busy' })
  })

  it('does not take the place of a project that appears while it is made', () => {
    const path = filled()
    const moved = join(path, '..', 'moved.heddle')
    copyFileSync(path, moved)
    renameSync(moved, join(path, '..', 'new.heddle'))
    const project = openProject(join(path, '..', 'new.heddle'), { create: true })
    expect(listSpecs(project)).toHaveLength(2)
    closeProject(project)
  })
})

describe('what a dead process left running', () => {
  it('becomes interrupted, and goes on under its old number', () => {
    const path = join(scratch(), 'a.heddle')
    let project = openProject(path, { create: true })
    sampleSpec(project, 0)
    const study = createStudy(project, { name: 's', kind: 'search', config: {}, seed: 1 })
    const ended = startTrial(project, { study, number: 0, spec: specHash(0) })
    finishTrial(project, ended, { state: 'done', metrics: { valLoss: 1 } })
    const trial = startTrial(project, { study, number: 1, spec: specHash(0) })
    const run = startRun(project, { spec: specHash(0), config: {}, seed: 1, trial })
    closeProject(project)

    const reader = openProject(path, { readonly: true })
    expect(getRun(reader, run).state).toBe('running')
    closeProject(reader)

    project = openProject(path)
    onTestFinished(() => closeProject(project))
    expect(getTrial(project, ended).state).toBe('done')
    expect(getTrial(project, trial)).toMatchObject({ state: 'interrupted', error: { code: 'job-crashed' } })
    expect(getRun(project, run)).toMatchObject({ state: 'interrupted', error: { code: 'job-crashed' } })
    expect(getStudy(project, study).state).toBe('interrupted')
    expect(startTrial(project, { study, number: 1, spec: specHash(0) })).toBe(trial)
    resumeRun(project, run)
    finishRun(project, run, { state: 'done' })
    expect(getRun(project, run).state).toBe('done')
    expect(() => resumeRun(project, run)).toThrow(expect.objectContaining({ code: 'usage' }))
  })
})
