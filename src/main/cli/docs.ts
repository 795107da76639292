import { blocks } from '#core/blocks/index.ts'
import { ERROR_CODES, HeddleError } from '#core/errors.ts'
import { metrics } from '#core/metrics.ts'
import type { Entry } from '#core/entry.ts'
import { ops } from '#core/ops/index.ts'
import { defaultOf } from '#core/params.ts'
import { optimisers } from '#core/optim/index.ts'
import { tasks } from '#core/tasks/index.ts'
import type { Command } from './command.ts'
import { table } from './command.ts'

const families: Readonly<Record<string, readonly Entry[]>> = { blocks, tasks, optimisers }

export const docs: Command = {
  name: 'docs',
  summary: 'Reference: blocks, tasks, optimisers, ops, metrics, errors',
  usage: '[NAME]',
  help: 'Without NAME, lists everything. NAME is a family (blocks, tasks, optimisers, ops, metrics, errors) or the kind or symbol of an entry.',
  examples: ['docs', 'docs mamba2', 'docs errors'],
  run: ({ positionals }, output) => {
    const name = positionals[0]
    if (name === undefined)
      return output.print(
        Object.entries(families)
          .map(([family, entries]) => familyText(family, entries))
          .join('\n\n'),
      )
    const family = families[name]
    if (family !== undefined) return output.print(familyText(name, family))
    if (name === 'ops')
      return output.print(
        table([...ops.values()].map((op) => [op.kind, op.decompose === undefined ? 'primitive' : 'fused', op.doc])),
      )
    if (name === 'metrics') return output.print(table(metrics.map((m) => [m.kind, m.unit, m.doc])))
    if (name === 'errors') return output.print(table(Object.entries(ERROR_CODES).map(([code, doc]) => [code, doc])))
    const entry = Object.values(families)
      .flat()
      .find((e) => e.kind === name || (e as { symbol?: string }).symbol === name)
    if (entry === undefined)
      throw new HeddleError('usage', `no entry named ${JSON.stringify(name)}`, { hint: 'heddle docs lists all' })
    output.print(entryText(entry))
  },
}

const familyText = (family: string, entries: readonly Entry[]): string =>
  `${family}\n${table(entries.map((e) => [`  ${(e as { symbol?: string }).symbol ?? ''}`, e.kind, e.title]))}`

function entryText(entry: Entry): string {
  const rows = Object.entries(entry.params).map(([name, p]) => {
    const range =
      p.type === 'choice' ? p.choices.join(' | ') : p.type === 'flag' ? 'true | false' : `${p.min} to ${p.max}`
    return [
      `  ${name}`,
      range,
      typeof p.default === 'function' ? 'derived' : String(defaultOf(p, { dModel: 0 }) ?? 'none'),
      p.doc,
    ]
  })
  return `${entry.title} (${entry.kind})\n\n${entry.doc}\n${rows.length === 0 ? '' : `\n${table([['  parameter', 'values', 'default', ''], ...rows])}`}`
}
