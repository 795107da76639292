// The reference pages of resources/docs, printed from the registries: nothing here says what a registry says.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { blocks } from '#core/blocks/index.ts'
import type { Entry } from '#core/entry.ts'
import { ERROR_CODES } from '#core/errors.ts'
import { metrics } from '#core/metrics.ts'
import { MODEL_PARAMS } from '#core/model/spec.ts'
import { ops } from '#core/ops/index.ts'
import type { OpDef } from '#core/ops/op.ts'
import { optimisers } from '#core/optim/index.ts'
import { SCHEDULE_PARAMS } from '#core/optim/schedule.ts'
import { resolveParams } from '#core/params.ts'
import type { Param, ParamSchema, ParamValue } from '#core/params.ts'
import { DEFAULT_SPACE, encodings, searchers, SPACE_FIELDS } from '#core/search/index.ts'
import { tasks } from '#core/tasks/index.ts'
import { root } from './commands.ts'

/** Where the pages stand. */
export const docsFolder = join(root, 'resources', 'docs')

/** Every page by file name. */
export function docPages(): Map<string, string> {
  return new Map([
    ['blocks.md', blocksPage()],
    ['ops.md', opsPage()],
    ['tasks.md', tasksPage()],
    ['optimisers.md', optimisersPage()],
    ['search.md', searchPage()],
    ['metrics.md', metricsPage()],
    ['errors.md', errorsPage()],
  ])
}

/** What differs between the pages and a folder, one line a file. */
export function staleDocs(pages: ReadonlyMap<string, string>, folder: string): string[] {
  const present = existsSync(folder) ? readdirSync(folder) : []
  const written = [...pages].flatMap(([file, text]) => {
    if (!present.includes(file)) return [`${file} is missing`]
    // git may have put the line ends of the system
    const content = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n')
    return content === text ? [] : [`${file} is stale`]
  })
  return [...written, ...present.filter((file) => !pages.has(file)).map((file) => `${file} is no page`)]
}

function blocksPage(): string {
  const sections = blocks.map((block) => {
    const kind = `\`${block.kind}\`, symbol \`${block.symbol}\`, ${block.category}, version ${block.version}`
    return section(block, kind)
  })
  const model = `## The model\n\nSettings of the whole network.\n\n${paramTable(MODEL_PARAMS)}`
  return page('Blocks', 'src/core/blocks and src/core/model/spec.ts', [model, ...sections])
}

function tasksPage(): string {
  const sections = tasks.map((task) => {
    const params = resolveParams(task.params, undefined, { dModel: 0 }, task.kind)
    const facts = [
      ['Score', task.scoreName],
      ['Vocabulary', task.vocabSize(params)],
      ['Shortest sequence', task.minSeqLen(params)],
      ['Usual sequence', task.defaultSeqLen],
      ['Chance', Number(task.chance(params).toPrecision(3))],
    ] as const
    const list = facts.map(([name, value]) => `- ${name}: ${value}`).join('\n')
    return section(task, `\`${task.kind}\``, `With the default parameters:\n\n${list}`)
  })
  return page('Tasks', 'src/core/tasks', sections)
}

function optimisersPage(): string {
  const schedule = `## The schedule\n\nLinear warm-up, then a cosine.\n\n${paramTable(SCHEDULE_PARAMS)}`
  const sections = optimisers.map((optimiser) =>
    section(optimiser, `\`${optimiser.kind}\`, running tensors: ${optimiser.moments.join(', ') || 'none'}`),
  )
  return page('Optimisers', 'src/core/optim', [...sections, schedule])
}

function searchPage(): string {
  const entries = searchers.map((searcher) => section(searcher, `\`${searcher.kind}\``))
  const defaults: Readonly<Record<string, unknown>> = { ...DEFAULT_SPACE }
  const fields = Object.entries(SPACE_FIELDS).map(([field, doc]) => [
    `\`${field}\``,
    JSON.stringify(defaults[field]) ?? 'none',
    doc,
  ])
  const forms = encodings.map(({ kind, title, doc }) => [`\`${kind}\``, title, doc])
  return page('Search', 'src/core/search', [
    ...entries,
    `## The space\n\nA search space is a JSON object of these fields.\n\n${table(['field', 'default', 'meaning'], fields)}`,
    `## Encodings\n\n${table(['encoding', 'title', 'meaning'], forms)}`,
  ])
}

function opsPage(): string {
  const gradient = (op: OpDef): string =>
    op.vjp !== undefined
      ? 'own rule'
      : op.hasVjpNode === true
        ? 'a `vjp` node'
        : op.decompose !== undefined
          ? 'of its decomposition'
          : 'none'
  const onnx = (op: OpDef): string =>
    op.emit !== undefined ? 'own form' : op.decompose !== undefined ? 'of its decomposition' : 'none'
  const rows = (isFused: boolean): string[][] =>
    [...ops.values()]
      .filter((op) => (op.decompose !== undefined) === isFused)
      .map((op) => [`\`${op.kind}\``, gradient(op), onnx(op), op.doc])
  const header = ['op', 'gradient', 'ONNX', 'meaning']
  return page('Ops', 'src/core/ops', [
    `## Primitive\n\n${table(header, rows(false))}`,
    `## Fused\n\nTheir meaning is their decomposition into primitive ops; a target may run them natively.\n\n${table(header, rows(true))}`,
  ])
}

function metricsPage(): string {
  const rows = metrics.map((m) => [`\`${m.kind}\``, m.title, m.unit, m.better ?? '', m.doc])
  return page('Metrics', 'src/core/metrics.ts', [table(['metric', 'title', 'unit', 'better', 'meaning'], rows)])
}

function errorsPage(): string {
  const sections = Object.entries(ERROR_CODES).map(([code, text]) => `## \`${code}\`\n\n${text}`)
  return page('Errors', 'src/core/errors.ts', sections)
}

const page = (title: string, source: string, sections: readonly string[]): string =>
  [`<!-- Printed by "npm run docs" from ${source}; changes belong there. -->`, `# ${title}`, ...sections].join('\n\n') +
  '\n'

function section(entry: Entry, kind: string, ...facts: readonly string[]): string {
  const params = Object.keys(entry.params).length === 0 ? 'No parameters.' : paramTable(entry.params)
  return [`## ${entry.title}`, kind, entry.doc, ...facts, params].join('\n\n')
}

function paramTable(schema: ParamSchema): string {
  const rows = Object.entries(schema).map(([name, param]) => [
    `\`${name}\``,
    valuesText(param),
    // the parameter's sentence says how
    typeof param.default === 'function' ? 'derived' : valueText(param.default),
    param.unit ?? '',
    param.search?.map((value) => valueText(value)).join(', ') ?? '',
    param.doc,
  ])
  return table(['parameter', 'values', 'default', 'unit', 'searched', 'meaning'], rows)
}

function valuesText(param: Param): string {
  if (param.type === 'flag') return 'true or false'
  if (param.type === 'choice') return param.choices.join(', ')
  const what = param.type === 'integer' ? 'integer' : 'number'
  return `${what} from ${valueText(param.min)} to ${valueText(param.max)}${param.nullable === true ? ', or none' : ''}`
}

function valueText(value: ParamValue): string {
  if (value === null) return 'none'
  const isTiny = typeof value === 'number' && value !== 0 && Math.abs(value) < 1e-3
  return isTiny ? value.toExponential() : String(value)
}

/** A Markdown table; bars and line ends inside cells are kept from ending them. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}
