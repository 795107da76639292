import { HeddleError } from '#core/errors.ts'
import { choice } from '#core/params.ts'
import { checkProject } from '#main/store/check.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { EXPORT_FORMATS, EXPORTS, exportTableFile } from '#main/store/export.ts'
import { packProject } from '#main/store/pack.ts'
import { recoverProject } from '#main/store/file/recover.ts'
import type { Command, CommandInput, CommandOutput } from './command.ts'

const ACTIONS: Readonly<Record<string, (input: CommandInput, output: CommandOutput) => Promise<number | void>>> = {
  check: async ({ positionals }, output) => {
    const report = await checkProject(positionals[1]!)
    output.print(JSON.stringify(report, null, 2))
    return report.faults.length === 0 ? 0 : 1
  },
  pack: async ({ positionals, text }, output) =>
    output.print(JSON.stringify(await packProject(positionals[1]!, required(text, 'out')), null, 2)),
  recover: async ({ positionals, text }, output) =>
    output.print(JSON.stringify(await recoverProject(positionals[1]!, required(text, 'out')), null, 2)),
  export: async ({ positionals, text, params }, output) => {
    const project = openProject(positionals[1]!, { readonly: true })
    try {
      const format = (params['format'] as (typeof EXPORT_FORMATS)[number] | undefined) ?? 'csv'
      const rows = await exportTableFile(project, required(text, 'table'), format, required(text, 'out'))
      output.print(output.isJson ? JSON.stringify({ rows }) : `${rows} rows`)
    } finally {
      closeProject(project)
    }
  },
}

function required(text: Readonly<Record<string, string>>, flag: string): string {
  const value = text[flag]
  if (value === undefined) throw new HeddleError('usage', `project needs --${flag}`, { path: `--${flag}` })
  return value
}

export const project: Command = {
  name: 'project',
  summary: 'Check, pack, export or recover a project file',
  usage: 'check|pack|export|recover FILE',
  help: `check verifies integrity, references, blobs and rows (exit code 1 when something is wrong).\npack writes the project with its blobs into one zip (--out). export writes one table (--table, --format, --out); metric_points holds every point of every curve.\nrecover reads what it can of a damaged file into a new one (--out).\nTables: ${EXPORTS.map((t) => t.name).join(', ')}.`,
  examples: [
    'project check my.heddle',
    'project pack my.heddle --out my.zip',
    'project export my.heddle --table metric_points --format parquet --out points.parquet',
  ],
  flags: {
    out: { type: 'text', value: 'FILE', doc: 'Where to write.' },
    table: { type: 'text', value: 'NAME', doc: 'Table to export.' },
  },
  params: { format: choice({ doc: 'Format of an export.', choices: EXPORT_FORMATS, default: 'csv' }) },
  run: (input, output) => {
    const [action, file, ...more] = input.positionals
    const known = action === undefined ? undefined : ACTIONS[action]
    if (known === undefined || file === undefined || more.length > 0)
      throw new HeddleError('usage', 'project takes an action and one file', {
        hint: `actions: ${Object.keys(ACTIONS).join(', ')}`,
      })
    return known(input, output)
  },
}
