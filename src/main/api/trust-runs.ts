// Which runs of a project make a proxy-trust panel: the long ones give final metrics, and the cheap metric is either the
// beginning of the same run or the end of a run that was scheduled to be short.

import { HeddleError } from '#core/errors.ts'
import { canonicalJson } from '#core/model/spec.ts'
import type { CurvePoint } from '#core/stats/settle.ts'
import type { Replicate, TrustItem } from '#core/stats/trust/panel.ts'
import type { Project } from '#main/store/db.ts'
import { readCurve } from '#main/store/metrics.ts'
import { listRuns } from '#main/store/runs.ts'
import type { RunRow } from '#main/store/runs.ts'
import { getSpec } from '#main/store/specs.ts'
import { scoresOfRun } from './eval-results.ts'

/** `prefix`: the same curve, earlier. `scheduled`: shorter runs, each with its own learning-rate schedule. */
export type TrustMode = 'prefix' | 'scheduled'

export interface RunChoice {
  /** Numbers of runs; all without it. */
  readonly runs?: readonly number[] | undefined
  readonly study?: number | undefined
  /** The cheap metric. */
  readonly metric: string
  /** The metric at the end of long runs; by default the same. */
  readonly finalMetric?: string | undefined
  /** Steps of the long runs; by default the most that any run was given. */
  readonly steps?: number | undefined
}

export interface TrustRuns {
  readonly steps: number
  /** Numbers of the long runs. */
  readonly long: readonly number[]
  readonly items: Readonly<Record<TrustMode, readonly TrustItem[]>>
}

/** Counts that rank without training. */
const BASELINES = ['params', 'decoderParams', 'trainFlopsPerToken', 'stateBytes'] as const

/**
 * Reads the architectures of a panel. `scheduled` is empty where no shorter run ended.
 * @throws HeddleError `usage` when runs are missing or were trained under different settings
 */
export function readTrustRuns(project: Project, choice: RunChoice): TrustRuns {
  const chosen = chooseRuns(project, choice)
  const steps = choice.steps ?? chosen.reduce((most, run) => Math.max(most, stepsOf(run)), 0)
  const long = chosen.filter((run) => stepsOf(run) === steps)
  if (long.length === 0)
    throw new HeddleError('usage', `no chosen run has ${steps} steps`, {
      path: 'steps',
      hint: `runs end at ${[...new Set(chosen.map(stepsOf))]
        .sort((a, b) => a - b)
        .slice(0, 20)
        .join(', ')} steps`,
    })
  checkComparable(chosen)
  const finalMetric = choice.finalMetric ?? choice.metric
  const cheap = chosen.filter((run) => run.state === 'done' && stepsOf(run) < steps)
  const itemsOf = (curve: (run: RunRow) => readonly CurvePoint[]): TrustItem[] =>
    [...Map.groupBy(long, (run) => run.spec).values()].map((runs) =>
      itemOf(project, runs, (run) => ({
        curve: curve(run),
        final: run.state === 'done' ? valueAt(project, run, finalMetric, steps) : NaN,
      })),
    )
  const prefix = itemsOf((run) => pointsOf(project, run, choice.metric).filter((point) => point.step <= steps))
  const scheduled = itemsOf((run) =>
    cheap
      .filter((other) => other.spec === run.spec && other.seed === run.seed)
      .map((other) => ({ step: stepsOf(other), value: valueAt(project, other, choice.metric, stepsOf(other)) }))
      .sort((a, b) => a.step - b.step),
  )
  return { steps, long: long.map((run) => run.id), items: { prefix, scheduled: cheap.length === 0 ? [] : scheduled } }
}

function chooseRuns(project: Project, { runs, study }: RunChoice): RunRow[] {
  const all = listRuns(project, study === undefined ? {} : { study })
  const missing = runs?.find((id) => !all.some((run) => run.id === id))
  if (missing !== undefined)
    throw new HeddleError('usage', `no run ${missing}${study === undefined ? '' : ` in study ${study}`}`, {
      path: 'runs',
    })
  const chosen = all.filter((run) => run.state !== 'running' && (runs === undefined || runs.includes(run.id)))
  // a run that was repeated with the same configuration counts once: the last that ended well, otherwise the last
  const latest = new Map<string, RunRow>()
  for (const run of chosen) {
    const key = canonicalJson([run.spec, run.config])
    if (run.state === 'done' || latest.get(key)?.state !== 'done') latest.set(key, run)
  }
  if (latest.size === 0)
    throw new HeddleError('usage', 'there is no run to compare', {
      path: 'runs',
      hint: 'train stacks with --project first',
    })
  return [...latest.values()]
}

function stepsOf(run: RunRow): number {
  const steps = (run.config['run'] as Readonly<Record<string, unknown>> | undefined)?.['steps']
  return typeof steps === 'number' ? steps : 0
}

/** Runs that differ in more than architecture, seed and length do not rank architectures. */
function checkComparable(runs: readonly RunRow[]): void {
  const free = ['steps', 'seed', 'validationEvery', 'checkpointEvery']
  const settingsOf = ({ config }: RunRow): string => {
    const run = Object.entries((config['run'] ?? {}) as object).filter(([name]) => !free.includes(name))
    const { warmup: _warmup, ...schedule } = (config['schedule'] ?? {}) as Readonly<Record<string, unknown>>
    return canonicalJson([config['data'] ?? null, Object.fromEntries(run), config['optimiser'] ?? null, schedule])
  }
  const other = runs.find((run) => settingsOf(run) !== settingsOf(runs[0]!))
  if (other !== undefined)
    throw new HeddleError(
      'usage',
      `runs ${runs[0]!.id} and ${other.id} were trained with different data or settings, so they do not rank architectures`,
      { path: 'runs', hint: 'choose runs with --runs or --study' },
    )
}

function itemOf(project: Project, runs: readonly RunRow[], replicate: (run: RunRow) => Replicate): TrustItem {
  const spec = getSpec(project, runs[0]!.spec)!
  const sorted = runs.toSorted((a, b) => a.seed - b.seed)
  const baselines = BASELINES.flatMap((name) =>
    typeof spec.counts[name] === 'number' ? [[name, spec.counts[name]] as const] : [],
  )
  return {
    name: spec.name === '' ? spec.text : spec.name,
    replicates: sorted.map(replicate),
    baselines: Object.fromEntries(baselines),
    scores: meanScores(project, sorted),
  }
}

/** Accuracies on tasks, averaged over the seeds that have them. */
function meanScores(project: Project, runs: readonly RunRow[]): Record<string, number> {
  const values = new Map<string, number[]>()
  for (const run of runs) {
    for (const { task, metric, value, higherIsBetter } of scoresOfRun(project, run.id)) {
      if (higherIsBetter === false || !metric.startsWith('acc')) continue
      values.set(`${task} ${metric}`, [...(values.get(`${task} ${metric}`) ?? []), value])
    }
  }
  return Object.fromEntries([...values].map(([name, list]) => [name, list.reduce((a, b) => a + b, 0) / list.length]))
}

function pointsOf(project: Project, run: RunRow, metric: string): CurvePoint[] {
  const { steps, values } = readCurve(project, run.id, metric, { latest: true })
  return Array.from(steps, (step, i) => ({ step, value: values[i]! }))
}

const valueAt = (project: Project, run: RunRow, metric: string, step: number): number =>
  pointsOf(project, run, metric).find((point) => point.step === step)?.value ?? NaN
