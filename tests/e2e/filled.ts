// A project with something in every place, made through the workbench with a runner that computes nothing. Numbers in it are
// made up; what is tested with it is how screens show rows, never what rows say.

import { dirname } from 'node:path'
import type { JobRow } from '#main/api/workbench/jobs.ts'
import { openWorkbench } from '#main/api/workbench/index.ts'
import { parseSpecText } from '#core/model/text.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { openMetrics } from '#main/store/metrics.ts'
import { finishRun, listRuns, startRun } from '#main/store/runs.ts'
import { configOf, FIRST_DRAFT } from '../../src/renderer/views/search/setup/draft.ts'
import { fakeRunner } from '../api/fake-runner.ts'

const STACKS = [
  '(a{headDim: 16} f)x3',
  '(d{nHeads: 2} f)x3',
  '(m2{headDim: 16, dState: 16} f)x3',
  '(gla{nHeads: 2} f)x3',
  '(d{nHeads: 2} f m2{headDim: 16, dState: 16} f)x2',
  '(a{headDim: 16} f m2{headDim: 16, dState: 16} f)x2',
]
const STEPS = 40

export interface FilledOptions {
  /** What things are called; `what` says what it is. */
  readonly name?: (what: string) => string
}

/** Makes the project file. */
export async function fillProject(path: string, { name = (what) => what }: FilledOptions = {}): Promise<void> {
  const specs = STACKS.map((pattern, i) => {
    const spec = parseSpecText(`{dModel: 64, vocabSize: 257} ${pattern}`)
    return { ...spec, name: name(`stack ${i}`) }
  })
  const workbench = openWorkbench({ root: dirname(path), project: path, start: () => fakeRunner() })
  const call = (called: string, args: object): Promise<unknown> => workbench.call(called, args)
  /** Starts a job and waits for its end. */
  const finish = async (called: string, args: object): Promise<void> => {
    const { id } = (await call(called, args)) as JobRow
    for (;;) {
      const job = ((await call('jobs.list', {})) as JobRow[]).find((one) => one.id === id)!
      if (job.state === 'done') return
      if (job.state !== 'running') throw new Error(`${called}: ${job.state} ${JSON.stringify(job.error)}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  for (const [i, spec] of specs.entries())
    await call('documents.save', { kind: 'design', name: name(`design ${i}`), body: { spec } })
  await call('notebooks.create', { name: 'log', template: 'quickstart' })
  await finish('profile.start', { specs, options: { context: 256 } })
  await finish('profile.contexts', { specs: specs.slice(0, 2), contexts: [64, 256, 1024], options: {} })
  await finish('profile.fillTable', { specs: [specs[4]!], options: { context: 256 }, which: 'all' })
  await finish('search.start', { name: name('first search'), config: configOf(FIRST_DRAFT) })
  await finish('search.start', { name: name('second search'), config: { ...configOf(FIRST_DRAFT), seed: 2 } })
  await workbench.close()

  const project = openProject(path)
  try {
    const known = listRuns(project)[0]!
    for (const [i, spec] of specs.entries()) {
      const config = { ...known.config, spec, run: { ...(known.config['run'] as object), steps: STEPS } }
      const run = startRun(project, {
        name: name(`run ${i}`),
        spec: known.spec,
        config,
        seed: 1,
        ...(known.environment !== null && { environment: known.environment }),
      })
      const metrics = openMetrics(project, run)
      for (let step = 1; step <= STEPS; step++) {
        const loss = 5.5 / (1 + (0.05 + 0.01 * i) * step)
        metrics.append('loss', step, loss + 0.1 * Math.sin(step * (i + 2)))
        metrics.append('lr', step, 0.003 * (1 - step / STEPS))
        metrics.append('gradNorm', step, 1 + Math.cos(step))
        metrics.append('tokensPerSecond', step, 9000 + 100 * i)
        if (step % 10 !== 0) continue
        metrics.append('valLoss', step, loss)
        metrics.append('bitsPerByte', step, loss / Math.LN2)
      }
      metrics.close()
      finishRun(project, run, { state: i === 5 ? 'failed' : 'done' })
    }
  } finally {
    closeProject(project)
  }
  const annotated = openWorkbench({ root: dirname(path), project: path })
  await annotated.call('annotations.set', {
    subject: 'run',
    subjectId: 1,
    tags: [name('tag').slice(0, 60)],
    note: name('note'),
  })
  await annotated.close()
}
