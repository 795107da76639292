import { HeddleError } from '#core/errors.ts'
import { isGroup, resolveSpec } from '#core/model/spec.ts'
import type { BlockItem, StackItem } from '#core/model/spec.ts'
import { PROFILE_PARAMS } from '#main/runtime/profile/job.ts'
import { checkCopies, LUT_PARAMS } from '#main/runtime/profile/lut-job.ts'
import { listLut } from '#main/store/lut.ts'
import { listMeasurements } from '#main/store/measurements.ts'
import type { Project } from '#main/store/db.ts'
import { entryOfRow, runLut } from '../lut.ts'
import { predictedStacks } from '../predicted-stacks.ts'
import { runProfile } from '../profile.ts'
import { runSweep, sweepConfig, SWEEP_PARAMS } from '../sweep.ts'
import { call } from './door.ts'
import { ownTokenizer } from './library.ts'
import type { Context } from './context.ts'
import { integer, listOf, object, optional, params, spec, text, word } from './readers.ts'

const COPIES = [1, 3, 6, 12]
const target = optional(text(60))

export const profile = {
  /** What the forms ask: the schemas that the jobs themselves read, and the usual numbers of copies of a table. */
  forms: call({}, () => ({ measure: PROFILE_PARAMS, table: LUT_PARAMS, sweep: SWEEP_PARAMS, copies: COPIES })),
  /** Measures whole stacks, interleaved, while nothing else runs. */
  start: call({ specs: listOf(spec, 256), target, options: params(PROFILE_PARAMS) }, (context, args) => {
    const project = context.writable()
    const title =
      args.specs.length === 1 ? `Measure ${args.specs[0]!.name ?? 'a stack'}` : `Measure ${args.specs.length} stacks`
    return context.jobs.start({ kind: 'profile', title }, ({ signal, onProgress }) =>
      context.lane.exclusive(async () => {
        const payload = { specs: args.specs, target: args.target ?? 'ort-cpu', options: args.options }
        const result = await context.withRunner((runner) =>
          runProfile(runner, payload, { project, onProgress, signal }),
        )
        context.emit({ type: 'changed', table: 'measurements' })
        return `${result.stacks.length} measured`
      }),
    )
  }),
  /** Measures stacks over several contexts: where softmax attention and linear mixers cross. */
  contexts: call(
    { specs: listOf(spec, 32), contexts: listOf(integer(1, 1 << 20), 24), target, options: params(PROFILE_PARAMS) },
    (context, args) => {
      const project = context.writable()
      const title = `${args.specs.length} stacks over ${args.contexts.length} contexts`
      return context.jobs.start({ kind: 'profile', title }, ({ signal, onProgress, note }) =>
        context.lane.exclusive(() =>
          context.withRunner(async (runner) => {
            for (const [done, length] of args.contexts.entries()) {
              onProgress({ phase: 'contexts', done, total: args.contexts.length, unit: 'contexts' })
              const options = { ...args.options, context: length, promptLen: length }
              const payload = { specs: args.specs, target: args.target ?? 'ort-cpu', options }
              await runProfile(runner, payload, { project, signal })
              note(`context ${length} measured`)
              context.emit({ type: 'changed', table: 'measurements' })
            }
            return `${args.contexts.length} contexts measured`
          }),
        ),
      )
    },
  ),
  /** Latencies of whole stacks, without their samples. */
  measurements: call({ spec: optional(text(128)) }, (context, args) =>
    listMeasurements(context.project(), args.spec === undefined ? {} : { spec: args.spec }).map(
      ({ samples, ...row }) => ({ ...row, count: samples.length }),
    ),
  ),
  /** Every sample behind one latency, in milliseconds. */
  samples: call({ id: integer(1) }, (context, { id }) => {
    const row = listMeasurements(context.project(), { id })[0]
    if (row === undefined) throw new HeddleError('usage', `no measurement ${id}`, { path: 'id' })
    return row.samples
  }),
  /** The look-up table: the latest entry of each key, with where it holds. */
  table: call({}, (context) =>
    listLut(context.project(), {}, { latest: true }).map((row) => ({
      ...entryOfRow(row),
      id: row.id,
      environment: row.environment,
      target: row.target,
      dtype: row.dtype,
      runtimeVersion: row.runtimeVersion,
      protocolVersion: row.protocolVersion,
      createdAt: row.createdAt,
    })),
  ),
  /** Samples behind one entry of the table. */
  tableSamples: call({ id: integer(1) }, (context, { id }) => {
    const row = listLut(context.project()).find((entry) => entry.id === id)
    if (row === undefined) throw new HeddleError('usage', `no table entry ${id}`, { path: 'id' })
    return { samples: row.samples, details: row.details }
  }),
  /**
   * Fills the table with the blocks of some stacks, at their width; `stacks` random whole stacks test it. `which` says
   * whether what the table has already is timed again.
   */
  fillTable: call(
    {
      specs: listOf(spec, 64),
      target,
      options: params(LUT_PARAMS),
      stacks: optional(integer(0, 100)),
      copies: optional(listOf(integer(1, 64), 8)),
      which: optional(word(['lacking', 'all'])),
    },
    (context, args) => {
      const project = context.writable()
      const copies = checkCopies(args.copies ?? COPIES)
      const first = args.specs[0]
      if (first === undefined) throw new HeddleError('usage', 'a table needs at least one stack', { path: 'specs' })
      return context.jobs.start({ kind: 'table', title: 'Look-up table' }, ({ signal, onProgress, note }) =>
        context.lane.exclusive(async () => {
          const groups = [...Map.groupBy(args.specs, (one) => JSON.stringify(one.model)).values()]
          let measured = 0
          for (const group of groups) {
            const request = {
              target: args.target ?? 'ort-cpu',
              model: group[0]!.model,
              operators: group.flatMap((one) => blocksOf(one.blocks)),
              copies,
              options: args.options,
              stacks: args.stacks ?? 0,
              isForced: args.which === 'all',
            }
            const result = await context.withRunner((runner) =>
              runLut(runner, request, { project, signal, onProgress }),
            )
            measured += result.measured
            note(`width ${resolveSpec(group[0]!).settings.dModel}: ${result.measured} measured, ${result.reused} known`)
            context.emit({ type: 'changed', table: 'lut' })
          }
          context.emit({ type: 'changed', table: 'measurements' })
          return `${measured} entries measured`
        }),
      )
    },
  ),
  /** Whole stacks that were measured where the table can predict them, by conditions. */
  additivity: call({}, (context) => predictedStacks(context.project())),
  /** Depths against widths at matched parameter counts. */
  sweep: call(
    {
      name: text(),
      spec,
      params: object,
      depths: listOf(integer(1, 1024), 64),
      budgets: listOf(integer(1, 1e12), 64),
      data: optional(text(4096)),
      tokenizer: optional(text(4096)),
      target,
    },
    (context, { name, spec: pattern, data = null, tokenizer = 'bytes', ...rest }) => {
      const project = context.writable()
      const config = sweepConfig(pattern, {
        ...rest,
        data: data === null ? null : context.library.file(data),
        tokenizer: ownTokenizer(context.library, tokenizer),
      })
      return startSweep(context, project, name, config)
    },
  ),
}

function startSweep(context: Context, project: Project, name: string, config: Parameters<typeof runSweep>[1]) {
  return context.jobs.start({ kind: 'sweep', title: name }, ({ signal, onProgress, note }) =>
    // latencies come first and must be alone; the trainings after them keep the lane
    context.lane.exclusive(async () => {
      try {
        const result = await context.withRunner((runner) =>
          runSweep(runner, config, { project, name, signal, onProgress, onNote: note }),
        )
        return `${result.points.length} shapes`
      } finally {
        for (const table of ['studies', 'measurements', 'fits'] as const) context.emit({ type: 'changed', table })
      }
    }),
  )
}

const blocksOf = (items: readonly StackItem[]): BlockItem[] =>
  items.flatMap((item) => (isGroup(item) ? blocksOf(item.blocks) : item.disabled === true ? [] : [item]))
