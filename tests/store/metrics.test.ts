import fc from 'fast-check'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Project } from '#main/store/db.ts'
import { listMetrics, openMetrics, readCurve } from '#main/store/metrics.ts'
import { finishRun, resumeRun, startRun } from '#main/store/runs.ts'
import { sampleSpec, specHash } from './sample.ts'
import { scratch, scratchProject } from './scratch.ts'

const newRun = (project: Project): number => startRun(project, { spec: sampleSpec(project, 0), config: {}, seed: 1 })
const usage = expect.objectContaining({ code: 'usage' })

describe('curves', () => {
  it('come back as they were written, whatever the order of appending, flushing, reopening and resuming', () => {
    const act = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          metric: fc.constantFrom('a', 'b'),
          count: fc.constantFrom(1, 3, 700, 4095, 4096, 9000),
        }),
      },
      { weight: 3, arbitrary: fc.constant('flush' as const) },
      { weight: 1, arbitrary: fc.constant('reopen' as const) },
    )
    fc.assert(
      fc.property(fc.array(act, { maxLength: 12 }), (acts) => {
        const project = scratchProject()
        const run = newRun(project)
        let writer = openMetrics(project, run)
        const expected: Record<string, number[]> = {}
        let step = 0
        for (const each of acts) {
          if (each === 'flush') writer.flush()
          else if (each === 'reopen') {
            writer.close()
            finishRun(project, run, { state: 'interrupted' })
            resumeRun(project, run)
            writer = openMetrics(project, run)
          } else {
            const steps = Array.from({ length: each.count }, () => step++)
            const values = steps.map((at) => (at % 100 === 7 ? Number.NaN : Math.sin(at)))
            if (each.count === 1) writer.append(each.metric, steps[0]!, values[0]!)
            else writer.appendAll(each.metric, steps, values)
            ;(expected[each.metric] ??= []).push(...steps)
          }
        }
        writer.close()
        for (const [metric, steps] of Object.entries(expected)) {
          const curve = readCurve(project, run, metric)
          expect(Array.from(curve.steps)).toEqual(steps)
          expect(Array.from(curve.values)).toEqual(steps.map((at) => (at % 100 === 7 ? Number.NaN : Math.sin(at))))
        }
        expect(listMetrics(project, run)).toEqual(
          Object.entries(expected)
            .sort()
            .map(([metric, steps]) => ({ metric, count: steps.length })),
        )
      }),
      { numRuns: 25, seed: 4 },
    )
  })

  it('are read in few rows however slowly they came in', () => {
    const project = scratchProject()
    const run = newRun(project)
    const writer = openMetrics(project, run)
    for (let step = 0; step < 10_000; step++) {
      writer.append('loss', step, step)
      if (step % 10 === 9) writer.flush()
    }
    const rows = project.sql.all('SELECT level, count(*) AS n, sum(count) AS points FROM metric_chunks GROUP BY level')
    expect(rows).toEqual([
      { level: 0, n: 1000, points: expect.any(Number) },
      { level: 1, n: 2, points: 8192 },
    ])
    expect(Array.from(readCurve(project, run, 'loss').steps)).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
  })

  it('hold what an open writer has not flushed, and NaN, infinities and minus zero', () => {
    const project = scratchProject()
    const run = newRun(project)
    const writer = openMetrics(project, run, { flushMs: 60_000 })
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 5e-324]
    values.forEach((value, step) => writer.append('odd', step, value))
    expect(readCurve(project, run, 'odd').values).toEqual(Float64Array.from(values))
    expect(readCurve(project, run, 'none').steps).toHaveLength(0)
  })

  it('of a resumed run have some steps twice, or only the later ones', () => {
    const project = scratchProject()
    const run = newRun(project)
    const writer = openMetrics(project, run)
    writer.appendAll('loss', [0, 1, 2, 3, 4], [10, 11, 12, 13, 14])
    writer.appendAll('loss', [3, 4, 5], [23, 24, 25])
    expect(Array.from(readCurve(project, run, 'loss').steps)).toEqual([0, 1, 2, 3, 4, 3, 4, 5])
    const { steps, values } = readCurve(project, run, 'loss', { latest: true })
    expect([Array.from(steps), Array.from(values)]).toEqual([
      [0, 1, 2, 3, 4, 5],
      [10, 11, 12, 23, 24, 25],
    ])
  })

  it('with a gap are refused, not shortened', () => {
    const project = scratchProject()
    const run = newRun(project)
    const writer = openMetrics(project, run)
    for (const step of [0, 1, 2]) {
      writer.append('loss', step, 1)
      writer.flush()
    }
    project.sql.exec('DROP TRIGGER metric_chunks_no_delete; DELETE FROM metric_chunks WHERE first = 1')
    expect(() => readCurve(project, run, 'loss')).toThrow(
      expect.objectContaining({
        code: 'store-invalid',
        message: expect.stringContaining('points 1 and on of loss in run 1 are missing'),
      }),
    )
  })
})

describe('the metric writer', () => {
  it('writes by itself in time, with the timer or inside a busy loop', async () => {
    const project = scratchProject()
    const run = newRun(project)
    const reader = openProject(project.path, { readonly: true })
    onTestFinished(() => closeProject(reader))
    const writer = openMetrics(project, run, { flushMs: 20 })
    writer.append('idle', 0, 1)
    await vi.waitFor(() => expect(readCurve(reader, run, 'idle').values).toHaveLength(1))
    const end = performance.now() + 80
    for (let step = 0; performance.now() < end; step++) writer.append('busy', step, 1)
    expect(readCurve(reader, run, 'busy').values.length).toBeGreaterThan(0)
  })

  it('is one for each running run', () => {
    const project = scratchProject()
    const run = newRun(project)
    const writer = openMetrics(project, run)
    expect(() => openMetrics(project, run)).toThrow(usage)
    writer.append('loss', 0, 1)
    expect(() => writer.append('', 0, 1)).toThrow(usage)
    expect(() => writer.appendAll('loss', [1], [])).toThrow(usage)
    finishRun(project, run, { state: 'done' })
    expect(readCurve(project, run, 'loss').values).toHaveLength(1)
    expect(() => writer.append('loss', 1, 1)).toThrow(usage)
    expect(() => openMetrics(project, run)).toThrow(usage)
    expect(() => openMetrics(project, 99)).toThrow(usage)
  })

  it('is written out when the project closes', () => {
    const path = join(scratch(), 'a.heddle')
    const project = openProject(path, { create: true })
    const run = newRun(project)
    openMetrics(project, run, { flushMs: 60_000 }).append('loss', 0, 3)
    closeProject(project)
    const reader = openProject(path, { readonly: true })
    onTestFinished(() => closeProject(reader))
    expect(Array.from(readCurve(reader, run, 'loss').values)).toEqual([3])
  })

  it('takes 100,000 points in well under a second', () => {
    const project = scratchProject()
    const run = startRun(project, { spec: sampleSpec(project, 0) && specHash(0), config: {}, seed: 1 })
    const writer = openMetrics(project, run)
    for (let step = 0; step < 100_000; step++) writer.append('loss', step, 1 / (1 + step))
    writer.close()
    expect(readCurve(project, run, 'loss').values).toHaveLength(100_000)
  }, 5000)
})
