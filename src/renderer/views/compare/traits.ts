// What is known of runs besides their curves, as numbers: the axes of the parallel coordinates and the columns of their table.

import { shapeOf } from '#core/model/shape.ts'
import type { Shape } from '#core/model/shape.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { metricOf } from '#core/metrics.ts'
import type { Api } from '#main/api/workbench/index.ts'

/** A run with everything that its axes read. */
export interface Subject {
  readonly run: number
  readonly name: string
  /** Undefined where a stored one cannot be read. */
  readonly spec: ArchSpec | undefined
  /** Counts of the stack as the project stores them. */
  readonly counts: Readonly<Record<string, number | null>>
  /** Median decode latency, under the condition that all of them share. */
  readonly latencyMs: number | undefined
  readonly short: number
  readonly final: number
}

/** One axis. */
export interface Trait {
  readonly key: string
  readonly title: string
  readonly unit: string
  readonly log: boolean
  readonly value: (subject: Subject) => number | null
}

/** Values that span more than this stand on a logarithmic axis. */
const WIDE = 20
const COUNTS = ['params', 'trainFlopsPerToken', 'stateBytes'] as const

/** The axes that tell these runs apart or judge them: a shape that all share is left out. */
export function traitsOf(
  subjects: readonly Subject[],
  {
    metric,
    finalMetric,
    step,
  }: { readonly metric: string; readonly finalMetric: string; readonly step: number | undefined },
): Trait[] {
  const shape = (subject: Subject): Shape | undefined =>
    subject.spec === undefined ? undefined : shapeOf(subject.spec)
  const symbols = [...new Set(subjects.flatMap((subject) => [...(shape(subject)?.shares.keys() ?? [])]))]
  const short = metricOf(metric)
  const final = metricOf(finalMetric)
  const known: Omit<Trait, 'log'>[] = [
    { key: 'depth', title: 'Blocks', unit: '', value: (s) => shape(s)?.depth ?? null },
    { key: 'width', title: 'Width', unit: '', value: (s) => shape(s)?.width ?? null },
    ...symbols.map((symbol) => ({
      key: `share ${symbol}`,
      title: `Share of ${symbol}`,
      unit: '%',
      value: (s: Subject) => (s.spec === undefined ? null : (shape(s)?.shares.get(symbol) ?? 0)),
    })),
    ...COUNTS.map((kind) => ({
      key: kind,
      title: metricOf(kind)?.title ?? kind,
      unit: metricOf(kind)?.unit ?? '',
      value: (s: Subject) => s.counts[kind] ?? null,
    })),
    { key: 'latency', title: 'Decode latency', unit: 'ms/token', value: (s) => s.latencyMs ?? null },
    ...(step === undefined
      ? []
      : [
          {
            key: 'short',
            title: `${short?.title ?? metric} at step ${step}`,
            unit: short?.unit ?? '',
            value: (s: Subject) => s.short,
          },
        ]),
    {
      key: 'final',
      title: `Final ${(final?.title ?? finalMetric).toLowerCase()}`,
      unit: final?.unit ?? '',
      value: (s) => s.final,
    },
  ]
  return known.flatMap((trait) => {
    const values = subjects.map(trait.value).filter((value) => value !== null && Number.isFinite(value)) as number[]
    const [low, high] = [
      values.reduce((a, b) => Math.min(a, b), Infinity),
      values.reduce((a, b) => Math.max(a, b), -Infinity),
    ]
    const isJudged = trait.key === 'short' || trait.key === 'final'
    if (values.length === 0 || (low === high && !isJudged)) return []
    return [{ ...trait, log: low > 0 && high / low > WIDE }]
  })
}

type Measurement = Awaited<ReturnType<Api['profile']['measurements']>>[number]

/** Where latencies compare: the same environment, target, type, batch and context. */
export interface Condition {
  readonly environment: string
  readonly batch: number
  readonly context: number
  /** Median milliseconds by the hash of the spec, the latest of each. */
  readonly medians: ReadonlyMap<string, number>
}

/** Of all conditions under which decoding was measured, the one that covers the most of these specs; undefined without any. */
export function commonCondition(rows: readonly Measurement[], specs: ReadonlySet<string>): Condition | undefined {
  const groups = Map.groupBy(
    rows.filter((row) => row.phase === 'decode' && specs.has(row.spec)),
    (row) => JSON.stringify([row.environment, row.target, row.dtype, row.batch, row.context, row.protocolVersion]),
  )
  let best: Condition | undefined
  for (const [first, ...rest] of groups.values()) {
    if (first === undefined) continue
    const medians = new Map([first, ...rest].map((row) => [row.spec, row.p50Ms]))
    if (best === undefined || medians.size > best.medians.size)
      best = { environment: first.environment, batch: first.batch, context: first.context, medians }
  }
  return best
}
