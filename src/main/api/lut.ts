// Fills the look-up table of a project and tests whether its costs add.

import { HeddleError } from '#core/errors.ts'
import type {
  LatencyConditions,
  LatencyEntry,
  LatencyPrediction,
  RemeasureCandidate,
} from '#core/model/latency-table.ts'
import { indexTable, latencyNeeds, operatorName, predictLatency, worthRemeasuring } from '#core/model/latency-table.ts'
import { canonicalJson, hashSpec, resolveSpec, SPEC_VERSION } from '#core/model/spec.ts'
import type { ArchSpec, BlockItem, ModelSettings } from '#core/model/spec.ts'
import type { ValuesOf } from '#core/params.ts'
import { rng } from '#core/rng.ts'
import { additivity } from '#core/stats/latency/additivity.ts'
import type { Additivity } from '#core/stats/latency/additivity.ts'
import type { Runner } from '#main/runtime/link.ts'
import { lutPlace } from '#main/runtime/profile/lut-job.ts'
import type { LUT_PARAMS, LutAnswer, LutPayload } from '#main/runtime/profile/lut-job.ts'
import type { LutEntry } from '#main/runtime/profile/lut.ts'
import { dtypeOf } from '#main/runtime/targets/index.ts'
import { parseProgressEvent } from '#main/runtime/progress.ts'
import type { ProgressEvent } from '#main/runtime/progress.ts'
import type { Project } from '#main/store/db.ts'
import { addLutEntry, listLut } from '#main/store/lut.ts'
import type { LutFilter, LutRow } from '#main/store/lut.ts'
import { addMeasurement } from '#main/store/measurements.ts'
import { recordEnvironment, recordSpec } from './record.ts'

export interface LutJobRequest {
  readonly target: string
  readonly model: Partial<ModelSettings>
  readonly operators: readonly BlockItem[]
  readonly copies: readonly number[]
  readonly options: ValuesOf<typeof LUT_PARAMS>
  /** Random whole stacks of the operators to test the table with. */
  readonly stacks: number
  /** Measure also what the project has already. */
  readonly isForced: boolean
}

/** A whole stack, predicted and measured. */
export interface StackCheck {
  readonly spec: ArchSpec
  readonly prediction: LatencyPrediction
  readonly measured: { readonly p50Ms: number; readonly lowMs: number; readonly highMs: number }
}

export interface LutResult {
  readonly conditions: LatencyConditions
  /** Entries of the operators and of the empty model, old and new. */
  readonly table: readonly NamedEntry[]
  readonly measured: number
  readonly reused: number
  readonly loadAverage: readonly number[] | null
  readonly checks: readonly StackCheck[]
  readonly additivity: Additivity | null
  readonly remeasure: readonly RemeasureCandidate[]
}

export type NamedEntry = LatencyEntry & { readonly name: string }

export interface LutHandlers {
  readonly project?: Project | undefined
  readonly onProgress?: (event: ProgressEvent) => void
  readonly signal?: AbortSignal
}

/** Depths of random stacks. */
const STACK_DEPTHS = { min: 2, max: 12 }

/** A stored row as an entry that predicts. */
export function entryOfRow(row: LutRow): NamedEntry {
  const perCopy = row.details['perCopy'] as LatencyEntry['perCopy']
  return {
    part: row.part,
    kind: row.block,
    paramsHash: row.paramsHash,
    dModel: row.dModel,
    phase: row.phase as LatencyEntry['phase'],
    batch: row.batch,
    context: row.context,
    ms: row.slopeMs,
    low: row.lowMs,
    high: row.highMs,
    name: String(row.details['name'] ?? row.part),
    ...(perCopy !== undefined && perCopy.length > 0 && { perCopy }),
  }
}

/** The latest entries of a project that were taken on one device under one protocol and runtime. */
export const readTable = (project: Project, filter: LutFilter): NamedEntry[] =>
  listLut(project, filter, { latest: true }).map(entryOfRow)

/** Seeded stacks of 2 to 12 blocks drawn from the operators. */
export function randomStacks(
  operators: readonly BlockItem[],
  model: Partial<ModelSettings>,
  count: number,
  seed: number,
): ArchSpec[] {
  return Array.from({ length: count }, (_, i) => {
    const random = rng(seed, 'additivity', i)
    const depth = STACK_DEPTHS.min + random.integer(STACK_DEPTHS.max - STACK_DEPTHS.min + 1)
    return { heddle: SPEC_VERSION, model, blocks: Array.from({ length: depth }, () => random.pick(operators)) }
  })
}

/**
 * Measures what the table lacks for the operators at one width, with random whole stacks in the same rounds.
 * @throws HeddleError for an operator that does not fit the width, `job-cancelled`, `target-failed`
 */
export async function runLut(
  runner: Runner,
  request: LutJobRequest,
  { project, onProgress, signal }: LutHandlers = {},
): Promise<LutResult> {
  const { target, model, options, copies } = request
  const operators = distinct(request.operators)
  if (operators.length === 0) throw new HeddleError('usage', 'a table needs at least one block', { path: 'operators' })
  const conditions: LatencyConditions = { phase: options.phase, batch: options.batchSize, context: options.context }
  const place = lutPlace(target, options.threads)
  const environment = project === undefined ? undefined : recordEnvironment(project, target, place.environment)
  const filter: LutFilter = {
    environment,
    target,
    dtype: dtypeOf(target),
    phase: options.phase,
    batch: options.batchSize,
    context: options.context,
    protocolVersion: place.protocol,
    runtimeVersion: place.runtimeVersion,
  } as LutFilter
  const stored = project === undefined ? [] : readTable(project, filter)
  const find = indexTable(stored, conditions)
  const all = resolveSpec({ heddle: SPEC_VERSION, model, blocks: operators })
  const lacks = (need: Parameters<typeof find>[0]): boolean => request.isForced || find(need) === undefined
  const needs = latencyNeeds(all)
  const hasBase = needs.some((need) => need.part !== 'block' && lacks(need))
  const wanted = operators.filter((_, i) => {
    const flat = all.blocks[i]!
    const name = operatorName(flat)
    return needs.some(
      (need) => need.part === 'block' && need.kind === flat.block.kind && need.name === name && lacks(need),
    )
  })
  const stacks = randomStacks(operators, model, request.stacks, options.seed)
  let fresh: readonly NamedEntry[] = []
  let answer: LutAnswer | undefined
  if (hasBase || wanted.length > 0 || stacks.length > 0) {
    const payload: LutPayload = {
      target,
      options,
      request: {
        model,
        phase: options.phase,
        batchSize: options.batchSize,
        context: options.context,
        operators: wanted,
        hasBase,
        copies,
        stacks,
      },
    }
    answer = await runner.submit<LutAnswer>('lut', payload, {
      ...(signal !== undefined && { signal }),
      onProgress: (value) => {
        const event = parseProgressEvent(value)
        if (event !== undefined) onProgress?.(event)
      },
    })
    fresh = answer.entries.map((e) => ({
      ...conditions,
      part: e.part,
      kind: e.kind,
      name: e.name,
      paramsHash: e.paramsHash,
      dModel: e.dModel,
      ms: e.cost.estimate,
      low: e.cost.low,
      high: e.cost.high,
      ...(e.perCopy.length > 0 && { perCopy: e.perCopy }),
    }))
    if (project !== undefined && environment !== undefined)
      recordLut(project, environment, target, request, stacks, answer)
  }
  const table = [...stored, ...fresh]
  const resolved = stacks.map(resolveSpec)
  const checks = stacks.map((spec, i): StackCheck => {
    const { p50Ms, lowMs, highMs } = answer!.stacks[i]!.latency
    return { spec, prediction: predictLatency(resolved[i]!, table, conditions), measured: { p50Ms, lowMs, highMs } }
  })
  const byKey = indexTable(table, conditions)
  return {
    conditions,
    table: [
      ...needs,
      {
        part: 'layer',
        kind: '',
        paramsHash: table.findLast((e) => e.part === 'layer' && e.dModel === all.settings.dModel)?.paramsHash ?? '',
        dModel: all.settings.dModel,
      } as const,
    ].flatMap((need) => (byKey(need) as NamedEntry | undefined) ?? []),
    measured: fresh.length,
    reused: needs.filter((need) => find(need) !== undefined && !lacks(need)).length,
    loadAverage: answer?.environment.loadAverage ?? null,
    checks,
    additivity:
      checks.length === 0
        ? null
        : additivity(
            checks.map(({ prediction, measured }, i) => ({
              predicted: prediction.ms,
              measured: measured.p50Ms,
              blocks: resolved[i]!.blocks.map(operatorName),
            })),
          ),
    remeasure: worthRemeasuring(resolved, table, conditions),
  }
}

function distinct(operators: readonly BlockItem[]): BlockItem[] {
  return [...new Map(operators.map((o) => [canonicalJson({ kind: o.kind, params: o.params ?? {} }), o])).values()]
}

function recordLut(
  project: Project,
  environment: string,
  target: string,
  { options }: LutJobRequest,
  stacks: readonly ArchSpec[],
  answer: LutAnswer,
): void {
  const common = {
    environment,
    target,
    dtype: dtypeOf(target),
    phase: options.phase,
    batch: options.batchSize,
    context: options.context,
    protocolVersion: answer.protocol,
  }
  const detailsOf = ({ name, copies, medianMs, interceptMs, residualMs, perCopy }: LutEntry) => ({
    name,
    copies,
    medianMs,
    interceptMs,
    residualMs,
    perCopy,
    loadAverage: answer.environment.loadAverage,
  })
  for (const e of answer.entries)
    addLutEntry(project, {
      ...common,
      runtimeVersion: answer.runtimeVersion,
      dModel: e.dModel,
      part: e.part,
      block: e.kind,
      paramsHash: e.paramsHash,
      params: e.params,
      slopeMs: e.cost.estimate,
      lowMs: e.cost.low,
      highMs: e.cost.high,
      details: detailsOf(e),
      samples: e.samplesMs,
    })
  for (const [i, spec] of stacks.entries()) {
    recordSpec(project, spec)
    const {
      latency: { samplesMs, p50Ms, lowMs, highMs, iqrMs, p95Ms, ...rest },
      graphHash,
    } = answer.stacks[i]!
    const details = {
      ...(JSON.parse(JSON.stringify(rest)) as Record<string, unknown>),
      floorMs: answer.floor.p50Ms,
      purpose: 'additivity',
      loadAverage: answer.environment.loadAverage,
    }
    addMeasurement(project, {
      ...common,
      spec: hashSpec(spec),
      graphHash,
      p50Ms,
      lowMs,
      highMs,
      iqrMs,
      p95Ms,
      status: {},
      details,
      samples: samplesMs,
    })
  }
}
