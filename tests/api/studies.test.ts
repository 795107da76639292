import { HeddleError } from '#core/errors.ts'
import { resolveParams } from '#core/params.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { paramsOf } from '#main/api/studies/match-width.ts'
import { studyPlanOf, studyPlans, STUDY_PARAMS } from '#main/api/studies/plans.ts'
import type { StudySettings } from '#main/api/studies/plans.ts'
import { runStudy } from '#main/api/studies/run.ts'
import { studyTable, summariseStudy } from '#main/api/studies/summary.ts'
import { studySections } from '#main/report/studies.ts'
import type { Runner, SubmitOptions } from '#main/runtime/link.ts'
import { getStudy } from '#main/store/studies.ts'
import { listRuns } from '#main/store/runs.ts'
import { describe, expect, it } from 'vitest'
import { scratchProject } from '../store/scratch.ts'

const settings = (more: object = {}): StudySettings => ({
  ...resolveParams(STUDY_PARAMS, { steps: 4, ...more }, { dModel: 0 }, 'study'),
  data: { kind: 'corpus', path: null, tokenizer: 'bytes' },
  vocabSize: 257,
  target: 'reference',
  threads: 1,
})

/** A runner whose training gives a planted loss: the number of its call. */
function planted(failAt?: { readonly call: number; readonly error: HeddleError }): {
  runner: Runner
  configs: TrainConfig[]
} {
  const configs: TrainConfig[] = []
  const submit = async (_kind: string, payload: unknown, options: SubmitOptions = {}): Promise<unknown> => {
    const { config } = payload as { config: TrainConfig }
    configs.push(config)
    const call = configs.length
    if (failAt?.call === call) throw failAt.error
    const values = {
      valLoss: call,
      perplexity: 10 * call,
      bitsPerByte: call / 10,
      weightNorm: 1,
      gradNorm: 1,
      loss: call,
    }
    options.onEvent?.([{ step: config.run.steps, values }])
    return {
      state: 'done',
      steps: config.run.steps,
      final: values,
      tokensPerSecond: 1000,
      seconds: 1,
      firstStepSeconds: 1,
    }
  }
  return {
    configs,
    runner: { submit: submit as Runner['submit'], close: async () => undefined, pid: undefined, output: () => [] },
  }
}

describe('plans', () => {
  it('the ablation has the cells of the paper at about equal parameters', () => {
    const runs = studyPlanOf('operator-ablation').runs(settings({ preset: 'paper' }))
    expect(runs.map((r) => `${r.row} ${r.column}`)).toEqual([
      'Attention alone',
      'GLA alone',
      'DeltaNet alone',
      'Gated DeltaNet alone',
      'RWKV7 alone',
      'Mamba alone',
      'Mamba2 alone',
      'DeltaNet + Attention',
      'Gated DeltaNet + Attention',
      'GLA + Attention',
      'Attention + Mamba2',
      'DeltaNet + Mamba2',
      'Gated DeltaNet + Mamba2',
      'GLA + Mamba2',
    ])
    for (const { config } of runs)
      expect(Math.abs(paramsOf(config.spec) / paramsOf(runs[0]!.config.spec) - 1)).toBeLessThan(0.06)
  })

  it.for(studyPlans)(
    '$kind: arms differ in nothing but what is studied, and every configuration is its own',
    (plan) => {
      const runs = plan.runs(settings({ seeds: 2 }))
      expect(new Set(runs.map((r) => JSON.stringify(r.config))).size).toBe(runs.length)
      expect(new Set(runs.map((r) => r.seed))).toEqual(new Set([1, 2]))
      expect(plan.runs(settings({ seeds: 2 }))).toEqual(runs)
    },
  )

  it('weight normalisation is the only difference of its arms', () => {
    const [off, on] = studyPlanOf('weight-norm').runs(settings())
    expect({ ...on!.config, optimiser: { ...on!.config.optimiser, weightNorm: false } }).toEqual(off!.config)
    expect(on!.config.optimiser.weightNorm).toBe(true)
  })

  it('proxy trust trains short runs only where they are asked for', () => {
    const steps = (mode: string): number[] => [
      ...new Set(
        studyPlanOf('proxy-trust')
          .runs(settings({ mode, steps: 40 }))
          .map((r) => r.config.run.steps),
      ),
    ]
    expect(steps('prefix')).toEqual([40])
    expect(steps('both')).toEqual([40, 10])
  })

  it('refuses what it does not know', () => {
    expect(() => studyPlanOf('ngpt')).toThrow(/unknown study "ngpt"/)
    expect(() => studyPlanOf('weight-norm').runs(settings({ operators: 8 }))).toThrow(/multiple of 6/)
  })
})

describe('runStudy', () => {
  const plan = studyPlanOf('meta-tokens')

  it('runs everything once and gives the table', async () => {
    const project = scratchProject()
    const first = planted()
    const id = await runStudy(first.runner, project, plan, settings())
    expect(first.configs).toHaveLength(8)
    expect(getStudy(project, id).state).toBe('done')
    const summary = summariseStudy(project, id)!
    expect(studyTable(summary).rows[0]!.slice(2)).toEqual(['10.00 / 0.100', '20.00 / 0.200'])
    expect(listRuns(project, { study: id })).toHaveLength(8)
    expect(
      studySections(project)
        .map((part) => part.html)
        .join(''),
    ).toContain('Meta tokens')

    const second = planted()
    expect(await runStudy(second.runner, project, plan, settings())).toBe(id)
    expect(second.configs).toHaveLength(0)
  })

  it('goes on after a crash and a cancellation, and uses runs of other studies', async () => {
    const project = scratchProject()
    const crash = planted({ call: 3, error: new HeddleError('job-crashed', 'the runner ended') })
    await expect(runStudy(crash.runner, project, plan, settings())).rejects.toThrow('the runner ended')
    const cancel = planted({ call: 2, error: new HeddleError('job-cancelled', 'cancelled') })
    await expect(runStudy(cancel.runner, project, plan, settings())).rejects.toThrow('cancelled')
    const rest = planted()
    const id = await runStudy(rest.runner, project, plan, settings())
    expect(crash.configs.length - 1 + (cancel.configs.length - 1) + rest.configs.length).toBe(8)
    expect(summariseStudy(project, id)!.runs).toHaveLength(8)

    // two seeds contain the runs of one
    const more = planted()
    const wider = await runStudy(more.runner, project, plan, settings({ seeds: 2 }))
    expect(wider).not.toBe(id)
    expect(more.configs.every((config) => config.run.seed === 2)).toBe(true)
    expect(summariseStudy(project, wider)!.cells.every((cell) => cell.runs.length === 2)).toBe(true)
  })

  it('stops before the next run when it is cancelled', async () => {
    const project = scratchProject()
    const { runner, configs } = planted()
    await expect(runStudy(runner, project, plan, settings(), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'job-cancelled',
    })
    expect(configs).toHaveLength(0)
  })
})
