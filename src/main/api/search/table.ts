// The look-up table of a study: filled before its first trial, and kept with the study as it was then. What the project
// measures later does not change it, so a study that is resumed predicts, and therefore proposes, the same.

import { HeddleError } from '#core/errors.ts'
import { predictionOf } from '#core/metrics.ts'
import type { LatencyConditions, LatencyEntry, LatencyPrediction } from '#core/model/latency-table.ts'
import { latencyPredictor } from '#core/model/latency-table.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { makeSpace } from '#core/search/index.ts'
import { entryOfRow, runLut } from '#main/api/lut.ts'
import type { NamedEntry } from '#main/api/lut.ts'
import { recordEnvironment } from '#main/api/record.ts'
import type { Runner } from '#main/runtime/link.ts'
import { lutPlace } from '#main/runtime/profile/lut-job.ts'
import type { ProgressEvent } from '#main/runtime/progress.ts'
import { dtypeOf } from '#main/runtime/targets/index.ts'
import type { Project } from '#main/store/db.ts'
import { listLut } from '#main/store/lut.ts'
import type { LutRow } from '#main/store/lut.ts'
import type { Evaluation } from './evaluation.ts'

/** The latencies that a table predicts, by the names of core/metrics. */
export type LatencyMetric = 'tpotMs' | 'ttftMs'

/** Where the entries of a table were measured. */
export interface TablePlace {
  readonly environment: string
  readonly target: string
  readonly dtype: string
  readonly protocolVersion: number
  readonly runtimeVersion: string
}

/** Plain JSON, in the config of a study. */
export interface FrozenTable {
  readonly place: TablePlace
  readonly conditions: Readonly<Partial<Record<LatencyMetric, LatencyConditions>>>
  readonly entries: readonly NamedEntry[]
}

/** Copies in the stacks that an entry is measured with. */
const COPIES = [1, 3, 6, 12]
/** Most operators of one measurement. */
const MOST_OPERATORS = 64

/** Where an evaluation times decode and prefill. */
export function conditionsOf({
  profile: { options },
}: Pick<Evaluation, 'profile'>): Record<LatencyMetric, LatencyConditions> {
  const { batchSize: batch, promptLen, context } = options
  return {
    // the caches hold the prompt
    tpotMs: { phase: 'decode', batch, context: Math.max(context, promptLen) },
    ttftMs: { phase: 'prefill', batch, context: promptLen },
  }
}

/**
 * Measures what the project's table lacks for every operator of a space at every width, and returns the entries.
 * @throws HeddleError for a bad space, `job-cancelled`, `target-failed`
 */
export async function fillTable(
  runner: Runner,
  project: Project,
  spaceJson: Readonly<Record<string, unknown>>,
  evaluation: Evaluation,
  metrics: readonly LatencyMetric[],
  { onProgress, signal }: { readonly onProgress?: (event: ProgressEvent) => void; readonly signal?: AbortSignal } = {},
): Promise<FrozenTable> {
  // widths are chosen by the table, which must come first
  const { config, mixers, channelMixers } = makeSpace(spaceJson, () => NaN)
  const operators = [...mixers, ...channelMixers].flat()
  const { target, options } = evaluation.profile
  const all = conditionsOf(evaluation)
  const parts = Array.from({ length: Math.ceil(operators.length / MOST_OPERATORS) }, (_, i) =>
    operators.slice(i * MOST_OPERATORS, (i + 1) * MOST_OPERATORS),
  )
  const jobs = metrics.flatMap((metric) =>
    config.dModels.flatMap((dModel) => parts.map((part) => ({ conditions: all[metric], dModel, part }))),
  )
  const place = lutPlace(target, options.threads)
  const entries: NamedEntry[] = []
  for (const [i, { conditions, dModel, part }] of jobs.entries()) {
    const { table } = await runLut(
      runner,
      {
        target,
        model: { ...config.model, dModel },
        operators: part,
        copies: COPIES,
        options: {
          phase: conditions.phase,
          batchSize: conditions.batch,
          context: conditions.context,
          threads: options.threads,
          seed: options.seed,
          maxRelativeWidth: options.maxRelativeWidth,
          maxSeconds: evaluation.tableSeconds,
        },
        stacks: 0,
        isForced: false,
      },
      {
        project,
        ...(signal !== undefined && { signal }),
        onProgress: (event) =>
          onProgress?.({
            ...event,
            phase: `look-up table ${i + 1} of ${jobs.length} (${conditions.phase}, width ${dModel}): ${event.phase}`,
          }),
      },
    )
    entries.push(...table)
  }
  return {
    place: {
      environment: recordEnvironment(project, target, place.environment),
      target,
      dtype: dtypeOf(target),
      protocolVersion: place.protocol,
      runtimeVersion: place.runtimeVersion,
    },
    conditions: Object.fromEntries(metrics.map((metric) => [metric, all[metric]])),
    entries,
  }
}

/** What a table predicts of a stack, for each latency that it holds. */
export function tablePredictor({
  conditions,
  entries,
}: Pick<FrozenTable, 'conditions' | 'entries'>): (spec: ArchSpec) => Partial<Record<LatencyMetric, LatencyPrediction>> {
  const predictors = Object.entries(conditions).map(
    ([metric, where]) => [metric, latencyPredictor(entries, where)] as const,
  )
  return (spec) => {
    const resolved = resolveSpec(spec)
    return Object.fromEntries(predictors.map(([metric, predict]) => [metric, predict(resolved)]))
  }
}

/**
 * The predicted latencies of a stack as metrics: `predictedTpotMs`, `predictedTtftMs`.
 * @throws HeddleError `usage` naming what the table lacks.
 */
export function predictedMetrics(predict: ReturnType<typeof tablePredictor>, spec: ArchSpec): Record<string, number> {
  return Object.fromEntries(
    Object.entries(predict(spec)).map(([metric, { ms, missing }]) => {
      if (missing.length > 0)
        throw new HeddleError('usage', `the look-up table lacks ${missing.join(', ')}`, {
          hint: 'heddle lut measures blocks at a width',
        })
      return [predictionOf(metric)!.kind, ms]
    }),
  )
}

/**
 * The table of one place in a project, under the conditions of a study; `environment` is the start of a hash, for
 * projects that hold tables of several.
 * @throws HeddleError `usage` where there is none, or several and no choice.
 */
export function tableOfProject(
  project: Project,
  conditions: FrozenTable['conditions'],
  environment?: string,
): FrozenTable {
  const wanted = Object.entries(conditions)
  const words = wanted.map(([, c]) => `${c.phase} at batch ${c.batch} and context ${c.context}`).join(' and ')
  const placeOf = ({ environment: where, target, dtype, protocolVersion, runtimeVersion }: LutRow): TablePlace => ({
    environment: where,
    target,
    dtype,
    protocolVersion,
    runtimeVersion,
  })
  const isOf = (row: LutRow, c: LatencyConditions): boolean =>
    row.phase === c.phase && row.batch === c.batch && (row.part === 'floor' || row.context === c.context)
  const rows = listLut(project, {}, { latest: true }).filter(
    (row) => row.environment.startsWith(environment ?? '') && wanted.some(([, c]) => isOf(row, c)),
  )
  const places = [...Map.groupBy(rows, (row) => JSON.stringify(placeOf(row))).values()].filter((table) =>
    wanted.every(([, c]) => table.some((row) => row.part === 'block' && isOf(row, c))),
  )
  const [only, ...others] = places
  if (only === undefined)
    throw new HeddleError('usage', `the project has no look-up table for ${words}`, {
      path: project.path,
      hint: 'heddle lut measures one',
    })
  if (others.length > 0)
    throw new HeddleError('usage', `the project has ${places.length} look-up tables for ${words}`, {
      path: project.path,
      hint: `choose one: ${places.map(([row]) => `${row!.environment.slice(0, 12)} (${row!.target}, ${row!.runtimeVersion}, protocol ${row!.protocolVersion})`).join(', ')}`,
    })
  return { place: placeOf(only[0]!), conditions, entries: only.map(entryOfRow) }
}

/** Reads a table out of a study's config; undefined where it holds none. Throws HeddleError `store-invalid`. */
export function parseTable(json: unknown): FrozenTable | undefined {
  if (json === undefined) return undefined
  const table = json as FrozenTable
  const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value)
  const isEntry = (e: LatencyEntry): boolean =>
    typeof e?.part === 'string' &&
    [e.dModel, e.ms, e.low, e.high, e.batch, e.context].every(isNumber) &&
    (e.perCopy === undefined ||
      (Array.isArray(e.perCopy) && e.perCopy.every((p) => isNumber(p?.copies) && isNumber(p?.ms))))
  const isTable =
    typeof table === 'object' &&
    table !== null &&
    typeof table.conditions === 'object' &&
    table.conditions !== null &&
    Array.isArray(table.entries) &&
    table.entries.every(isEntry)
  if (!isTable)
    throw new HeddleError('store-invalid', 'the look-up table of the study cannot be read', { path: 'table' })
  return table
}
