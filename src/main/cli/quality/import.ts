import { HeddleError } from '#core/errors.ts'
import { importResults } from '#main/api/eval-results.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Command } from '../command.ts'
import { table } from '../command.ts'
import { runNumber } from './evaluate.ts'

export const importCommand: Command = {
  name: 'import',
  summary: 'Keep results of lm-evaluation-harness in a project',
  usage: 'lm-eval FILE --project FILE',
  help: 'Reads a results file of lm-evaluation-harness, checks every score and keeps the file in the project, beside the run that it judges when --run is given.',
  examples: ['import lm-eval results_2026-01-31T12-00-00.123456.json --project my.heddle --run 3'],
  flags: {
    project: { type: 'text', value: 'FILE', doc: 'Project that keeps the file.' },
    run: { type: 'text', value: 'N', doc: 'Run of the project whose model it judges.' },
  },
  run: ({ positionals, text }, output) => {
    const [kind, path] = positionals
    if (kind !== 'lm-eval' || path === undefined || positionals.length > 2)
      throw new HeddleError('usage', 'import takes lm-eval and one file', {
        hint: 'heddle import lm-eval FILE --project FILE',
      })
    if (text['project'] === undefined) throw new HeddleError('usage', 'import needs --project FILE')
    const run = runNumber(text['run'], text['project'])
    const project = openProject(text['project'], { create: run === undefined })
    try {
      const imported = importResults(project, path, run)
      if (output.isJson) return output.print(JSON.stringify(imported, null, 2))
      const rows = imported.scores.map(({ task, metric, value, standardError }) => [
        task,
        metric,
        value.toFixed(4),
        standardError === null ? '' : `± ${standardError.toFixed(4)}`,
      ])
      output.print(table([['task', 'metric', 'value', 'error'], ...rows], [2]))
    } finally {
      closeProject(project)
    }
  },
}
