// Disks that are full or cannot be written. They are small mounts in memory, which only root may make.

import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { getBlob, listArtifacts, putBlob, putBlobFile } from '#main/store/blobs.ts'
import { checkProject } from '#main/store/check.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { exportTableFile } from '#main/store/export.ts'
import { openMetrics, readCurve } from '#main/store/metrics.ts'
import { saveNotebook } from '#main/store/authored/notebooks.ts'
import { packProject } from '#main/store/pack.ts'
import { startRun } from '#main/store/runs.ts'
import { finishTrial, listTrials, startTrial } from '#main/store/trials.ts'
import { fillProject, specHash } from './sample.ts'
import { scratch } from './scratch.ts'

function mounted(...options: string[]): string | undefined {
  const folder = scratch()
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options.join(','), 'tmpfs', folder])
  if (status !== 0) return undefined
  onTestFinished(() => void spawnSync('umount', ['-l', folder]))
  return folder
}

const NO_MOUNT = 'mounting a small disk is not permitted here'
const full = expect.objectContaining({ code: 'store-full', message: expect.stringContaining('the disk is full') })

describe('a full disk', () => {
  it('stops with a clear error, loses nothing, and goes on once there is room', async (test) => {
    const folder = mounted('size=2m')
    if (folder === undefined) return test.skip(NO_MOUNT)
    const path = join(folder, 'a.heddle')
    const ballast = join(folder, 'ballast')
    writeFileSync(ballast, Buffer.alloc(700_000))
    const project = openProject(path, { create: true })
    fillProject(project)
    const run = startRun(project, { spec: specHash(0), config: {}, seed: 1 })
    const writer = openMetrics(project, run, { flushMs: 60_000 })
    let number = 2
    expect(() => {
      for (; ; number++)
        finishTrial(
          project,
          startTrial(project, { study: 1, number, spec: specHash(0), mutation: { note: 'x'.repeat(2000) } }),
          { state: 'done' },
        )
    }).toThrow(full)
    expect(number).toBeGreaterThan(10)
    for (let step = 0; step < 30_000; step++) writer.append('loss', step, step)
    expect(() => writer.flush()).toThrow(full)
    expect(() => closeProject(project)).toThrow(full)
    expect(() => saveNotebook(project, { name: 'large', text: 'y'.repeat(500_000) })).toThrow(full)
    expect(() => putBlob(project, Buffer.alloc(2_000_000))).toThrow(full)
    const large = join(scratch(), 'large')
    writeFileSync(large, Buffer.alloc(2_000_000))
    await expect(putBlobFile(project, large)).rejects.toEqual(full)
    await expect(packProject(path, join(folder, 'a.zip'))).rejects.toEqual(full)
    await expect(exportTableFile(project, 'trials', 'jsonl', join(folder, 'trials.jsonl'))).rejects.toEqual(full)
    expect(readdirSync(folder).filter((name) => /partial|zip|jsonl|zip\.db/.test(name))).toEqual([])
    expect(readdirSync(project.blobsPath).filter((name) => name.endsWith('.partial'))).toEqual([])
    expect(listTrials(project, 1).length).toBeGreaterThanOrEqual(number)

    rmSync(ballast)
    writer.flush()
    closeProject(project)
    expect(await checkProject(path)).toMatchObject({ ok: true })
    const again = openProject(path, { readonly: true })
    expect(readCurve(again, run, 'loss').values).toHaveLength(30_000)
    expect(
      listTrials(again, 1)
        .slice(0, number)
        .map((trial) => trial.number),
    ).toEqual(Array.from({ length: number }, (_, i) => i))
    closeProject(again)
  })

  it('makes no half project', (test) => {
    const folder = mounted('size=64k')
    if (folder === undefined) return test.skip(NO_MOUNT)
    const path = join(folder, 'a.heddle')
    expect(() => openProject(path, { create: true })).toThrow(full)
    expect(readdirSync(folder).filter((name) => name !== 'a.heddle.blobs')).toEqual([])
  })

  it('leaves an older project as it was when there is no room for the copy', (test) => {
    const folder = mounted('size=400k')
    if (folder === undefined) return test.skip(NO_MOUNT)
    const path = join(folder, 'v001.db')
    cpSync(join(import.meta.dirname, 'fixtures', 'v001.db'), path)
    const migrations = [{ version: 2, name: 'test', sql: 'CREATE TABLE tags (id INTEGER PRIMARY KEY) STRICT' }]
    expect(() => openProject(path, { migrations })).toThrow(full)
    expect(readdirSync(folder).filter((name) => name.includes('backup'))).toEqual([])
    const project = openProject(path, { readonly: true })
    expect(listTrials(project, 1)).toHaveLength(2)
    closeProject(project)
  })
})

describe('a disk that cannot be written', () => {
  const readonlyCopy = (leaveLog: boolean): string | undefined => {
    const folder = mounted('size=8m')
    if (folder === undefined) return undefined
    const path = join(folder, 'a.heddle')
    const project = openProject(path, { create: true })
    fillProject(project)
    if (leaveLog) {
      // what a kill leaves: the log beside the file, holding all that was written
      for (const rest of ['', '-wal']) cpSync(path + rest, join(folder, `b.heddle${rest}`))
      closeProject(project)
      for (const rest of ['', '-wal']) cpSync(join(folder, `b.heddle${rest}`), path + rest)
    } else closeProject(project)
    execFileSync('mount', ['-o', 'remount,ro', folder])
    return path
  }

  it.for([false, true])('is read all the same (log left behind: %s)', async (leaveLog, test) => {
    const path = readonlyCopy(leaveLog)
    if (path === undefined) return test.skip(NO_MOUNT)
    const project = openProject(path, { readonly: true })
    expect(listTrials(project, 1)).toHaveLength(2)
    expect(getBlob(project, listArtifacts(project)[0]!.blob).toString()).toBe('weights')
    expect(() => saveNotebook(project, { name: 'x', text: '' })).toThrow(
      expect.objectContaining({ code: 'store-readonly' }),
    )
    const zip = join(scratch(), 'a.zip')
    expect(await packProject(path, zip)).toMatchObject({ files: 2, missing: [] })
    closeProject(project)
    expect(await checkProject(path)).toMatchObject({ ok: true, points: 20 })
    expect(() => openProject(path)).toThrow(
      expect.objectContaining({ code: 'store-readonly', hint: expect.stringContaining('reading only') }),
    )
  })
})
