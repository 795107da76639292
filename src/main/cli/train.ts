import { readFileSync } from 'node:fs'
import { HeddleError } from '#core/errors.ts'
import { parseTrainConfig, RUN_PARAMS } from '#core/optim/train-config.ts'
import { adamw } from '#core/optim/adamw.ts'
import { SCHEDULE_PARAMS } from '#core/optim/schedule.ts'
import { runTraining } from '#main/api/train.ts'
import { startRunner } from '#main/runtime/link.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { terminalProgress } from '#main/terminal.ts'
import type { Command, CommandInput } from './command.ts'
import { readSpec } from './spec-argument.ts'

export const train: Command = {
  name: 'train',
  summary: 'Train a stack',
  usage: 'SPEC',
  help: 'Trains on a corpus (--data: text, JSONL, Parquet, token .bin, or a folder; the demo corpus without it) or on a synthetic task (--task).\nValidation is on held-out documents: nats a token, perplexity and bits a byte. --config FILE takes a stored configuration instead of flags.\nThe exit code is 0 for a finished run, 3 for one that diverged.',
  examples: [
    "train 'd f m2 f a f' --steps 200 --project my.heddle",
    "train '{vocabSize: 256} a f a f' --tokenizer bytes --data ./texts",
    "train '{dModel: 64, vocabSize: 8192} a f a f' --task mqar --seq-len 64",
    'train --config run.json --resume run.safetensors',
  ],
  flags: {
    data: { type: 'text', value: 'PATH', doc: 'Corpus file or folder [the demo corpus].' },
    field: { type: 'text', value: 'NAME', doc: 'Field of JSONL or column of Parquet that holds the text.' },
    tokenizer: { type: 'text', value: 'NAME', doc: 'bytes, sotu-4096 or the path of a tokenizer.json [sotu-4096].' },
    task: { type: 'text', value: 'KIND', doc: 'Synthetic task instead of a corpus.' },
    target: { type: 'text', value: 'TARGET', doc: 'Execution target [ort-cpu].' },
    threads: { type: 'text', value: 'N', doc: 'Threads [one for each core].' },
    config: { type: 'text', value: 'FILE', doc: 'A configuration as JSON; flags that are given replace its values.' },
    checkpoint: { type: 'text', value: 'FILE', doc: 'Where to write checkpoints (safetensors).' },
    resume: { type: 'text', value: 'FILE', doc: 'Checkpoint to go on from.' },
    project: { type: 'text', value: 'FILE', doc: 'Project file that keeps the run; made when missing.' },
    name: { type: 'text', value: 'TEXT', doc: 'Name of the run.' },
  },
  params: { ...RUN_PARAMS, ...SCHEDULE_PARAMS, ...adamw.params },
  run: async (input, output) => {
    const config = parseTrainConfig(configOf(input))
    const { text } = input
    const project = text['project'] === undefined ? undefined : openProject(text['project'], { create: true })
    const runner = startRunner()
    const progress = terminalProgress(process.stderr, { isQuiet: output.isQuiet || output.isJson })
    try {
      const outcome = await runTraining(
        runner,
        { config, checkpoint: text['checkpoint'], resume: text['resume'], project, name: text['name'] },
        {
          signal: output.signal,
          onProgress: (event) => progress.update(event),
          onPoints: (points) => {
            for (const { step, values } of points)
              if (values['valLoss'] !== undefined)
                progress.note(`step ${step}  loss ${values['loss']!.toFixed(4)}  ${validationText(values)}`)
          },
        },
      )
      progress.end()
      if (output.isJson) output.print(JSON.stringify({ ...outcome, config }, null, 2))
      else
        output.print(
          outcome.state === 'done'
            ? `done: ${outcome.steps} steps in ${outcome.seconds.toFixed(1)} s, ${Math.round(outcome.tokensPerSecond)} tokens/s; ${validationText(outcome.final)}`
            : `${outcome.state}: ${outcome.error?.message ?? ''}${outcome.error?.hint === undefined ? '' : `\n  ${outcome.error.hint}`}`,
        )
      return outcome.state === 'done' ? 0 : 3
    } finally {
      progress.end()
      await runner.close()
      if (project !== undefined) closeProject(project)
    }
  },
}

function validationText(values: Readonly<Record<string, number>>): string {
  const parts = [
    ['valLoss', 'nats/token', 4],
    ['perplexity', 'perplexity', 2],
    ['bitsPerByte', 'bits/byte', 4],
    ['accuracy', 'accuracy', 3],
  ] as const
  return parts
    .filter(([key]) => values[key] !== undefined)
    .map(([key, unit, digits]) => `${values[key]!.toFixed(digits)} ${unit}`)
    .join('  ')
}

function configOf({ positionals, text, params }: CommandInput): Record<string, unknown> {
  const base = text['config'] === undefined ? {} : readConfig(text['config'])
  if (positionals.length > 1 || (positionals.length === 0 && base['spec'] === undefined))
    throw new HeddleError('usage', 'train takes one spec', { hint: 'quote a pattern that has spaces' })
  const pick = (schema: object): Record<string, unknown> =>
    Object.fromEntries(Object.entries(params).filter(([name]) => Object.hasOwn(schema, name)))
  const merged = (key: string, schema: object): Record<string, unknown> => ({
    ...(base[key] as object | undefined),
    ...pick(schema),
  })
  return {
    ...base,
    ...(positionals.length === 1 && { spec: readSpec(positionals[0]!) }),
    ...dataOf(text, base['data']),
    run: merged('run', RUN_PARAMS),
    schedule: merged('schedule', SCHEDULE_PARAMS),
    optimiser: merged('optimiser', adamw.params),
    ...(text['target'] !== undefined && { target: text['target'] }),
    ...(text['threads'] !== undefined && { threads: numberOr(text['threads']) }),
  }
}

/** A number where the text is one; other text is refused as it was typed. */
const numberOr = (text: string): number | string =>
  text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text)

function dataOf(text: Readonly<Record<string, string>>, base: unknown): { data?: unknown } {
  if (text['task'] !== undefined) return { data: { kind: 'task', task: text['task'] } }
  const { data, field, tokenizer } = text
  if (data === undefined && field === undefined && tokenizer === undefined)
    return base === undefined ? {} : { data: base }
  return {
    data: {
      kind: 'corpus',
      ...(base as object | undefined),
      ...(data !== undefined && { path: data }),
      ...(field !== undefined && { field }),
      ...(tokenizer !== undefined && { tokenizer }),
    },
  }
}

function readConfig(path: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  } catch (error) {
    throw new HeddleError('file-invalid', `the configuration cannot be read: ${(error as Error).message}`, { path })
  }
  throw new HeddleError('file-invalid', 'the configuration is not a JSON object', { path })
}
