import { HeddleError } from '#core/errors.ts'
import { resolveParams } from '#core/params.ts'
import { studyPlanOf, studyPlans, STUDY_PARAMS } from '#main/api/studies/plans.ts'
import type { StudySettings } from '#main/api/studies/plans.ts'
import { runStudy } from '#main/api/studies/run.ts'
import { studyTable, summariseStudy } from '#main/api/studies/summary.ts'
import { judgeProxies, storeTrust } from '#main/api/trust.ts'
import { projectReport } from '#main/report/report.ts'
import { loadTokenizer } from '#main/runtime/data/tokenizer.ts'
import { writeFileAtomic } from '#main/runtime/files.ts'
import { startRunner } from '#main/runtime/link.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { terminalProgress } from '#main/terminal.ts'
import type { Command, CommandInput } from '../command.ts'
import { table } from '../command.ts'
import { trustText } from './trust.ts'

export const study: Command = {
  name: 'study',
  summary: 'Repeat an experiment of the paper: one of its tables from training runs',
  usage: 'NAME --project FILE',
  help: `Trains every configuration of an experiment, keeps all runs in the project, prints the table and writes a report beside the project. Runs that\nended are not repeated: the same command goes on where it was interrupted. Without flags it takes minutes on two cores, at sizes whose numbers do\nnot compare with published ones; --preset paper takes the sizes of the paper.\n\n${table(studyPlans.map((p) => [`  ${p.kind}`, p.doc]))}`,
  examples: [
    'study operator-ablation --project ablation.heddle',
    'study weight-norm --project norm.heddle --steps 400 --seeds 3',
    'study proxy-trust --project trust.heddle --mode prefix',
    'study operator-ablation --project full.heddle --preset paper --data corpus --tokenizer tokenizer.json --target ort-cuda',
  ],
  flags: {
    project: { type: 'text', value: 'FILE', doc: 'Project file that keeps the study; made when missing.' },
    data: { type: 'text', value: 'PATH', doc: 'Corpus file or folder [the demo corpus].' },
    field: { type: 'text', value: 'NAME', doc: 'Field of JSONL or column of Parquet that holds the text.' },
    tokenizer: { type: 'text', value: 'NAME', doc: 'bytes, sotu-4096 or the path of a tokenizer.json [bytes].' },
    target: { type: 'text', value: 'TARGET', doc: 'Execution target [ort-cpu].' },
    threads: { type: 'text', value: 'N', doc: 'Threads [one for each core].' },
    report: { type: 'text', value: 'FILE', doc: 'Where the report goes [PROJECT.html].' },
  },
  params: STUDY_PARAMS,
  run: async (input, output) => {
    const [name] = input.positionals
    const { text } = input
    if (name === undefined || input.positionals.length > 1 || text['project'] === undefined)
      throw new HeddleError('usage', 'study takes a name and --project FILE', {
        hint: `studies: ${studyPlans.map((p) => p.kind).join(', ')}`,
      })
    const plan = studyPlanOf(name)
    const settings = await settingsOf(input)
    const project = openProject(text['project'], { create: true })
    const runner = startRunner()
    const progress = terminalProgress(process.stderr, { isQuiet: output.isQuiet || output.isJson })
    try {
      const id = await runStudy(runner, project, plan, settings, {
        signal: output.signal,
        onProgress: (event) => progress.update(event),
        onRun: ({ row, column, seed }, { number, total, isFound }) =>
          progress.note(`${number + 1} of ${total}: ${row}, ${column}, seed ${seed}${isFound ? ': done before' : ''}`),
      })
      progress.end()
      const summary = summariseStudy(project, id)!
      const metric = summary.cells.some((cell) => cell.means['bitsPerByte'] !== undefined) ? 'bitsPerByte' : 'valLoss'
      const isTrust = plan.kind === 'proxy-trust'
      const report = isTrust ? judgeProxies(project, { runs: summary.runs, metric }) : undefined
      if (report !== undefined) storeTrust(project, report, id)
      const { header, rows } = studyTable(summary)
      const path = text['report'] ?? `${project.path}.html`
      const html = projectReport(project, {
        title: plan.title,
        intro: `${plan.doc} Command: heddle study ${plan.kind}, preset ${settings.preset}.`,
      })
      await writeFileAtomic(path, [new TextEncoder().encode(html)])
      if (output.isJson)
        return output.print(
          JSON.stringify(
            { study: id, cells: summary.cells, ...(report !== undefined && { trust: report }), report: path },
            null,
            2,
          ),
        )
      output.print(
        `${plan.title}: perplexity / bits per byte on held-out documents\n\n${table([header, ...rows], header.map((_, i) => i).slice(1))}\n${report === undefined ? '' : `\n${trustText(report)}\n`}\nreport ${path}`,
      )
    } finally {
      progress.end()
      await runner.close()
      closeProject(project)
    }
  },
}

async function settingsOf({ text, params }: CommandInput): Promise<StudySettings> {
  const { data, field, tokenizer = 'bytes', target = 'ort-cpu', threads } = text
  const { vocabSize } = await loadTokenizer(tokenizer)
  return {
    ...resolveParams(STUDY_PARAMS, params, { dModel: 0 }, 'study'),
    data: { kind: 'corpus', path: data ?? null, tokenizer, ...(field !== undefined && { field }) },
    vocabSize,
    target,
    threads: threads === undefined ? null : Number(threads),
  }
}
