import { blocks } from '#core/blocks/index.ts'
import { ERROR_CODES, HeddleError } from '#core/errors.ts'
import { metrics } from '#core/metrics.ts'
import type { Entry } from '#core/entry.ts'
import { ops } from '#core/ops/index.ts'
import { defaultOf } from '#core/params.ts'
import { optimisers } from '#core/optim/index.ts'
import { DEFAULT_SPACE, encodings, searchers, SPACE_FIELDS } from '#core/search/index.ts'
import { tasks } from '#core/tasks/index.ts'
import type { Command, CommandOutput } from './command.ts'
import { table } from './command.ts'

const families: ReadonlyMap<string, readonly Entry[]> = new Map<string, readonly Entry[]>([
  ['blocks', blocks],
  ['tasks', tasks],
  ['optimisers', optimisers],
  ['searchers', searchers],
  ['encodings', encodings.map(({ kind, title, doc }) => ({ kind, title, doc, params: {} }))],
])

/** Lists whose rows are not entries. */
const lists = new Map<string, () => readonly Readonly<Record<string, string>>[]>([
  [
    'ops',
    () =>
      [...ops.values()].map(({ kind, decompose, doc }) => ({
        kind,
        form: decompose === undefined ? 'primitive' : 'fused',
        doc,
      })),
  ],
  ['metrics', () => metrics.map(({ kind, unit, doc }) => ({ kind, unit, doc }))],
  ['errors', () => Object.entries(ERROR_CODES).map(([code, doc]) => ({ code, doc }))],
  [
    'space',
    () => {
      const defaults: Readonly<Record<string, unknown>> = { ...DEFAULT_SPACE }
      return Object.entries(SPACE_FIELDS).map(([field, doc]) => ({
        field,
        default: JSON.stringify(defaults[field]) ?? 'none',
        doc,
      }))
    },
  ],
])

/** Pages of several families and lists. */
const pages: ReadonlyMap<string, readonly string[]> = new Map([['search', ['searchers', 'encodings', 'space']]])

export const docs: Command = {
  name: 'docs',
  summary: 'Reference: blocks, tasks, optimisers, search, ops, metrics, errors',
  usage: '[NAME]',
  help: `Without NAME, lists every entry. NAME is the kind or symbol of an entry, or one of ${[...families.keys(), ...lists.keys(), ...pages.keys()].join(', ')}.`,
  examples: ['docs', 'docs mamba2', 'docs search', 'docs errors'],
  run: ({ positionals }, output) => {
    if (positionals.length > 1) throw new HeddleError('usage', 'docs takes one name')
    const [name] = positionals
    if (name === undefined)
      return show(
        output,
        Object.fromEntries([...families].map(([family, entries]) => [family, entries.map(plain)])),
        () => [...families].map(([family, entries]) => familyText(family, entries)).join('\n\n'),
      )
    const parts = pages.get(name)
    if (parts !== undefined)
      return show(output, Object.fromEntries(parts.map((part) => [part, partOf(part).json()])), () =>
        parts.map((part) => partOf(part).text()).join('\n\n'),
      )
    const family = families.get(name)
    if (family !== undefined) return show(output, family.map(plain), () => familyText(name, family))
    const rows = lists.get(name)?.()
    if (rows !== undefined) return show(output, rows, () => table(rows.map((row) => Object.values(row))))
    const entry = [...families.values()].flat().find((e) => e.kind === name || symbolOf(e) === name)
    if (entry === undefined)
      throw new HeddleError('usage', `no entry named ${JSON.stringify(name)}`, { hint: 'heddle docs lists all' })
    show(output, plain(entry), () => entryText(entry))
  },
}

/** A family with all that its entries say, or a list under its name. */
function partOf(name: string): { json(): unknown; text(): string } {
  const family = families.get(name)
  if (family !== undefined)
    return { json: () => family.map(plain), text: () => `${name}\n\n${family.map(entryText).join('\n\n')}` }
  const rows = lists.get(name)!()
  return { json: () => rows, text: () => `${name}\n\n${table(rows.map((row) => Object.values(row)))}` }
}

function show(output: CommandOutput, json: unknown, text: () => string): void {
  output.print(output.isJson ? JSON.stringify(json, null, 2) : text())
}

const symbolOf = (entry: Entry): string | undefined => (entry as { symbol?: string }).symbol

/** What an entry says about itself, as data; rules that derive a default have no value. */
function plain(entry: Entry): object {
  const { kind, title, doc, params } = entry
  return { kind, symbol: symbolOf(entry), title, doc, params }
}

const familyText = (family: string, entries: readonly Entry[]): string =>
  `${family}\n${table(entries.map((e) => [`  ${symbolOf(e) ?? ''}`, e.kind, e.title]))}`

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
