// Runs that end while the project cannot be written.

import { expect, it } from 'vitest'
import { openProject, closeProject } from '#main/store/db.ts'
import { connect } from '#main/store/file/sql.ts'
import { openMetrics, readCurve } from '#main/store/metrics.ts'
import { finishRun, listRuns, resumeRun, startRun } from '#main/store/runs.ts'
import { sampleSpec } from './sample.ts'
import { scratchProject } from './scratch.ts'

it('a run that ends under a foreign lock has ended at once, and in the file when the lock is gone', async () => {
  const project = scratchProject()
  const spec = sampleSpec(project, 0)
  const [run, other] = [1, 2].map((seed) => startRun(project, { spec, config: {}, seed })) as [number, number]
  const writer = openMetrics(project, run, { flushMs: 60_000 })
  writer.append('loss', 1, 2.5)
  const holder = connect(project.path)
  holder.exec('BEGIN IMMEDIATE')
  const error = { code: 'store-busy', message: 'locked' } as const
  expect(() => finishRun(project, run, { state: 'interrupted', error })).toThrow('another program keeps')
  expect(listRuns(project).map(({ id, state }) => [id, state])).toEqual([
    [run, 'interrupted'],
    [other, 'running'],
  ])
  expect(listRuns(project, { state: 'interrupted' })).toMatchObject([{ id: run, error }])
  expect(listRuns(project, { state: 'running' })).toMatchObject([{ id: other }])
  expect(() => resumeRun(project, run)).toThrow('another program keeps')
  holder.close()

  const stored = (): unknown => {
    const reader = openProject(project.path, { readonly: true })
    try {
      return { state: listRuns(reader)[0]!.state, points: [...readCurve(reader, run, 'loss').values] }
    } finally {
      closeProject(reader)
    }
  }
  await expect.poll(stored, { timeout: 20_000 }).toEqual({ state: 'interrupted', points: [2.5] })
  expect(project.unended.size).toBe(0)
  resumeRun(project, run)
  expect(listRuns(project, { state: 'running' })).toHaveLength(2)
})

it('a run that goes on before the file was told so tells it first', () => {
  const project = scratchProject()
  const run = startRun(project, { spec: sampleSpec(project, 0), config: {}, seed: 1 })
  const holder = connect(project.path)
  holder.exec('BEGIN IMMEDIATE')
  expect(() => finishRun(project, run, { state: 'cancelled' })).toThrow('another program keeps')
  holder.close()
  resumeRun(project, run)
  expect(listRuns(project)).toMatchObject([{ state: 'running' }])
  expect(() => finishRun(project, run, { state: 'done' })).not.toThrow()
  expect(listRuns(project)).toMatchObject([{ state: 'done' }])
})
