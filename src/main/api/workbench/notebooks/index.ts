// Notebooks of the project, what their cells gave, and the one SELECT that a table cell may make.

import { HeddleError } from '#core/errors.ts'
import { LONGEST_NOTEBOOK } from '#core/notebook/document.ts'
import { addCellResult, findCellResults, latestCellResults } from '#main/store/authored/cell-results.ts'
import { getNotebook, listNotebookHeads, removeNotebook, saveNotebook } from '#main/store/authored/notebooks.ts'
import type { Project } from '#main/store/db.ts'
import { runQuery } from '#main/store/query/run.ts'
import { call } from '../door.ts'
import type { Reader } from '../door.ts'
import { integer, listOf, object, optional, text } from '../readers.ts'
import { notebookTemplates } from './templates.ts'
import { openTrusted } from './trusted.ts'
import type { Trusted } from './trusted.ts'

const LONGEST_RESULT = 4_000_000

const name = text(200)
const hash: Reader<string> = (value, path) => {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return value
  throw new HeddleError('param-invalid', `${path} must be a hash`, { path })
}
/** The text of a notebook, which may be empty. */
const body: Reader<string> = (value, path) => {
  if (typeof value === 'string' && value.length <= LONGEST_NOTEBOOK && !value.includes('\0')) return value
  throw new HeddleError('param-invalid', `${path} must be text of at most ${LONGEST_NOTEBOOK} characters`, { path })
}
const flag: Reader<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value
  throw new HeddleError('param-invalid', `${path} must be true or false`, { path })
}

let list: Trusted | undefined
const trusted = (): Trusted => (list ??= openTrusted())

const headOf = (project: Project, wanted: string) => listNotebookHeads(project).find((one) => one.name === wanted)

/** A notebook that is short enough to be opened. */
function openable(project: Project, wanted: string): ReturnType<typeof getNotebook> {
  const { characters = 0 } = headOf(project, wanted) ?? {}
  if (characters > LONGEST_NOTEBOOK)
    throw new HeddleError('usage', `the notebook ${wanted} has ${characters} characters`, {
      path: 'name',
      hint: `at most ${LONGEST_NOTEBOOK} are opened: divide it`,
    })
  return getNotebook(project, wanted)
}

export const notebooks = {
  list: call({}, (context) => listNotebookHeads(context.project())),
  /** One notebook, and whether this user trusts it: nothing in it runs before. */
  get: call({ name }, (context, args) => {
    const row = openable(context.project(), args.name)
    return { ...row, isTrusted: trusted().has(row.text) }
  }),
  /** Stores a text under a name. `isTrusted` says that it was written here, by somebody who trusts what it was before. */
  save: call({ name, text: body, isTrusted: flag }, (context, args) => {
    const project = context.writable()
    const before = headOf(project, args.name) === undefined ? undefined : openable(project, args.name).text
    if (args.isTrusted) trusted().add(args.text, before)
    saveNotebook(project, args)
    if (before === undefined) context.emit({ type: 'changed', table: 'notebooks' })
    return { characters: args.text.length }
  }),
  /** Trusts a notebook as it is. */
  trust: call({ name }, (context, args) => {
    trusted().add(openable(context.project(), args.name).text)
  }),
  /** Gives a notebook another name; its results stay with the cells that gave them. */
  rename: call({ name, to: name }, (context, args) => {
    const project = context.writable()
    if (headOf(project, args.to) !== undefined)
      throw new HeddleError('usage', `there is a notebook ${args.to} already`, {
        path: 'to',
        hint: 'take another name',
      })
    saveNotebook(project, { name: args.to, text: getNotebook(project, args.name).text })
    removeNotebook(project, args.name)
    context.emit({ type: 'changed', table: 'notebooks' })
  }),
  remove: call({ name }, (context, args) => {
    removeNotebook(context.writable(), args.name)
    context.emit({ type: 'changed', table: 'notebooks' })
  }),
  templates: call({}, () => notebookTemplates().map(({ id, title, doc }) => ({ id, title, doc }))),
  /** Makes a notebook from a template, or an empty one; returns the name that was free. */
  create: call({ name, template: optional(text(60)) }, (context, args) => {
    const project = context.writable()
    const template = notebookTemplates().find((one) => one.id === args.template)
    if (args.template !== undefined && template === undefined)
      throw new HeddleError('usage', `there is no template ${args.template}`, { path: 'template' })
    const content = template?.text ?? `---\nheddle: 1\ntitle: ${JSON.stringify(args.name)}\n---\n\n# ${args.name}\n\n`
    let free = args.name
    for (let n = 2; headOf(project, free) !== undefined; n++) free = `${args.name} ${n}`
    saveNotebook(project, { name: free, text: content })
    trusted().add(content)
    context.emit({ type: 'changed', table: 'notebooks' })
    return { name: free }
  }),
  /** The results under these hashes and, where wanted, the last ones of cells of the notebook that are not among them. */
  results: call({ notebook: name, hashes: listOf(hash, 5000), withLatest: flag }, (context, args) => {
    const found = findCellResults(context.project(), args.hashes)
    const ids = new Set(found.map(({ id }) => id))
    const latest = args.withLatest ? latestCellResults(context.project(), args.notebook) : []
    return { found, latest: latest.filter(({ id }) => !ids.has(id)) }
  }),
  /** Stores what a cell gave. */
  keep: call(
    { notebook: name, cell: text(80), kind: text(60), hash, result: object },
    (context, { notebook, ...result }) => {
      if (JSON.stringify(result.result).length > LONGEST_RESULT)
        throw new HeddleError('param-invalid', `the result of ${result.cell} is too long to keep`, { path: 'result' })
      return addCellResult(context.writable(), { notebook, ...result })
    },
  ),
  /** Rows of the project by one SELECT. */
  query: call({ sql: text(20_000), rows: integer(1, 5000) }, (context, { sql, rows }) =>
    runQuery({ path: context.project().path, sql, rows }),
  ),
}
