import { HeddleError } from '#core/errors.ts'
import { listCorrelations, listFits } from '#main/store/correlations.ts'
import { getStudy, listStudies } from '#main/store/studies.ts'
import { countTrials, listTrials } from '#main/store/trials.ts'
import { loadTokenizer } from '#main/runtime/data/tokenizer.ts'
import { judgeInSlices, storeTrust } from '../trust.ts'
import { STUDY_PARAMS, studyPlanOf, studyPlans } from '../studies/plans.ts'
import { runStudy } from '../studies/run.ts'
import { studyTable, summariseStudy } from '../studies/summary.ts'
import { call } from './door.ts'
import { ownTokenizer } from './library.ts'
import { integer, listOf, object, optional, text } from './readers.ts'
import { resolveParams } from '#core/params.ts'

/** Studies of every kind: searches, sweeps, and the experiments of the paper. */
export const studies = {
  /** All studies with the number of their trials. */
  list: call({}, (context) =>
    listStudies(context.project()).map((study) => ({ ...study, trials: countTrials(context.project(), study.id) })),
  ),
  get: call({ id: integer(1) }, (context, { id }) => getStudy(context.project(), id)),
  /** Trials without their genomes, by number: what a list of thousands shows. */
  rows: call(
    { study: integer(1), offset: optional(integer()), limit: optional(integer(1, 10_000)) },
    (context, { study, offset = 0, limit = 10_000 }) =>
      listTrials(context.project(), study, { offset, limit }).map(({ mutation, ...row }) => ({
        ...row,
        change: typeof mutation?.['mutation'] === 'object' ? kindOf(mutation['mutation']) : null,
      })),
  ),
  /** Trials as stored, by number: `mutation` holds genome, parents and what changed. */
  trials: call({ study: integer(1) }, (context, { study }) => listTrials(context.project(), study)),
  /** Experiments that can be run, with their settings. */
  plans: call({}, () => studyPlans.map(({ kind, title, doc }) => ({ kind, title, doc, params: STUDY_PARAMS }))),
  /** Runs what is missing of an experiment. */
  run: call(
    { kind: text(60), params: object, data: optional(text(4096)), tokenizer: optional(text(4096)) },
    async (context, { kind, params, data = null, tokenizer: named = 'bytes' }) => {
      const project = context.writable()
      const plan = studyPlanOf(kind)
      const tokenizer = ownTokenizer(context.library, named)
      const settings = {
        ...resolveParams(STUDY_PARAMS, params, { dModel: 0 }, 'params'),
        data: { kind: 'corpus', path: data === null ? null : context.library.file(data), tokenizer },
        vocabSize: (await loadTokenizer(tokenizer)).vocabSize,
        target: 'ort-cpu',
        threads: null,
      }
      return context.jobs.start({ kind: 'study', title: plan.title }, ({ signal, onProgress, note, refer }) =>
        context.lane.shared(async () => {
          try {
            const id = await context.withRunner((runner) =>
              runStudy(runner, project, plan, settings, {
                signal,
                onProgress,
                onRun: ({ row, column, seed }, { number, total, isFound }) =>
                  note(`${number + 1} of ${total}: ${row}, ${column}, seed ${seed}${isFound ? ': done before' : ''}`),
              }),
            )
            refer({ study: id })
            return `study ${id} is complete`
          } finally {
            context.emit({ type: 'changed', table: 'studies' })
          }
        }),
      )
    },
  ),
  /** The table of an experiment as the paper prints it: header and rows. */
  summary: call({ study: integer(1) }, (context, { study }) => {
    const summary = summariseStudy(context.project(), study)
    if (summary === undefined) throw new HeddleError('usage', `study ${study} has no table`, { path: 'study' })
    return { ...summary, ...studyTable(summary) }
  }),
  fits: call({}, (context) => listFits(context.project())),
}

/** The kind of a stored mutation: `replace`, `insert` ... */
function kindOf(mutation: unknown): string | null {
  const kind = (mutation as Readonly<Record<string, unknown>> | null)?.['kind']
  return typeof kind === 'string' ? kind : null
}

/** Whether short runs can be trusted as proxies of long ones. */
export const trust = {
  /** Judges runs of the project; nothing is stored. */
  judge: call(
    {
      runs: optional(listOf(integer(1), 100_000)),
      study: optional(integer(1)),
      metric: text(60),
      finalMetric: optional(text(60)),
      steps: optional(integer(1)),
      topK: optional(integer(1, 1000)),
    },
    (context, request) => judgeInSlices(context.project(), request),
  ),
  /** Judges and stores every correlation. */
  store: call(
    {
      runs: optional(listOf(integer(1), 100_000)),
      study: optional(integer(1)),
      metric: text(60),
      finalMetric: optional(text(60)),
      steps: optional(integer(1)),
      topK: optional(integer(1, 1000)),
    },
    async (context, request) => {
      const project = context.writable()
      const report = await judgeInSlices(project, request)
      const ids = storeTrust(project, report, request.study)
      context.emit({ type: 'changed', table: 'correlations' })
      return { ids, report }
    },
  ),
  correlations: call({}, (context) => listCorrelations(context.project())),
}
