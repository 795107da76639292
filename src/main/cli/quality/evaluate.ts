import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { runEvaluation } from '#main/api/eval-results.ts'
import type { EvalOutcome } from '#main/api/eval-results.ts'
import { EVAL_PARAMS, parseEvalPayload } from '#main/runtime/eval/job.ts'
import type { TaskFile } from '#main/runtime/eval/job.ts'
import { evalTasks } from '#main/runtime/eval/tasks.ts'
import { writeFileAtomic } from '#main/runtime/files.ts'
import { startRunner } from '#main/runtime/link.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { terminalProgress } from '#main/terminal.ts'
import { HEDDLE_VERSION } from '#main/version.ts'
import type { Command } from '../command.ts'
import { table } from '../command.ts'
import { readSpec } from '../spec-argument.ts'

export const evaluate: Command = {
  name: 'eval',
  summary: 'Score a checkpoint on questions and held-out text',
  usage: '[SPEC] --checkpoint FILE',
  help: `Scores questions from local JSONL files as lm-evaluation-harness does, without examples in the prompt: acc is the share in which the right choice has the\nhighest log likelihood, acc_norm divides it by the characters of the choice, last words must be what the model would write. Perplexity of held-out\ndocuments with --corpus. Without SPEC, the checkpoint says which stack it is. Formats:\n${evalTasks.map((t) => `  ${t.kind.padEnd(14)} ${t.doc}`).join('\n')}`,
  examples: [
    'eval --checkpoint run.safetensors --tokenizer bytes --tasks piqa:piqa.jsonl,lambada:lambada.jsonl',
    'eval --checkpoint run.safetensors --corpus demo --project my.heddle --run 3 --out results',
  ],
  flags: {
    checkpoint: { type: 'text', value: 'FILE', doc: 'Weights (safetensors).' },
    tasks: { type: 'text', value: 'LIST', doc: 'Task and file of each: piqa:piqa.jsonl,arc_easy:arc.jsonl.' },
    corpus: {
      type: 'text',
      value: 'PATH',
      doc: 'Corpus whose held-out documents are scored; demo for the one that comes along.',
    },
    field: { type: 'text', value: 'NAME', doc: 'Field of the corpus that holds the text.' },
    tokenizer: { type: 'text', value: 'NAME', doc: 'bytes, sotu-4096 or the path of a tokenizer.json [sotu-4096].' },
    target: { type: 'text', value: 'TARGET', doc: 'Execution target [ort-cpu].' },
    out: { type: 'text', value: 'FOLDER', doc: 'Where to write results_<date>.json.' },
    project: { type: 'text', value: 'FILE', doc: 'Project that keeps the results.' },
    run: { type: 'text', value: 'N', doc: 'Run of the project whose model it is.' },
  },
  params: EVAL_PARAMS,
  run: async ({ positionals, text, params }, output) => {
    if (positionals.length > 1)
      throw new HeddleError('usage', 'eval takes one spec', { hint: 'quote a pattern that has spaces' })
    if (text['checkpoint'] === undefined) throw new HeddleError('usage', 'eval needs --checkpoint FILE')
    const { corpus, field, out } = text
    const payload = parseEvalPayload({
      spec: positionals[0] === undefined ? null : readSpec(positionals[0]),
      checkpoint: text['checkpoint'],
      tasks: text['tasks'] === undefined ? [] : parseTasks(text['tasks']),
      corpus:
        corpus === undefined
          ? null
          : { path: corpus === 'demo' ? null : corpus, ...(field !== undefined && { field }) },
      ...(text['tokenizer'] !== undefined && { tokenizer: text['tokenizer'] }),
      ...(text['target'] !== undefined && { target: text['target'] }),
      options: params,
    })
    if (out !== undefined && !(await stat(out).catch(() => undefined))?.isDirectory())
      throw new HeddleError('file-missing', `there is no folder ${out}`, { path: '--out' })
    const run = runNumber(text['run'], text['project'])
    const project = text['project'] === undefined ? undefined : openProject(text['project'])
    const runner = startRunner()
    const progress = terminalProgress(process.stderr, { isQuiet: output.isQuiet || output.isJson })
    try {
      const outcome = await runEvaluation(
        runner,
        payload,
        { project, run, heddleVersion: HEDDLE_VERSION },
        { signal: output.signal, onProgress: (event) => progress.update(event) },
      )
      progress.end()
      const path = out === undefined ? undefined : join(out, outcome.fileName)
      if (path !== undefined)
        await writeFileAtomic(path, [new TextEncoder().encode(`${JSON.stringify(outcome.results, null, 2)}\n`)])
      output.print(
        output.isJson
          ? JSON.stringify(outcome.results, null, 2)
          : `${evalText(outcome)}${path === undefined ? '' : `\nwritten to ${path}`}`,
      )
    } finally {
      progress.end()
      await runner.close()
      if (project !== undefined) closeProject(project)
    }
  },
}

/** A run's number from a flag. Throws HeddleError `usage`. */
export function runNumber(given: string | undefined, project: string | undefined): number | undefined {
  if (given === undefined) return undefined
  if (project === undefined) throw new HeddleError('usage', '--run needs --project', { path: '--run' })
  if (!/^[1-9]\d{0,8}$/.test(given))
    throw new HeddleError('usage', `--run (${given}) must be the number of a run`, { path: '--run' })
  return Number(given)
}

/** `piqa:a.jsonl,lambada:b.jsonl`. Throws HeddleError `usage`. */
export function parseTasks(list: string): TaskFile[] {
  return list.split(',').map((part) => {
    const colon = part.indexOf(':')
    if (colon < 1 || colon === part.length - 1)
      throw new HeddleError('usage', `--tasks ${JSON.stringify(part)} is not TASK:FILE`, {
        path: '--tasks',
        hint: 'as in piqa:piqa.jsonl,lambada:lambada.jsonl',
      })
    return { task: part.slice(0, colon).trim(), path: part.slice(colon + 1) }
  })
}

function evalText({ answer }: EvalOutcome): string {
  const rows = answer.tasks.flatMap(({ task, scores, count, truncated }) =>
    scores.map(({ metric, value, standardError }) => [
      task,
      metric,
      value.toFixed(4),
      Number.isFinite(standardError) ? `± ${standardError.toFixed(4)}` : '',
      String(count),
      truncated === 0 ? '' : `${truncated} truncated`,
    ]),
  )
  const text = answer.corpus
  const held =
    text === null
      ? []
      : [
          `held-out text: perplexity ${text.perplexity.toFixed(3)}${text.bitsPerByte === null ? '' : `, ${text.bitsPerByte.toFixed(4)} bits/byte`} over ${text.tokens} tokens`,
        ]
  return [
    ...(rows.length === 0 ? [] : [table([['task', 'metric', 'value', 'error', 'questions', ''], ...rows], [2, 4])]),
    ...held,
  ].join('\n')
}
