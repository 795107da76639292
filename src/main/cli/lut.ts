import { HeddleError } from '#core/errors.ts'
import { blocks } from '#core/blocks/index.ts'
import { isGroup } from '#core/model/spec.ts'
import type { BlockItem, StackItem } from '#core/model/spec.ts'
import { integer, resolveParams } from '#core/params.ts'
import { runLut } from '#main/api/lut.ts'
import type { LutResult } from '#main/api/lut.ts'
import { startRunner } from '#main/runtime/link.ts'
import { checkCopies, LUT_PARAMS } from '#main/runtime/profile/lut-job.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { terminalProgress } from '#main/terminal.ts'
import type { Command } from './command.ts'
import { table } from './command.ts'
import { readSpec } from './spec-argument.ts'

const OWN = {
  dModel: integer({ doc: 'Width; replaces that of the spec.', min: 1, max: 65536, default: 256 }),
  additivity: integer({
    doc: 'Random whole stacks of 2 to 12 of the blocks to test the table with.',
    min: 0,
    max: 200,
    default: 0,
  }),
}

export const lut: Command = {
  name: 'lut',
  summary: 'Table of block latencies, and whether they add',
  usage: 'SPEC...',
  help: 'Measures what each different block of the specs costs at a width, from stacks of copies, and floor, embedding and head apart. A project keeps the entries; those that it has for this device, runtime and protocol are not measured again.\n--additivity predicts random whole stacks from the table and compares with measurements of the same rounds.',
  examples: [
    "lut 'a m2 d f' --d-model 256 --context 512 --project my.heddle",
    'lut all --d-model 256 --additivity 20 --json',
  ],
  flags: {
    target: { type: 'text', value: 'TARGET', doc: 'Execution target [ort-cpu].' },
    project: { type: 'text', value: 'FILE', doc: 'Project file that keeps the table; made when missing.' },
    copies: { type: 'text', value: 'N,N,...', doc: 'Numbers of copies in the stacks [1,3,6,12].' },
    force: { type: 'switch', doc: 'Measure again what the project has.' },
  },
  params: { ...OWN, ...LUT_PARAMS },
  run: async ({ positionals, text, params, switches }, output) => {
    if (positionals.length === 0)
      throw new HeddleError('usage', 'lut takes at least one spec, or all', { hint: 'quote a pattern that has spaces' })
    const specs = positionals.filter((p) => p !== 'all').map(readSpec)
    const operators = [
      ...(positionals.includes('all') ? blocks.map((b): BlockItem => ({ kind: b.kind })) : []),
      ...specs.flatMap((s) => blockItems(s.blocks)),
    ]
    const values = resolveParams({ ...OWN, ...LUT_PARAMS }, params, { dModel: 0 }, 'flags')
    const { dModel, additivity, ...options } = values
    const base = specs[0]?.model ?? {}
    const model = { ...base, dModel: params['dModel'] === undefined ? (base.dModel ?? dModel) : dModel }
    const project = text['project'] === undefined ? undefined : openProject(text['project'], { create: true })
    const runner = startRunner()
    const progress = terminalProgress(process.stderr, { isQuiet: output.isQuiet || output.isJson })
    try {
      const copies = checkCopies((text['copies'] ?? '1,3,6,12').split(',').map(Number))
      const result = await runLut(
        runner,
        {
          target: text['target'] ?? 'ort-cpu',
          model,
          operators,
          copies,
          options,
          stacks: additivity,
          isForced: switches.has('force'),
        },
        { project, signal: output.signal, onProgress: (e) => progress.update(e) },
      )
      progress.end()
      output.print(output.isJson ? JSON.stringify(result, null, 2) : resultText(result))
    } finally {
      progress.end()
      await runner.close()
      if (project !== undefined) closeProject(project)
    }
  },
}

const blockItems = (items: readonly StackItem[]): BlockItem[] =>
  items.flatMap((item) => (isGroup(item) ? blockItems(item.blocks) : item.disabled === true ? [] : [item]))

function resultText({ table: entries, additivity: a, remeasure, measured, reused, loadAverage }: LutResult): string {
  const rows = entries.map((e) => [
    e.part,
    e.name === e.part ? '' : e.name,
    String(e.dModel),
    e.ms.toPrecision(3),
    `[${e.low.toPrecision(3)}, ${e.high.toPrecision(3)}]`,
    (e.perCopy ?? []).map((p) => `${p.copies}: ${p.ms.toPrecision(3)}`).join('  '),
  ])
  const parts = [
    `${measured} entries measured, ${reused} taken from the project${loadAverage === null ? '' : `; load ${loadAverage[0]!.toFixed(1)}`}\n`,
    table([['part', 'block', 'width', 'ms', '95 %', 'ms a copy in stacks of'], ...rows], [2, 3]),
  ]
  if (a !== null) {
    const percent = (x: number): string => `${(100 * x).toFixed(1)} %`
    parts.push(
      `\nadditivity over ${a.count} stacks: median error ${percent(a.medianError)}, p95 ${percent(a.p95Error)}, bias ${percent(a.bias)}, Kendall tau ${a.kendall.toFixed(3)}`,
      table(
        [
          ['residual of', 'places', 'ms'],
          ...[...a.byBlock, ...a.byPair.slice(0, 5)].map((p) => [p.name, String(p.count), p.residual.toPrecision(2)]),
        ],
        [1, 2],
      ),
      `worth measuring again: ${remeasure
        .slice(0, 3)
        .map((c) => c.name)
        .join(', ')}`,
    )
  }
  return parts.join('\n')
}
