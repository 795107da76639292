// Damaged files: every function either works or throws a HeddleError, the file stays as it is, and what can be read
// can be saved.

import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { rng } from '#core/rng.ts'
import { checkProject } from '#main/store/check.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { exportTable, EXPORTS } from '#main/store/export.ts'
import { recoverProject } from '#main/store/file/recover.ts'
import { curvesOf } from '#main/store/file/tables.ts'
import { openMetrics, readCurve } from '#main/store/metrics.ts'
import { startRun } from '#main/store/runs.ts'
import { finishTrial, listTrials, startTrial } from '#main/store/trials.ts'
import { Writable } from 'node:stream'
import { fillProject, specHash } from './sample.ts'
import { scratch } from './scratch.ts'

const TRIALS = 400

function original(folder: string): Buffer {
  const path = join(folder, 'original.heddle')
  const project = openProject(path, { create: true })
  fillProject(project, 6000)
  for (let number = 2; number < TRIALS; number++) {
    const trial = startTrial(project, { study: 1, number, spec: specHash(number % 2), parent: number - 1 })
    finishTrial(project, trial, { state: 'done', metrics: { valLoss: number } })
  }
  const run = startRun(project, { spec: specHash(0), config: {}, seed: 2 })
  const writer = openMetrics(project, run)
  for (let step = 0; step < 3000; step++) writer.append('loss', step, step)
  closeProject(project)
  return readFileSync(path)
}

/** Runs work that may fail with a HeddleError, and only so; returns whether it succeeded. */
async function works(work: () => unknown): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    expect(error, String((error as Error).stack)).toBeInstanceOf(HeddleError)
    return false
  }
}

async function useEverything(path: string): Promise<void> {
  const project = openProject(path, { readonly: true })
  try {
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() })
    for (const table of EXPORTS) await works(() => exportTable(project, table.name, 'jsonl', sink))
    await works(() => listTrials(project, 1, { metrics: { valLoss: { max: 100 } } }))
    await works(() => curvesOf(project.sql).forEach(({ run, metric }) => readCurve(project, run, metric)))
  } finally {
    closeProject(project)
  }
}

it('truncated at random places, it is reported, and what is left is saved', async () => {
  const folder = scratch()
  const bytes = original(folder)
  const random = rng('truncate')
  let saved = 0
  for (let i = 0; i < 40; i++) {
    const path = join(folder, `cut${i}.heddle`)
    const length = i < 4 ? [1, 100, 512, 4096][i]! : 1 + random.integer(bytes.length - 1)
    writeFileSync(path, bytes)
    truncateSync(path, length)
    expect(await works(() => useEverything(path))).toBe(false)
    expect(await works(() => closeProject(openProject(path)))).toBe(false)
    expect(await checkProject(path)).toMatchObject({ ok: false })
    const out = join(folder, `saved${i}.heddle`)
    let report: ReturnType<typeof recoverProject> | undefined
    const isSaved = await works(() => void (report = recoverProject(path, out)))
    expect(readFileSync(path)).toEqual(bytes.subarray(0, length))
    expect(existsSync(out)).toBe(isSaved)
    if (!isSaved) continue
    saved++
    const check = await checkProject(out)
    expect(check.faults.filter((fault) => fault.kind !== 'blob')).toEqual([])
    expect(check.rows).toEqual(report!.copied)
    // the earlier half of the file holds the tables that were filled first
    if (length > bytes.length / 2) expect(report!.copied['specs']).toBe(2)
  }
  expect(saved).toBeGreaterThan(20)
})

it('with random bytes changed, nothing but HeddleErrors', async () => {
  const folder = scratch()
  const bytes = original(folder)
  const random = rng('flip')
  let broken = 0
  for (let i = 0; i < 24; i++) {
    const path = join(folder, 'flipped.heddle')
    const changed = Buffer.from(bytes)
    for (let k = 0; k < 1 + random.integer(40); k++) changed[random.integer(bytes.length)] = random.integer(256)
    // the header and the root of the schema are the likeliest places to go wrong, and the smallest
    if (i % 3 === 0) for (let k = 0; k < 5; k++) changed[random.integer(4096)] = random.integer(256)
    writeFileSync(path, changed)
    if (!(await works(() => useEverything(path)))) broken++
    await works(() => checkProject(path))
    await works(() => recoverProject(path, join(folder, `saved${i}.heddle`)))
    expect(readFileSync(path)).toEqual(changed)
  }
  expect(broken).toBeGreaterThan(0)
})

it('pages lost in the middle cost the rows on them, and no others', async () => {
  const folder = scratch()
  const bytes = original(folder)
  const path = join(folder, 'hole.heddle')
  mkdirSync(`${path}.blobs`)
  const hole = Buffer.from(bytes)
  const middle = Math.floor(bytes.length / 2 / 4096) * 4096
  hole.fill(0, middle, middle + 4096)
  writeFileSync(path, hole)
  const out = join(folder, 'saved.heddle')
  const report = recoverProject(path, out)
  const lost = (await checkProject(join(folder, 'original.heddle'))).rows
  const kept = Object.entries(report.copied)
  expect(kept.filter(([table, count]) => count < lost[table]!).length).toBeLessThanOrEqual(4)
  expect(report.copied['specs']).toBe(2)
  expect(() => recoverProject(path, out)).toThrow(expect.objectContaining({ code: 'usage' }))
})
