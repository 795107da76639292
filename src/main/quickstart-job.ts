// The whole job on real input, each stage through the api and into one project: table, sweep, two searches, proxy trust,
// report. Every stage looks first at what the project has, so that the job goes on where it was stopped.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { predictLatency } from '#core/model/latency-table.ts'
import { blockOf } from '#core/blocks/index.ts'
import { hashSpec, resolveSpec, SPEC_VERSION } from '#core/model/spec.ts'
import type { BlockItem } from '#core/model/spec.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { resolveParams } from '#core/params.ts'
import { specOf } from '#core/search/index.ts'
import type { Trial } from '#core/search/index.ts'
import { runLut } from './api/lut.ts'
import type { LutResult } from './api/lut.ts'
import type { SearchConfig, Study } from './api/search.ts'
import { resumeStudy, searcherParams, startStudy } from './api/search-run.ts'
import type { SearchOutcome } from './api/search-run.ts'
import { runSweep, sweepConfig } from './api/sweep.ts'
import type { SweepResult } from './api/sweep.ts'
import { runTraining } from './api/train.ts'
import { judgeProxies, storeTrust } from './api/trust.ts'
import type { TrustReport } from './api/trust.ts'
import type { QuickstartPlan } from './quickstart-plan.ts'
import { startRunner } from './runtime/link.ts'
import type { Runner } from './runtime/link.ts'
import { LUT_PARAMS } from './runtime/profile/lut-job.ts'
import type { ProgressEvent } from './runtime/progress.ts'
import type { Project } from './store/db.ts'
import { EXPORTS, exportTableFile } from './store/export.ts'
import { listRuns } from './store/runs.ts'
import { getStudy, listStudies } from './store/studies.ts'

export interface QuickstartHandlers {
  /** A line that stays: stages, trials, results. */
  readonly note: (line: string) => void
  readonly progress: (event: ProgressEvent) => void
  readonly signal: AbortSignal
}

export interface QuickstartResult {
  readonly additivity: LutResult['additivity']
  readonly targetMs: number
  readonly sweep: SweepResult
  readonly evolution: SearchOutcome
  readonly random: SearchOutcome
  readonly trust: TrustReport
}

const MODEL = { vocabSize: 257 } as const
const DATA = { kind: 'corpus', path: null, tokenizer: 'bytes' } as const
const TARGET = 'ort-cpu'
const SEED = 1
const STAGES = 5
/** Two evaluators of one thread each train more than one of two threads. */
const PARALLEL = 2
/** Latencies on one thread vary less than on all, and stacks this small gain nothing from more. */
const LATENCY_THREADS = 1
const COPIES = [1, 3, 6, 12]

/**
 * Runs what the project lacks of the job.
 * @throws HeddleError `job-cancelled` when it is stopped; what was finished is in the project
 */
export async function runQuickstart(
  project: Project,
  plan: QuickstartPlan,
  handlers: QuickstartHandlers,
): Promise<QuickstartResult> {
  const runner = startRunner()
  const stage = (number: number, text: string): void => handlers.note(`\n[${number}/${STAGES}] ${text}`)
  try {
    stage(
      1,
      `look-up table: ${plan.operators.length} blocks at widths ${plan.widths.join(' and ')}, and random stacks that test it`,
    )
    const { additivity, targetMs } = await fillTable(runner, project, plan, handlers)
    stage(
      2,
      `depth against width: ${plan.sweep.depths.length * plan.sweep.budgets.length} stacks of ${plan.sweep.steps} steps`,
    )
    const sweep = await runSweep(runner, sweepOf(plan), {
      project,
      name: 'sweep',
      signal: handlers.signal,
      onProgress: handlers.progress,
      onNote: handlers.note,
    })
    const target = `under ${targetMs.toPrecision(3)} ms/token, the prediction for ${plan.reference.map((b) => blockOf(b.kind, 'kind').symbol).join(' ')} at width ${plan.widths.at(-1)!}`
    stage(
      3,
      `aging evolution: ${plan.trials} trials of ${plan.run.steps} steps ${target}; its finalists measured whole`,
    )
    const evolution = await search(project, plan, 'aging-evolution', 'aging evolution', targetMs, handlers)
    stage(4, `random search: the same budget and target`)
    const random = await search(project, plan, 'random', 'random search', targetMs, handlers)
    stage(5, `can short runs be trusted: ${plan.panel} stacks of the evolution, ${plan.longSteps} steps each`)
    const trust = await judge(project, plan, evolution, handlers)
    return { additivity, targetMs, sweep, evolution, random, trust }
  } finally {
    await runner.close()
  }
}

/** The table at every width; the latency target is the prediction for the reference. */
async function fillTable(
  runner: Runner,
  project: Project,
  plan: QuickstartPlan,
  { note, progress, signal }: QuickstartHandlers,
): Promise<{ readonly additivity: LutResult['additivity']; readonly targetMs: number }> {
  const results: LutResult[] = []
  for (const dModel of plan.widths) {
    const result = await runLut(
      runner,
      {
        target: TARGET,
        model: { ...MODEL, dModel },
        operators: plan.operators,
        copies: COPIES,
        options: resolveParams(
          LUT_PARAMS,
          { context: plan.context, threads: LATENCY_THREADS, seed: SEED, maxSeconds: plan.tableSeconds },
          { dModel },
          'table',
        ),
        stacks: plan.testStacks,
        isForced: false,
      },
      { project, signal, onProgress: (e) => progress({ ...e, phase: `width ${dModel}: ${e.phase}` }) },
    )
    results.push(result)
    if (result.additivity !== null)
      note(`width ${dModel}: ${result.measured} entries; ${additivityText(result.additivity)}`)
  }
  const last = results.at(-1)!
  const reference = resolveSpec({
    heddle: SPEC_VERSION,
    model: { ...MODEL, dModel: plan.widths.at(-1)! },
    blocks: plan.reference,
  })
  // a search that has begun keeps its target
  const begun = listStudies(project, { kind: 'search' })[0]
  const known = (begun?.config['goal'] as SearchConfig['goal'] | undefined)?.['constraints'] as
    readonly { readonly max: number }[] | undefined
  const targetMs = known?.[0]?.max ?? predictLatency(reference, last.table, last.conditions).ms
  return { additivity: last.additivity, targetMs }
}

export const additivityText = ({ count, medianError, p95Error }: NonNullable<LutResult['additivity']>): string =>
  `predictions of ${count} whole stacks miss by ${(100 * medianError).toFixed(1)} % in the median, ${(100 * p95Error).toFixed(1)} % at p95`

const sweepOf = ({ sweep, run, context, profileSeconds }: QuickstartPlan): Parameters<typeof runSweep>[1] =>
  sweepConfig(
    { heddle: SPEC_VERSION, model: MODEL, blocks: sweep.pattern },
    {
      params: {
        steps: sweep.steps,
        trainBatch: run.batchSize,
        seqLen: run.seqLen,
        validationTokens: run.validationTokens,
        seed: SEED,
        widthStep: 4,
        maxWidth: 512,
        context,
        maxSeconds: profileSeconds,
      },
      depths: sweep.depths,
      budgets: sweep.budgets,
      data: null,
      tokenizer: DATA.tokenizer,
      target: TARGET,
    },
  )

/** Starts a search, or goes on with the one of this name. */
async function search(
  project: Project,
  plan: QuickstartPlan,
  searcher: string,
  name: string,
  targetMs: number,
  { note, progress, signal }: QuickstartHandlers,
): Promise<SearchOutcome> {
  const handlers = {
    signal,
    onProgress: progress,
    onTrial: (trial: Trial, study: Study): void => {
      if (trial.state === 'done' || trial.state === 'failed') note(trialLine(trial, study))
    },
  }
  const known = listStudies(project, { name }).at(-1)
  const outcome = await (known === undefined
    ? startStudy(project, { name, config: searchConfig(plan, searcher, targetMs) }, handlers)
    : resumeStudy(project, { study: known.id }, handlers))
  if (outcome.state === 'paused' || signal.aborted)
    throw new HeddleError('job-cancelled', `${name} was stopped after ${outcome.trials.length} trials`)
  return outcome
}

function searchConfig(plan: QuickstartPlan, searcher: string, targetMs: number): SearchConfig {
  const of = (category: string): readonly BlockItem[] =>
    plan.operators.filter((item) => blockOf(item.kind, 'kind').category === category)
  return {
    searcher,
    params: searcherParams(searcher, plan.trials),
    space: {
      encoding: 'free',
      mixers: of('sequence mixer'),
      channelMixers: of('channel mixer'),
      dModels: plan.widths,
      minBlocks: 2,
      maxBlocks: plan.maxBlocks,
      model: MODEL,
    },
    goal: {
      objectives: ['bitsPerByte', 'predictedTpotMs'],
      constraints: [{ metric: 'predictedTpotMs', max: targetMs }],
    },
    trials: plan.trials,
    parallel: PARALLEL,
    seed: SEED,
    evaluation: {
      latency: 'predicted',
      finalists: plan.finalists,
      tableSeconds: plan.tableSeconds,
      train: { data: DATA, run: { ...plan.run, seed: SEED }, threads: 1 },
      profile: {
        target: TARGET,
        options: {
          phases: 'decode',
          promptLen: 1,
          context: plan.context,
          threads: LATENCY_THREADS,
          maxSeconds: plan.profileSeconds,
          trace: false,
        },
      },
    },
  }
}

function trialLine(trial: Trial, study: Study): string {
  const { bitsPerByte, predictedTpotMs } = trial.metrics
  const spec = resolveSpec(specOf(trial.genome, study.plan.space))
  const result =
    trial.state === 'done'
      ? `${bitsPerByte?.toFixed(3) ?? '?'} bits/byte  ${predictedTpotMs?.toPrecision(3) ?? '?'} ms predicted`
      : trial.state
  const origin = trial.mutation === null ? '' : `  (${trial.mutation.description}, of ${trial.parents.join(', ')})`
  return `trial ${trial.number}  ${result}  ${spec.settings.dModel}: ${spec.blocks.map((b) => b.block.symbol).join(' ')}${origin}`
}

/** Trains a panel of the evolution's stacks long and compares with what their trials said. */
async function judge(
  project: Project,
  plan: QuickstartPlan,
  { study, trials, finalists }: SearchOutcome,
  { note, progress, signal }: QuickstartHandlers,
): Promise<TrustReport> {
  const panel = choosePanel(
    trials,
    finalists.map((f) => f.trial),
    plan.panel,
  )
  const { evaluation } = getStudy(project, study.id).config as unknown as SearchConfig
  const configs = panel.map(({ genome }) => {
    const train = evaluation['train'] as { readonly run: object }
    const run = { ...train.run, steps: plan.longSteps }
    return parseTrainConfig({ ...train, run, spec: specOf(genome, study.plan.space) })
  })
  const runners = Array.from({ length: PARALLEL }, () => startRunner())
  const queue = [...configs]
  let done = 0
  const tell = (): void => progress({ phase: 'long runs', done, total: configs.length, unit: 'stacks' })
  const work = async (runner: Runner): Promise<void> => {
    for (let config = queue.shift(); config !== undefined; config = queue.shift()) {
      const spec = hashSpec(config.spec)
      const isTrained = listRuns(project, { study: study.id, spec, state: 'done' }).some(
        (run) => (run.config['run'] as { readonly steps: number }).steps === plan.longSteps,
      )
      if (!isTrained) {
        const outcome = await runTraining(runner, { config, project, study: study.id, name: 'long run' }, { signal })
        const { blocks, settings } = resolveSpec(config.spec)
        note(
          `${outcome.final['bitsPerByte']?.toFixed(3) ?? outcome.state} bits/byte  ${settings.dModel}: ${blocks.map((b) => b.block.symbol).join(' ')}`,
        )
      }
      done++
      tell()
    }
  }
  tell()
  try {
    await Promise.all(runners.map(work))
  } finally {
    queue.length = 0
    for (const runner of runners) await runner.close()
  }
  const specs = new Set(configs.map(({ spec }) => hashSpec(spec)))
  const runs = listRuns(project, { study: study.id, state: 'done' }).filter((run) => specs.has(run.spec))
  const report = judgeProxies(project, {
    runs: runs.map((run) => run.id),
    metric: 'bitsPerByte',
    steps: plan.longSteps,
  })
  storeTrust(project, report, study.id)
  return report
}

/** The finalists, and others spread evenly over the ranking of the trials: a panel of the best alone would rank by noise. */
function choosePanel(trials: readonly Trial[], finalists: readonly Trial[], size: number): Trial[] {
  const ranked = trials
    .filter(({ state, metrics }) => state === 'done' && Number.isFinite(metrics['bitsPerByte'] ?? NaN))
    .sort((a, b) => a.metrics['bitsPerByte']! - b.metrics['bitsPerByte']!)
  const chosen = new Map(finalists.slice(0, size).map((trial) => [trial.key, trial]))
  const others = [...new Map(ranked.map((trial) => [trial.key, trial])).values()].filter(({ key }) => !chosen.has(key))
  const wanted = Math.min(size - chosen.size, others.length)
  for (let i = 0; i < wanted; i++) {
    const trial = others[wanted === 1 ? 0 : Math.round((i * (others.length - 1)) / (wanted - 1))]!
    chosen.set(trial.key, trial)
  }
  return [...chosen.values()]
}

/** Every table of the project as CSV; returns the folder. */
export async function exportCsv(project: Project, folder: string): Promise<string> {
  const into = join(folder, 'csv')
  mkdirSync(into, { recursive: true })
  for (const { name } of EXPORTS) await exportTableFile(project, name, 'csv', join(into, `${name}.csv`))
  return into
}
