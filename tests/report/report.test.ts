// The sections of a report from rows: two searches on a made-up landscape with finalists, and a sweep's fit.

import { setTimeout } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'
import { hashSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { recordSpec } from '#main/api/record.ts'
import { createSearch, runSearch } from '#main/api/search.ts'
import { readFinalists } from '#main/api/search-run.ts'
import { conclude } from '#main/api/sweep.ts'
import type { SweepPoint } from '#main/api/sweep.ts'
import { sweepConfig } from '#main/api/sweep.ts'
import { projectReport } from '#main/report/report.ts'
import { readSearches } from '#main/report/search-rows.ts'
import { addFit } from '#main/store/correlations.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Project } from '#main/store/db.ts'
import { addMeasurement } from '#main/store/measurements.ts'
import { createStudy } from '#main/store/studies.ts'
import { landscape } from '../api/landscape.ts'
import { sampleEnvironment, sampleMeasurement } from '../store/sample.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'heddle-report-'))
let project: Project

beforeAll(async () => {
  project = openProject(join(folder, 'p.heddle'), { create: true })
  const environment = sampleEnvironment(project)
  for (const searcher of ['aging-evolution', 'random']) {
    const study = createSearch(project, searcher, {
      searcher,
      params: searcher === 'random' ? {} : { populationSize: 6, tournamentSize: 3 },
      space: { encoding: 'free', dModels: [32, 64], maxBlocks: 8, model: { vocabSize: 64 } },
      goal: { objectives: ['bitsPerByte', 'tpotMs'], constraints: [{ metric: 'tpotMs', max: 0.07 }] },
      trials: 24,
      parallel: 1,
      seed: 5,
      evaluation: {},
    })
    const trials = await runSearch(project, study, (spec) => Promise.resolve().then(() => landscape(spec)))
    // a finalist's measurement counts when it is younger than the last trial
    await setTimeout(3)
    for (const { trial, spec } of readFinalists(project, study, trials)) {
      const p50Ms = 1.02 * trial.metrics['tpotMs']!
      addMeasurement(project, {
        ...sampleMeasurement(hashSpec(spec), environment),
        context: 256,
        p50Ms,
        lowMs: 0.98 * p50Ms,
        highMs: 1.04 * p50Ms,
      })
    }
  }
  addSweep(project)
  return () => {
    closeProject(project)
    rmSync(folder, { recursive: true, force: true })
  }
})

/** A fit of losses that a law with a little noise gives. */
function addSweep(into: Project): void {
  const pattern = parseSpecText('d f')
  recordSpec(into, pattern)
  const points = [2, 4, 8].flatMap((depth, i) =>
    [50_000, 100_000, 200_000].map((budget, j): SweepPoint => {
      const width = Math.round(Math.sqrt(budget / depth / 10))
      const noise = 1 + 0.002 * Math.sin(7 * i + 3 * j)
      return {
        number: 3 * i + j,
        depth,
        width,
        budget,
        params: budget,
        latencyMs: 0.1 * depth + width / 1000,
        loss: (1.5 + 1.2 / depth + 8 / width) * noise,
        isHeldOut: depth === 8 || budget === 200_000,
      }
    }),
  )
  const config = sweepConfig(pattern, {
    params: {},
    depths: [2, 4, 8],
    budgets: [50_000, 100_000, 200_000],
    data: null,
    tokenizer: 'bytes',
  })
  const { fit, budgetMs, optimal } = conclude(points, config)
  const study = createStudy(into, { name: 'sweep', kind: 'sweep', config: {}, seed: 1 })
  const { tokens: _tokens, ...coefficients } = fit!.law
  addFit(into, {
    study,
    name: 'sweep',
    law: 'depth-width',
    coefficients: { ...coefficients },
    errors: { r2: fit!.r2 },
    details: JSON.parse(JSON.stringify({ points, budgetMs, optimal, warnings: fit!.warnings })) as Record<
      string,
      never
    >,
  })
}

const headings = (html: string): string[] => [...html.matchAll(/<h2>([^<]*)<\/h2>/g)].map((m) => m[1]!.trim())

it('reads searches of one space and goal together, with one reference and volumes that never fall', () => {
  const groups = readSearches(project)
  expect(groups).toHaveLength(1)
  const { searches, reference } = groups[0]!
  expect(searches.map((s) => s.title)).toEqual(['Aging evolution', 'Random search'])
  expect(reference[1]).toBe(0.07)
  for (const { volume, trials, best, winner, lineage } of searches) {
    expect(volume).toHaveLength(trials.length)
    expect(volume.every((v, i) => v >= (volume[i - 1] ?? 0))).toBe(true)
    expect(volume.at(-1)).toBeGreaterThan(0)
    const feasible = trials.filter((t) => t.state === 'done' && t.metrics['tpotMs']! <= 0.07)
    expect(best!.metrics['bitsPerByte']).toBe(Math.min(...feasible.map((t) => t.metrics['bitsPerByte']!)))
    expect(winner!.measured.tpotMs!.p50Ms).toBeLessThanOrEqual(0.07)
    expect(lineage.at(-1)!.number).toBe(winner!.trial.number)
  }
  expect(Math.max(...searches.map((s) => s.lineage.length))).toBeGreaterThan(1)
})

it('holds every section, for both grounds, without scripts or addresses', () => {
  const html = projectReport(project, {
    title: 'All <of> it',
    intro: 'made up',
    facts: [['winner', 'a & b']],
    baseline: { name: 'bigram', bitsPerByte: 3.4 },
  })
  expect(headings(html)).toEqual(
    expect.arrayContaining([
      'Quality against latency',
      'Hypervolume over trials',
      'Finalists of aging evolution',
      'Finalists of random search',
      'Depth against width: sweep',
      'Stacks',
    ]),
  )
  expect(headings(html).some((h) => h.startsWith('Lineage of the winner of'))).toBe(true)
  expect(html).not.toMatch(/NaN|Infinity|undefined|\[object/)
  expect(html).not.toMatch(/<script|<link|<img|url\(|src=/)
  expect([...html.matchAll(/https?:\/\/[^"\s]*/g)].every(([link]) => link === 'http://www.w3.org/2000/svg')).toBe(true)
  expect(html.match(/class="light"/g)!.length).toBe(html.match(/class="dark"/g)!.length)
  expect(html).toContain('All &#60;of&#62; it')
  expect(html).toContain('<dd>a &#38; b</dd>')
})
