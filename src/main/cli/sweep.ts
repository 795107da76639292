import { HeddleError } from '#core/errors.ts'
import { runSweep, SWEEP_PARAMS, sweepConfig } from '#main/api/sweep.ts'
import type { SweepResult } from '#main/api/sweep.ts'
import { startRunner } from '#main/runtime/link.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { terminalProgress } from '#main/terminal.ts'
import type { Command } from './command.ts'
import { table } from './command.ts'
import { large } from './format.ts'
import { readSpec } from './spec-argument.ts'

export const sweep: Command = {
  name: 'sweep',
  summary: 'Depth against width at matched parameter counts',
  usage: 'PATTERN --project FILE',
  help: 'Stacks go round the blocks of PATTERN to each depth; widths are solved from each budget of decoder parameters. All are timed together and trained shortly, the law L0 + a D^-alpha + b W^-beta is fitted, tested on the deepest stacks and the largest budget after a fit without them, and gives the shape with the lowest predicted loss within the latency budget.\nThe same command resumes a sweep that was interrupted.',
  examples: [
    "sweep 'd f' --project my.heddle",
    "sweep '{vocabSize: 4096} a{headDim: 16} f' --tokenizer sotu-4096 --depths 2,4,8,16 --params 1e6,2e6,4e6 --steps 500 --project my.heddle",
  ],
  flags: {
    project: { type: 'text', value: 'FILE', doc: 'Project file that keeps the sweep; made when missing.' },
    name: { type: 'text', value: 'TEXT', doc: 'Name of the study [sweep].' },
    depths: { type: 'text', value: 'N,N,...', doc: 'Numbers of blocks [2,4,6,8].' },
    params: { type: 'text', value: 'N,N,...', doc: 'Budgets of decoder parameters [5e4,1e5,2e5].' },
    data: { type: 'text', value: 'PATH', doc: 'Corpus file or folder [the demo corpus].' },
    tokenizer: { type: 'text', value: 'NAME', doc: 'bytes, sotu-4096 or the path of a tokenizer.json [bytes].' },
    target: { type: 'text', value: 'TARGET', doc: 'Execution target [ort-cpu].' },
    threads: { type: 'text', value: 'N', doc: 'Threads [one for each core].' },
  },
  params: SWEEP_PARAMS,
  run: async ({ positionals, text, params }, output) => {
    const path = text['project']
    if (positionals.length !== 1)
      throw new HeddleError('usage', 'sweep takes one pattern', { hint: 'quote a pattern that has spaces' })
    if (path === undefined) throw new HeddleError('usage', 'sweep needs --project FILE')
    const config = sweepConfig(readSpec(positionals[0]!), {
      params,
      depths: numbers(text['depths'] ?? '2,4,6,8', 'depths', 1024),
      budgets: numbers(text['params'] ?? '5e4,1e5,2e5', 'params', 1e12),
      data: text['data'] ?? null,
      tokenizer: text['tokenizer'] ?? 'bytes',
      target: text['target'],
      threads: text['threads'] === undefined ? undefined : Number(text['threads']),
    })
    const project = openProject(path, { create: true })
    const runner = startRunner()
    const progress = terminalProgress(process.stderr, { isQuiet: output.isQuiet || output.isJson })
    try {
      const result = await runSweep(runner, config, {
        project,
        name: text['name'] ?? 'sweep',
        signal: output.signal,
        onProgress: (e) => progress.update(e),
        onNote: (line) => progress.note(line),
      })
      progress.end()
      output.print(output.isJson ? JSON.stringify(result, null, 2) : resultText(result))
    } finally {
      progress.end()
      await runner.close()
      closeProject(project)
    }
  },
}

/** Different whole numbers, ascending: `2,4,8` or `1e5,2e5`. */
function numbers(list: string, name: string, max: number): number[] {
  const values = list.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)))
  if (values.length > 64 || !values.every((n) => Number.isInteger(n) && n >= 1 && n <= max))
    throw new HeddleError('usage', `${name} (${list}) must be at most 64 integers from 1 to ${max} with commas`, {
      path: name,
    })
  return [...new Set(values)].sort((a, b) => a - b)
}

function resultText({ points, fit, heldOut, coefficients, budgetMs, optimal, reused }: SweepResult): string {
  const percent = (x: number): string => `${(100 * x).toFixed(2)} %`
  const rows = points.map((p) => [
    String(p.depth),
    String(p.width),
    large(p.params),
    p.latencyMs.toPrecision(3),
    p.loss === null ? 'failed' : p.loss.toFixed(4),
    p.isHeldOut ? 'held out' : '',
  ])
  const parts = [table([['depth', 'width', 'params', 'ms', 'nats/token', ''], ...rows], [0, 1, 2, 3, 4])]
  if (reused > 0) parts.push(`${reused} points were in the project already`)
  if (fit === null || coefficients === null) return [...parts, 'too few finished points for a law'].join('\n')
  const { L0, a, alpha, b, beta } = fit.law
  const range = (name: string): string =>
    `[${coefficients[name]!.low.toPrecision(3)}, ${coefficients[name]!.high.toPrecision(3)}]`
  parts.push(
    `\nL = ${L0.toPrecision(4)} ${range('L0')} + ${a.toPrecision(3)} D^-${alpha.toPrecision(3)} ${range('alpha')} + ${b.toPrecision(3)} W^-${beta.toPrecision(3)} ${range('beta')}; R2 ${fit.r2.toFixed(3)}`,
  )
  if (heldOut !== null)
    parts.push(
      `held-out larger depths and widths: mean error ${percent(heldOut.mean)}, worst ${percent(heldOut.worst)}`,
    )
  for (const { message } of fit.warnings) parts.push(`note: ${message}`)
  const best = optimal?.chosen
  parts.push(
    best === undefined
      ? `no shape is within ${budgetMs.toPrecision(3)} ms`
      : `within ${budgetMs.toPrecision(3)} ms: ${best.depth} blocks x ${best.width}, predicted ${best.loss.estimate.toFixed(4)} [${best.loss.low.toFixed(4)}, ${best.loss.high.toFixed(4)}] nats/token; best under ${percent(best.probability)} of resampled laws`,
  )
  return parts.join('\n')
}
