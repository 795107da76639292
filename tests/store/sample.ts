// A project with rows in every table, for the tests of the store and for the kept old files.

import { addArtifact, putBlob } from '#main/store/blobs.ts'
import { addCorrelation, addFit } from '#main/store/correlations.ts'
import type { Project } from '#main/store/db.ts'
import { putDevice, putEnvironment } from '#main/store/environments.ts'
import { addLutEntry } from '#main/store/lut.ts'
import { addMeasurement } from '#main/store/measurements.ts'
import { openMetrics } from '#main/store/metrics.ts'
import { addCellResult } from '#main/store/authored/cell-results.ts'
import { annotate } from '#main/store/authored/annotations.ts'
import { saveDocument } from '#main/store/authored/documents.ts'
import { saveNotebook } from '#main/store/authored/notebooks.ts'
import { finishRun, startRun } from '#main/store/runs.ts'
import { putSpec } from '#main/store/specs.ts'
import { createStudy, updateStudy } from '#main/store/studies.ts'
import { finishTrial, recordDeath, startTrial } from '#main/store/trials.ts'

/** The hash of spec number i of the sample. */
export function specHash(i: number): string {
  return `spec${String(i).padStart(8, '0')}`
}

/** Stores spec number i. */
export function sampleSpec(project: Project, i: number): string {
  const hash = specHash(i)
  putSpec(project, {
    hash,
    name: `sample ${i}`,
    text: '(d f m2 f)x2',
    json: { version: 1, dModel: 64 + i },
    counts: { params: 1000 + i },
  })
  return hash
}

/** Stores a device and an environment; returns the environment's hash. */
export function sampleEnvironment(project: Project): string {
  const device = putDevice(project, { target: 'ort-cpu', name: 'two cores', details: { cores: 2 } })
  return putEnvironment(project, { device, details: { node: '24.21.0', governor: 'performance' } })
}

/** One measurement of a spec. */
export function sampleMeasurement(spec: string, environment: string): Parameters<typeof addMeasurement>[1] {
  return {
    spec,
    environment,
    target: 'ort-cpu',
    phase: 'decode',
    dtype: 'f32',
    batch: 1,
    context: 512,
    graphHash: 'graph0001',
    protocolVersion: 1,
    p50Ms: 1.25,
    lowMs: 1.2,
    highMs: 1.3,
    iqrMs: 0.1,
    p95Ms: 1.5,
    status: { 'blocks[0]': 'fused, CPUExecutionProvider', 'blocks[1]': 'decomposed, CPUExecutionProvider' },
    details: { floorMs: 0.01, warmup: 5 },
    samples: Float64Array.of(1.25, 1.2, 1.3, Number.NaN, 0.1 + 0.2),
  }
}

/** Fills every table; `points` is the number of points of each of two curves. */
export function fillProject(project: Project, points = 10): void {
  const environment = sampleEnvironment(project)
  const measurement = addMeasurement(project, sampleMeasurement(sampleSpec(project, 0), environment))
  addLutEntry(project, {
    environment,
    target: 'ort-cpu',
    runtimeVersion: '1.30.0',
    protocolVersion: 1,
    dtype: 'f32',
    phase: 'decode',
    batch: 1,
    context: 512,
    dModel: 64,
    part: 'embedding',
    block: '',
    paramsHash: '',
    params: {},
    slopeMs: 0.5,
    lowMs: 0.4,
    highMs: 0.6,
    details: { copies: [1, 2, 4] },
    samples: Float64Array.of(1, 2, 3),
  })
  const config = { trials: 3, note: 'quoted "text", commas\nand lines' }
  const study = createStudy(project, {
    name: 'first',
    kind: 'search',
    searcher: 'random',
    config,
    objectives: ['valLoss', 'tpotMs'],
    seed: 7,
  })
  const first = startTrial(project, { study, number: 0, spec: specHash(0) })
  finishTrial(project, first, { state: 'done', metrics: { valLoss: 2.5, tpotMs: 1.25 } })
  const second = startTrial(project, {
    study,
    number: 1,
    spec: sampleSpec(project, 1),
    parent: first,
    mutation: { kind: 'operator', at: 2 },
  })
  finishTrial(project, second, {
    state: 'failed',
    error: { code: 'train-diverged', message: 'diverged at step 41, lr 0.02' },
  })
  recordDeath(project, first, 1)
  updateStudy(project, study, { state: 'done' })
  const run = startRun(project, {
    name: 'baseline',
    spec: specHash(0),
    config: { steps: points, lr: 0.001 },
    seed: 1,
    environment,
    trial: first,
  })
  const metrics = openMetrics(project, run)
  for (let step = 0; step < points; step++) {
    metrics.append('loss', step, 5 / (1 + step))
    metrics.append('lr', step, step === 3 ? Number.NaN : 0.001)
  }
  metrics.close()
  const blob = putBlob(project, Buffer.from('weights'))
  addArtifact(project, { kind: 'checkpoint', name: 'step 10', blob, run, step: 10 })
  addArtifact(project, { kind: 'trace', blob, measurement })
  finishRun(project, run, { state: 'done' })
  const band = {
    study,
    name: 'short run',
    x: 'valLoss@200',
    y: 'valLoss@2000',
    step: 200,
    count: 8,
    details: { seeds: [1, 2] },
  }
  addCorrelation(project, { ...band, method: 'spearman', value: 0.9, low: 0.7, high: 0.97 })
  addCorrelation(project, { ...band, method: 'kendall', value: null, low: null, high: null })
  addFit(project, {
    study,
    name: 'demo',
    law: 'depth-width',
    coefficients: { L0: 1.5, alpha: 0.3 },
    errors: { heldOut: 0.02 },
    details: {},
  })
  saveDocument(project, { kind: 'design', name: 'first', body: { text: 'd f' } })
  annotate(project, { subject: 'run', subjectId: 1, tags: ['kept', 'a, b'], note: 'looks "good"' })
  saveNotebook(project, { name: 'notes', text: '# Notes\n' })
  addCellResult(project, {
    hash: 'c'.repeat(64),
    notebook: 'notes',
    cell: 'runs',
    kind: 'train',
    result: { runs: [{ stack: 'one', run }] },
  })
}
