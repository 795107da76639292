import { HeddleError } from '#core/errors.ts'
import { integer } from '#core/params.ts'
import { summarise } from '#main/api/specs.ts'
import { listPresets } from '#main/runtime/presets.ts'
import type { Command } from './command.ts'
import { table } from './command.ts'
import { bytes, large } from './format.ts'
import { readSpec } from './spec-argument.ts'

const DEFAULT_CONTEXT = 4096

export const show: Command = {
  name: 'show',
  summary: 'Derived counts of a stack: parameters, FLOPs, state',
  usage: 'SPEC',
  help: 'SPEC is a preset, a JSON file or a pattern. Every number is derived by tracing the graph; nothing is run.\nState bytes are at two bytes an element and the given context.',
  examples: ['show nemotron-flash-1b --json', "show '{dModel: 512} (d f m2 f)x3 a f'", 'show --presets'],
  flags: { presets: { type: 'switch', doc: 'List the presets.' } },
  params: {
    context: integer({
      doc: 'Text tokens of prefill and caches.',
      unit: 'tokens',
      min: 2,
      max: 1 << 20,
      default: DEFAULT_CONTEXT,
    }),
  },
  run: ({ positionals, switches, params }, output) => {
    if (switches.has('presets')) {
      const presets = listPresets()
      if (output.isJson) return output.print(JSON.stringify(presets, null, 2))
      return output.print(table([['preset', 'title'], ...presets.map((p) => [p.id, p.title])]))
    }
    if (positionals.length !== 1)
      throw new HeddleError('usage', 'show takes one spec', { hint: 'quote a pattern that has spaces' })
    const summary = summarise(readSpec(positionals[0]!), (params['context'] as number | undefined) ?? DEFAULT_CONTEXT)
    if (output.isJson) return output.print(JSON.stringify(summary, null, 2))
    const { counts } = summary
    output.print(`${summary.name ?? 'unnamed stack'}\n${summary.text}\n`)
    output.print(
      table([
        [
          'parameters',
          large(counts.params),
          `embedding ${large(counts.embeddingParams)}, decoder ${large(counts.decoderParams)}`,
        ],
        [
          'FLOPs a token',
          large(counts.prefillFlopsPerToken),
          `prefill of ${counts.context}; decode ${large(counts.decodeFlopsPerToken)}, training ${large(counts.trainFlopsPerToken)}`,
        ],
        ['state', bytes(counts.stateBytes), `a sequence at ${counts.context} tokens`],
      ]),
    )
    output.print('')
    output.print(
      table(
        [
          ['block', 'kind', 'parameters', 'share', 'decode FLOPs', 'state'],
          ...counts.blocks.map((b, i) => [
            String(i),
            b.kind,
            large(b.params),
            `${((100 * b.params) / counts.params).toFixed(1)} %`,
            large(b.decodeFlopsPerToken),
            bytes(b.stateBytes),
          ]),
        ],
        [0, 2, 3, 4, 5],
      ),
    )
  },
}
