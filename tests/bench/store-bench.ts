// How fast the store is on a large project: `node tests/bench/store-bench.ts [folder] [--json]`.
// 20,000 trials in one study, 5 million metric points (50 runs of 4 metrics with 20,000 points each, and one run of one
// metric with a million). Reads are timed after the file was closed and opened again; the best of five repeats
// counts, because other programs on the machine only ever add time.

import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkProject } from '#main/store/check.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Project } from '#main/store/db.ts'
import { listMetrics, openMetrics, readCurve } from '#main/store/metrics.ts'
import { finishRun, listRuns, startRun } from '#main/store/runs.ts'
import { createStudy } from '#main/store/studies.ts'
import { countTrials, finishTrial, lineageOf, listTrials, recordDeath, startTrial } from '#main/store/trials.ts'
import { sampleSpec, specHash } from '../store/sample.ts'

const TRIALS = 20_000
const POPULATION = 100
const RUNS = 50
const STEPS = 20_000
const METRICS = ['loss', 'lr', 'gradNorm', 'weightNorm']
const LONG = 1_000_000

const args = process.argv.slice(2)
const folder = mkdtempSync(join(args.find((arg) => !arg.startsWith('--')) ?? tmpdir(), 'heddle-bench-'))
const path = join(folder, 'bench.heddle')
const results: Record<string, number> = {}

function timeMs(work: () => void): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

function bestMs(work: () => void): number {
  return Math.min(...Array.from({ length: 5 }, () => timeMs(work)))
}

function writeTrials(project: Project): void {
  for (let i = 0; i < 500; i++) sampleSpec(project, i)
  const study = createStudy(project, {
    name: 'bench',
    kind: 'search',
    searcher: 'aging-evolution',
    config: { trials: TRIALS },
    seed: 1,
  })
  const ids: number[] = []
  for (let number = 0; number < TRIALS; number++) {
    const parent = number < POPULATION ? null : ids[number - 1 - (number % POPULATION)]!
    const mutation = parent === null ? null : { kind: 'operator', at: number % 12, from: 'x', to: 'y' }
    const id = startTrial(project, { study, number, spec: specHash(number % 500), parent, mutation })
    const metrics = {
      valLoss: 2 + ((number * 7919) % 1000) / 1000,
      tpotMs: 1 + ((number * 104729) % 1000) / 500,
      params: 1e6 + number,
    }
    finishTrial(project, id, { state: 'done', metrics })
    if (number >= POPULATION) recordDeath(project, ids[number - POPULATION]!, number)
    ids.push(id)
  }
}

function writePoints(project: Project): void {
  for (let r = 0; r < RUNS; r++) {
    const run = startRun(project, { spec: specHash(r), config: {}, seed: r })
    const writer = openMetrics(project, run)
    for (let step = 0; step < STEPS; step++)
      for (const metric of METRICS) writer.append(metric, step, Math.sin(step * 0.001 + r))
    finishRun(project, run, { state: 'done' })
  }
  const long = startRun(project, { spec: specHash(0), config: {}, seed: 0 })
  const writer = openMetrics(project, long)
  for (let step = 0; step < LONG; step++) writer.append('loss', step, 1 / (1 + step))
  finishRun(project, long, { state: 'done' })
}

const points = RUNS * STEPS * METRICS.length + LONG
let project = openProject(path, { create: true })
results['trialsPerSecond'] = TRIALS / (timeMs(() => writeTrials(project)) / 1000)
results['pointsPerSecond'] = points / (timeMs(() => writePoints(project)) / 1000)
const late = startRun(project, { spec: specHash(0), config: {}, seed: 0 })
const trickle = openMetrics(project, late, { flushMs: 0 })
results['flushOfFourPointsMs'] =
  timeMs(() => {
    for (let step = 0; step < 1000; step++) {
      for (const metric of METRICS) trickle.append(metric, step, step)
      trickle.flush()
    }
  }) / 1000
results['closeMs'] = timeMs(() => closeProject(project))
results['fileMiB'] = statSync(path).size / 2 ** 20
results['openWritingMs'] = timeMs(() => (project = openProject(path)))
closeProject(project)
results['openReadingMs'] = timeMs(() => (project = openProject(path, { readonly: true })))
results['listAllTrialsMs'] = bestMs(() => listTrials(project, 1))
results['listPageOfTrialsMs'] = bestMs(() => listTrials(project, 1, { limit: 100, offset: 10_000 }))
results['filterByMetricsMs'] = bestMs(() =>
  listTrials(project, 1, { metrics: { valLoss: { max: 2.1 }, tpotMs: { max: 1.5 } } }),
)
results['bestHundredMs'] = bestMs(() => listTrials(project, 1, { state: 'done', orderBy: 'valLoss', limit: 100 }))
results['countTrialsMs'] = bestMs(() => countTrials(project, 1, { state: 'done' }))
results['lineageMs'] = bestMs(() => lineageOf(project, TRIALS))
results['lineageLength'] = lineageOf(project, TRIALS).length
results['listRunsMs'] = bestMs(() => listRuns(project))
results['listMetricsMs'] = bestMs(() => listMetrics(project, 1))
results['curveOf20kMs'] = bestMs(() => readCurve(project, 1, 'loss'))
results['curveOf1MMs'] = bestMs(() => readCurve(project, RUNS + 1, 'loss'))
results['curveOf1kFlushesMs'] = bestMs(() => readCurve(project, late, 'loss'))
if (readCurve(project, RUNS + 1, 'loss').values.length !== LONG) throw new Error('the long curve is not whole')
closeProject(project)
const start = performance.now()
const report = await checkProject(path)
results['checkMs'] = performance.now() - start
if (!report.ok || report.points !== points + 1000 * METRICS.length) throw new Error(JSON.stringify(report.faults))
rmSync(folder, { recursive: true })

if (args.includes('--json')) console.log(JSON.stringify(results))
else
  for (const [name, value] of Object.entries(results))
    console.log(`${name.padEnd(22)} ${value.toFixed(value < 100 ? 2 : 0)}`)
