import { readFileSync } from 'node:fs'
import { HeddleError } from '#core/errors.ts'
import { printPattern } from '#core/model/text.ts'
import { parseTrainConfig, RUN_PARAMS } from '#core/optim/train-config.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { choice, optionalReal, resolveParams } from '#core/params.ts'
import { meets, searchers, specOf } from '#core/search/index.ts'
import type { Trial } from '#core/search/index.ts'
import { paretoFront } from '#core/stats/pareto.ts'
import { evaluateStack } from '#main/api/evaluate-stack.ts'
import { openLane } from '#main/api/lane.ts'
import { createSearch, openSearch, readTrials, runSearch, STUDY_PARAMS } from '#main/api/search.ts'
import type { SearchConfig, Study } from '#main/api/search.ts'
import { runProfile } from '#main/api/profile.ts'
import { startRunner } from '#main/runtime/link.ts'
import type { Latency } from '#main/runtime/measure.ts'
import { PROFILE_PARAMS } from '#main/runtime/profile/job.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { terminalProgress } from '#main/terminal.ts'
import type { Command, CommandInput, CommandOutput } from './command.ts'
import { table } from './command.ts'
import { ms, msInterval } from './format.ts'

const SEARCH_PARAMS = {
  ...STUDY_PARAMS,
  searcher: choice({ doc: 'Search algorithm.', choices: searchers.map((s) => s.kind), default: searchers[0]!.kind }),
  maxTpotMs: optionalReal({
    doc: 'Latency target: largest decode latency of a trial that may win.',
    unit: 'ms',
    min: 1e-6,
    max: 1e6,
    default: null,
  }),
} as const
const { seed: _seed, ...trainFlags } = RUN_PARAMS

/** Small enough for two cores: stacks of at most eight blocks at two widths, on bytes. */
const SMALL_SPACE = { dModels: [64, 128], maxBlocks: 8, model: { vocabSize: 257 } }

export const search: Command = {
  name: 'search',
  summary: 'Search for stacks under a latency target',
  usage: '--project FILE',
  help: 'Proposes stacks, trains each for a few steps, measures its decode latency alone, and keeps everything in the project. Stopped at any moment (Ctrl-C, kill), it goes on with --study N exactly as it would have; --trials raises its budget. At the end the front is measured again, in one interleaved measurement.\n--space FILE is the search space as JSON (heddle docs search shows the fields); by default a small one over attention, Mamba-2 and DeltaNet.\n',
  examples: [
    'search --project my.heddle --trials 24 --max-tpot-ms 0.6',
    'search --project my.heddle --study 3 --trials 48',
    'search --project my.heddle --searcher random-search --steps 100',
  ],
  flags: {
    project: { type: 'text', value: 'FILE', doc: 'Project file; made when missing.' },
    study: { type: 'text', value: 'N', doc: 'Study to resume or extend.' },
    name: { type: 'text', value: 'TEXT', doc: 'Name of the study.' },
    space: { type: 'text', value: 'FILE', doc: 'Search space as JSON.' },
  },
  params: { ...SEARCH_PARAMS, ...trainFlags },
  run: async (input, output) => {
    const path = input.text['project']
    if (path === undefined) throw new HeddleError('usage', 'search needs --project FILE')
    const project = openProject(path, { create: true })
    const runners = new Map<number, ReturnType<typeof startRunner>>()
    const progress = terminalProgress(process.stderr, { isQuiet: output.isQuiet || output.isJson })
    try {
      const study = openStudy(project, input)
      const { train, profile } = study.config.evaluation as unknown as {
        train: Omit<TrainConfig, 'spec'>
        profile: Profile
      }
      const lane = openLane()
      const idle: number[] = Array.from({ length: study.config.parallel }, (_, i) => i)
      let done = readTrials(project, study).filter(isOver).length
      progress.note(`study ${study.id}`)
      const trials = await runSearch(
        project,
        study,
        async (spec) => {
          const slot = idle.shift()!
          const runner = runners.get(slot) ?? startRunner()
          runners.set(slot, runner)
          try {
            return await evaluateStack(runner, spec, { project, lane, train, profile, signal: output.signal })
          } finally {
            idle.push(slot)
          }
        },
        {
          signal: output.signal,
          onTrial: (trial) => {
            if (!isOver(trial)) return
            progress.update({ phase: 'search', done: ++done, total: study.config.trials, unit: 'trials' })
            progress.note(trialLine(trial, study))
          },
        },
      )
      const front = frontOf(trials, study)
      const again = await remeasure(front, study, profile, runners.get(0) ?? startRunner(), project, output)
      progress.end()
      return report(trials, front, again, study, output)
    } finally {
      progress.end()
      for (const runner of runners.values()) await runner.close()
      closeProject(project)
    }
  },
}

const isOver = ({ state }: Trial): boolean => state === 'done' || state === 'failed'

function openStudy(project: Parameters<typeof openSearch>[0], { text, params }: CommandInput): Study {
  const trials = params['trials'] as number | undefined
  if (text['study'] !== undefined) {
    const id = Number(text['study'])
    if (!Number.isInteger(id))
      throw new HeddleError('usage', `--study (${text['study']}) must be a number`, { path: '--study' })
    return openSearch(project, id, trials)
  }
  const own = Object.fromEntries(Object.entries(params).filter(([name]) => Object.hasOwn(SEARCH_PARAMS, name)))
  const { searcher, maxTpotMs, ...budget } = resolveParams(SEARCH_PARAMS, own, { dModel: 0 }, 'flags')
  const run = Object.fromEntries(Object.entries(params).filter(([name]) => Object.hasOwn(trainFlags, name)))
  const train = parseTrainConfig({
    spec: { heddle: 1, model: {}, blocks: [] },
    data: { kind: 'corpus', path: null, tokenizer: 'bytes' },
    run: { steps: 60, seqLen: 128, validationTokens: 8192, validationEvery: 20, ...run },
  })
  const config: SearchConfig = {
    searcher,
    params: {},
    space: text['space'] === undefined ? SMALL_SPACE : readJson(text['space']),
    goal: {
      objectives: ['bitsPerByte', 'tpotMs'],
      constraints: maxTpotMs === null ? [] : [{ metric: 'tpotMs', max: maxTpotMs }],
    },
    ...budget,
    evaluation: {
      train: { ...train, spec: undefined },
      profile: {
        target: 'ort-cpu',
        options: {
          ...resolveParams(PROFILE_PARAMS, { phases: 'decode', maxSeconds: 3, trace: false }, { dModel: 0 }, 'profile'),
        },
      },
    },
  }
  return createSearch(project, text['name'] ?? `${searcher}, ${budget.trials} trials`, config)
}

function readJson(path: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  } catch (error) {
    throw new HeddleError('file-invalid', `the search space cannot be read: ${(error as Error).message}`, { path })
  }
}

const patternOf = (trial: Trial, study: Study): string => {
  const spec = specOf(trial.genome, study.plan.space)
  return `${spec.model.dModel ?? ''} ${printPattern(spec.blocks)}`
}

function trialLine(trial: Trial, study: Study): string {
  const { bitsPerByte, tpotMs } = trial.metrics
  const values =
    trial.state === 'done'
      ? `${bitsPerByte?.toFixed(3) ?? '?'} bits/byte  ${tpotMs === undefined || tpotMs === null ? '?' : ms(tpotMs)}`
      : trial.state
  return `trial ${trial.number}  ${values}  ${patternOf(trial, study)}${trial.mutation === null ? '' : `  (${trial.mutation.description} of ${trial.parents.join(', ')})`}`
}

/** Trials that no other beats on every objective, fastest first. */
function frontOf(trials: readonly Trial[], study: Study): Trial[] {
  const done = trials.filter((t) => t.state === 'done')
  const costs = done.map((t) =>
    study.goal.objectives.map(
      ({ metric, direction }) => (t.metrics[metric] ?? NaN) * (direction === 'minimise' ? 1 : -1),
    ),
  )
  return paretoFront(costs)
    .map((i) => done[i]!)
    .sort((a, b) => (a.metrics['tpotMs'] ?? 0) - (b.metrics['tpotMs'] ?? 0))
}

type Profile = Parameters<typeof evaluateStack>[2]['profile']

/** The finalists once more, whole and interleaved in one measurement: a winner by a lucky sample does not survive it. */
async function remeasure(
  front: readonly Trial[],
  study: Study,
  profile: Profile,
  runner: ReturnType<typeof startRunner>,
  project: Parameters<typeof openSearch>[0],
  output: CommandOutput,
): Promise<Latency[]> {
  if (front.length === 0 || output.signal.aborted) return []
  try {
    const options = { ...profile.options, maxSeconds: 4 * front.length }
    const result = await runProfile(
      runner,
      { ...profile, specs: front.map((t) => specOf(t.genome, study.plan.space)), options },
      { project, signal: output.signal },
    )
    return result.stacks.map((stack) => stack.phases[0]!.latency)
  } finally {
    await runner.close()
  }
}

function report(
  trials: readonly Trial[],
  front: readonly Trial[],
  again: readonly Latency[],
  study: Study,
  output: CommandOutput,
): number {
  const done = trials.filter((t) => t.state === 'done')
  const isUnder = (t: Trial, i: number): boolean =>
    meets(study.goal.constraints, again[i] === undefined ? t.metrics : { ...t.metrics, tpotMs: again[i].p50Ms })
  const winner = front
    .filter(isUnder)
    .sort((a, b) => (a.metrics['bitsPerByte'] ?? Infinity) - (b.metrics['bitsPerByte'] ?? Infinity))[0]
  if (output.isJson) {
    const finalists = front.map((t, i) => ({
      number: t.number,
      tpotMs: again[i] === undefined ? null : { p50: again[i].p50Ms, low: again[i].lowMs, high: again[i].highMs },
    }))
    output.print(JSON.stringify({ study: study.id, trials, finalists, winner: winner?.number ?? null }, null, 2))
  } else {
    const rows = front.map((t, i) => [
      t === winner ? '*' : '',
      String(t.number),
      t.metrics['bitsPerByte']?.toFixed(3) ?? '',
      ms(t.metrics['tpotMs'] ?? NaN),
      again[i] === undefined ? '' : msInterval(again[i]),
      patternOf(t, study),
    ])
    output.print(
      `study ${study.id}: ${done.length} of ${study.config.trials} trials done; the front, * best under the target\n${table([['', 'trial', 'bits/byte', 'decode', 'measured again [95 %]', 'width and stack'], ...rows], [1, 2, 3])}`,
    )
  }
  return done.length >= study.config.trials || output.signal.aborted ? 0 : 1
}
