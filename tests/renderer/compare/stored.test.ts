// What is stored must come back as the panel that was judged, number for number.

import { expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { trustPanel } from '#core/stats/trust/panel.ts'
import type { TrustItem } from '#core/stats/trust/panel.ts'
import { storeTrust } from '#main/api/trust.ts'
import { listCorrelations } from '#main/store/correlations.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { storedReports } from '../../../src/renderer/views/compare/stored.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const item = (i: number): TrustItem => ({
  name: `stack ${i}`,
  replicates: [0, 0.01].map((noise) => ({
    curve: [10, 20, 30].map((step) => ({ step, value: ((i * 7) % 5) / step + i + noise })),
    final: i + noise,
  })),
  baselines: { params: 100 - i, stateBytes: (i * 3) % 7 },
  scores: {},
})

it('a stored report is the judged panel', () => {
  const root = mkdtempSync(join(tmpdir(), 'heddle-stored-'))
  const project = openProject(join(root, 'a.heddle'), { create: true })
  try {
    const panel = trustPanel(
      Array.from({ length: 8 }, (_, i) => item(i)),
      { rng: rng(1), resamples: 200 },
    )
    const report = {
      metric: 'valLoss',
      finalMetric: 'bitsPerByte',
      steps: 30,
      runs: [4, 5],
      panels: [{ mode: 'prefix', panel }],
    }
    storeTrust(project, report as never)
    const [stored, ...others] = storedReports(listCorrelations(project))
    expect(others).toEqual([])
    expect(stored).toMatchObject({
      metric: 'valLoss',
      final: 'bitsPerByte@30',
      runs: [4, 5],
      stacks: 8,
      topK: panel.topK,
      ceiling: panel.ceiling!.estimate,
    })
    const [target] = stored!.targets
    expect(target).toEqual({ ...panel.targets[0], target: 'bitsPerByte@30' })
  } finally {
    closeProject(project)
    rmSync(root, { recursive: true, force: true })
  }
})
