// `npm run quickstart`: the main job on real input, from a look-up table to a report. Ctrl-C leaves a project that the
// same command goes on with when it is given the folder. `--fast` does everything in seconds, with numbers that mean nothing.

import { existsSync, mkdirSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { HeddleError } from '#core/errors.ts'
import { additivityText, exportCsv, runQuickstart } from './quickstart-job.ts'
import type { QuickstartResult } from './quickstart-job.ts'
import { FAST, FULL } from './quickstart-plan.ts'
import type { QuickstartPlan } from './quickstart-plan.ts'
import { projectReport } from './report/report.ts'
import { readSearches, shortName, stackOf } from './report/search-rows.ts'
import type { SearchRows } from './report/search-rows.ts'
import { writeFileAtomic } from './runtime/files.ts'
import { bigramOf } from './runtime/train/corpus-source.ts'
import { listRuns } from './store/runs.ts'
import { closeProject, openProject } from './store/db.ts'
import type { Project } from './store/db.ts'
import { readCurve } from './store/metrics.ts'
import { duration, terminalProgress } from './terminal.ts'
import { resolveSpec, hashSpec } from '#core/model/spec.ts'

/** A folder that nothing is in yet: quickstart, quickstart-2, ... */
function freshFolder(): string {
  for (let i = 1; ; i++) {
    const folder = resolve(i === 1 ? 'quickstart' : `quickstart-${i}`)
    if (!existsSync(folder)) return folder
  }
}

function readArguments(): { readonly folder: string; readonly plan: QuickstartPlan } {
  try {
    const { values, positionals } = parseArgs({ options: { fast: { type: 'boolean' } }, allowPositionals: true })
    if (positionals.length > 1) throw new Error('at most one folder')
    return {
      folder: positionals[0] === undefined ? freshFolder() : resolve(positionals[0]),
      plan: values.fast === true ? FAST : FULL,
    }
  } catch (error) {
    throw new HeddleError('usage', (error as Error).message, { hint: 'npm run quickstart -- [FOLDER] [--fast]' })
  }
}

async function main(): Promise<number> {
  const started = performance.now()
  const { folder, plan } = readArguments()
  mkdirSync(folder, { recursive: true })
  const project = openProject(join(folder, 'quickstart.heddle'), { create: true })
  const progress = terminalProgress(process.stderr)
  const controller = new AbortController()
  const interrupt = (): void => controller.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const elapsed = (): string => duration((performance.now() - started) / 1000)
  try {
    progress.note(`results go to ${shown(folder)}; Ctrl-C stops, and what is finished stays`)
    const result = await runQuickstart(project, plan, {
      note: (line) => progress.note(line.startsWith('\n') ? `${line}  (${elapsed()} so far)` : line),
      progress: (event) => progress.update(event),
      signal: controller.signal,
    })
    progress.end()
    const facts = summary(project, result)
    await writeResults(project, folder, plan, facts)
    const width = Math.max(...facts.map(([name]) => name.length))
    const lines = facts.map(([name, text]) => `${name.padEnd(width)}  ${text}`)
    const files = ['quickstart.heddle', 'report.html', 'csv'].map((name) => shown(join(folder, name)))
    process.stdout.write(`\n${lines.join('\n')}\n\n${files.join('\n')}\ndone in ${elapsed()}\n`)
    return 0
  } catch (error) {
    progress.end()
    if (!(error instanceof HeddleError) || error.code !== 'job-cancelled') throw error
    await writeResults(project, folder, plan, [])
    const flags = plan === FAST ? ' --fast' : ''
    process.stderr.write(
      `\nstopped after ${elapsed()}; the project and a report of it are in ${shown(folder)}\ngo on with: npm run quickstart -- ${shown(folder)}${flags}\n`,
    )
    return 130
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
    progress.end()
    closeProject(project)
  }
}

const shown = (path: string): string => relative('.', path) || '.'

async function writeResults(
  project: Project,
  folder: string,
  { run, longSteps }: QuickstartPlan,
  facts: readonly (readonly [string, string])[],
): Promise<void> {
  const { bitsPerByte } = await bigramOf({ kind: 'corpus', path: null, tokenizer: 'bytes' })
  const report = projectReport(project, {
    title: 'Quickstart: a search under a latency target',
    intro: `Trials of ${run.steps} and long runs of ${longSteps} steps of ${run.batchSize} x ${run.seqLen} bytes of the State of the Union addresses (CC0), validated on held-out addresses. Command: npm run quickstart.`,
    facts,
    ...(bitsPerByte !== null && { baseline: { name: `bigram ${bitsPerByte.toFixed(2)}`, bitsPerByte } }),
  })
  await writeFileAtomic(join(folder, 'report.html'), [new TextEncoder().encode(report)])
  await exportCsv(project, folder)
}

/** What the job found, each with its uncertainty. */
function summary(
  project: Project,
  { additivity, targetMs, evolution, random, trust }: QuickstartResult,
): [string, string][] {
  const searches = readSearches(project).flatMap((group) => group.searches)
  const of = (id: number): SearchRows => searches.find(({ study }) => study.id === id)!
  const [evolved, drawn] = [of(evolution.study.id), of(random.study.id)]
  const scheduled = trust.panels.find(({ mode }) => mode === 'scheduled') ?? trust.panels[0]!
  const short = scheduled.panel.targets[0]!.checkpoints.findLast(({ step }) => step < trust.steps)
  const digits = (x: number, n = 2): string => (Number.isFinite(x) ? x.toFixed(n) : 'undefined')
  return [
    ...winnerFacts(project, evolved, targetMs, trust.steps),
    ['against random', versus(evolved, drawn)],
    [
      'proxy',
      short === undefined
        ? 'no short run to compare'
        : `Spearman ${digits(short.spearman.estimate)} [${digits(short.spearman.low)}, ${digits(short.spearman.high)}] of ${short.step}-step trials with ${trust.steps}-step runs, ${short.spearman.count} stacks, one seed`,
    ],
    ...(additivity === null ? [] : ([['look-up table', additivityText(additivity)]] as [string, string][])),
  ]
}

function winnerFacts(
  project: Project,
  { winner, study }: SearchRows,
  targetMs: number,
  steps: number,
): [string, string][] {
  const target = `target ${targetMs.toPrecision(3)} ms/token`
  if (winner === undefined)
    return [['winner', `none: no finalist of the evolution meets the ${target} when measured whole`]]
  const { trial, spec, measured, predicted } = winner
  const { p50Ms, lowMs, highMs } = measured.tpotMs!
  const long = listRuns(project, { spec: hashSpec(resolveSpec(spec).spec), state: 'done' })
    .filter((run) => (run.config['run'] as { readonly steps: number }).steps === steps)
    .map((run) => readCurve(project, run.id, 'bitsPerByte').values.at(-1))
    .at(-1)
  return [
    ['winner', `trial ${trial.number}, ${shortName(stackOf(trial, study))}`],
    [
      'quality',
      `${trial.metrics['bitsPerByte']!.toFixed(3)} bits/byte as a trial${long === undefined ? '' : `, ${long.toFixed(3)} after ${steps} steps`}`,
    ],
    [
      'decode',
      `${p50Ms.toPrecision(3)} ms/token [${lowMs.toPrecision(3)}, ${highMs.toPrecision(3)}] measured whole, ${predicted.tpotMs?.toPrecision(3) ?? '?'} predicted, ${target}`,
    ],
  ]
}

function versus(a: SearchRows, b: SearchRows): string {
  const best = ({ best: trial }: SearchRows): string => trial?.metrics['bitsPerByte']?.toFixed(3) ?? 'nothing'
  const ratio = (a.volume.at(-1) ?? 0) / (b.volume.at(-1) ?? 0)
  return `best under the target ${best(a)} against ${best(b)} bits/byte; hypervolume ${Number.isFinite(ratio) ? ratio.toFixed(2) : '?'} times that of random; ${a.trials.length} trials each, one seed: an example, not evidence`
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    if (!(error instanceof HeddleError)) throw error
    process.stderr.write(`quickstart: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`)
    process.exitCode = 1
  },
)
