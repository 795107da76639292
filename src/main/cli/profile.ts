import { HeddleError } from '#core/errors.ts'
import { printPattern } from '#core/model/text.ts'
import { quantile } from '#core/stats/summary.ts'
import { runProfile } from '#main/api/profile.ts'
import { startRunner } from '#main/runtime/link.ts'
import { parseProfilePayload, PROFILE_PARAMS } from '#main/runtime/profile/job.ts'
import { LARGEST } from '#main/runtime/profile/profile.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { terminalProgress } from '#main/terminal.ts'
import type { Command } from './command.ts'
import { table } from './command.ts'
import { ms, msInterval } from './format.ts'
import { readSpec } from './spec-argument.ts'

export const profile: Command = {
  name: 'profile',
  summary: 'Measure prefill and decode latency',
  usage: 'SPEC...',
  help: 'Measures stacks on this machine with random weights: warm-up to a steady state, several stacks in interleaved order, the median with its 95 % interval.\nThe floor is a run that does nothing. Blocks say which fused ops ran as one kernel and which were decomposed.',
  examples: [
    "profile 'a f a f' 'd f m2 f' --context 512",
    'profile nemotron-flash-1b --phases decode --project my.heddle',
    'profile nemotron-flash-1b --target cuda --batch-size 0 --prompt-len 32768 --context 32768',
  ],
  flags: {
    target: { type: 'text', value: 'TARGET', doc: 'Execution target [ort-cpu].' },
    project: { type: 'text', value: 'FILE', doc: 'Project file that keeps the measurements; made when missing.' },
  },
  params: PROFILE_PARAMS,
  run: async ({ positionals, text, params }, output) => {
    if (positionals.length === 0) throw new HeddleError('usage', 'profile takes at least one spec')
    const payload = parseProfilePayload({
      specs: positionals.map(readSpec),
      target: text['target'] ?? 'ort-cpu',
      options: params,
    })
    const project = text['project'] === undefined ? undefined : openProject(text['project'], { create: true })
    const runner = startRunner()
    const progress = terminalProgress(process.stderr, { isQuiet: output.isQuiet || output.isJson })
    try {
      const result = await runProfile(runner, payload, {
        project,
        signal: output.signal,
        onProgress: (event) => progress.update(event),
      })
      progress.end()
      if (output.isJson)
        return output.print(JSON.stringify(result, (_, v: unknown) => (v instanceof Float64Array ? [...v] : v), 2))
      const { environment: e, shape } = result
      output.print(
        `${result.target} on ${e.cpuModel ?? 'unknown processor'}, ${e.threads ?? '?'} threads, batch ${shape.batchSize === LARGEST ? 'the largest that fits' : shape.batchSize}, prompt ${shape.promptLen}, context ${shape.context}; floor ${ms(result.floor.p50Ms)}\n`,
      )
      const rows = result.stacks.flatMap(({ index, phases }) =>
        phases.map(({ phase, batchSize, latency, deviceMs, placement }) => [
          payload.specs[index]!.name ?? printPattern(payload.specs[index]!.blocks),
          phase,
          msInterval(latency),
          `iqr ${latency.iqrMs.toPrecision(2)}, ${latency.repeats} samples${latency.reachedWidth ? '' : ' (interval wider than asked)'}`,
          String(batchSize),
          deviceMs.length === 0 ? '' : ms(quantile(deviceMs, 0.5)),
          String(Math.round((1000 * batchSize * (phase === 'prefill' ? shape.promptLen : 1)) / latency.p50Ms)),
          placement === undefined ? '' : decomposedText(placement.blocks),
        ]),
      )
      output.print(
        table([
          ['stack', 'phase', 'median [95 %]', 'spread', 'batch', "device's clock", 'tokens/s', 'decomposed'],
          ...rows,
        ]),
      )
    } finally {
      progress.end()
      await runner.close()
      if (project !== undefined) closeProject(project)
    }
  },
}

function decomposedText(blocks: readonly { readonly kind: string; readonly decomposed: readonly string[] }[]): string {
  const texts = blocks.filter((b) => b.decomposed.length > 0).map((b) => `${b.kind}: ${b.decomposed.join(', ')}`)
  return [...new Set(texts)].join('; ')
}
