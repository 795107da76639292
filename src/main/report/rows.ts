// What a report reads from a project: each spec with its runs and latencies.

import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import type { FlatBlock, ResolvedSpec } from '#core/model/spec.ts'
import { glyphOf } from '#core/plots/strip.ts'
import { getEnvironment } from '#main/store/environments.ts'
import { listMeasurements } from '#main/store/measurements.ts'
import type { MeasurementRow } from '#main/store/measurements.ts'
import { readCurve } from '#main/store/metrics.ts'
import { listRuns } from '#main/store/runs.ts'
import type { RunRow } from '#main/store/runs.ts'
import { listSpecs } from '#main/store/specs.ts'
import type { SpecRow } from '#main/store/specs.ts'
import type { Project } from '#main/store/db.ts'

export interface StackRows {
  readonly row: SpecRow
  readonly resolved: ResolvedSpec
  readonly runs: readonly RunRow[]
  readonly latest: Readonly<Partial<Record<'prefill' | 'decode', MeasurementRow>>>
}

/** Specs of a project that have runs or measurements. */
export function readStacks(project: Project): StackRows[] {
  return listSpecs(project).flatMap((row) => {
    const runs = listRuns(project, { spec: row.hash })
    const measured = listMeasurements(project, { spec: row.hash })
    if (runs.length + measured.length === 0) return []
    const last = (phase: 'prefill' | 'decode'): MeasurementRow | undefined =>
      measured.filter((m) => m.phase === phase).at(-1)
    const prefill = last('prefill'),
      decode = last('decode')
    return [
      {
        row,
        resolved: resolveSpec(parseSpec(row.json)),
        runs,
        latest: { ...(prefill && { prefill }), ...(decode && { decode }) },
      },
    ]
  })
}

/** Points of a metric of a run, at full resolution. */
export function curve(project: Project, run: number, metric: string): [number, number][] {
  const { steps, values } = readCurve(project, run, metric)
  return Array.from(steps, (step, i) => [step, values[i]!])
}

export const lastValue = (project: Project, run: number, metric: string): number | undefined =>
  curve(project, run, metric).at(-1)?.[1]

/** Where a measurement was taken, in words. */
export function placeOf(project: Project, measurement: MeasurementRow): string {
  const details = getEnvironment(project, measurement.environment)?.details ?? {}
  const part = (key: string, unit = ''): string[] =>
    details[key] === null || details[key] === undefined ? [] : [`${String(details[key])}${unit}`]
  const runtimes = Object.entries((details['runtimes'] ?? {}) as Record<string, string>).map(([k, v]) => `${k} ${v}`)
  return [
    measurement.target,
    ...part('cpuModel'),
    ...part('threads', details['threads'] === 1 ? ' thread' : ' threads'),
    ...runtimes,
  ].join(', ')
}

/** The mixer that fills most of a stack gives it its colour. */
export function colorOf({ resolved }: Pick<StackRows, 'resolved'>, side: 'light' | 'dark'): string {
  const mixers = resolved.blocks.filter((b) => b.block.category === 'sequence mixer')
  const counts = new Map<string, FlatBlock[]>()
  for (const b of mixers) counts.set(b.block.kind, [...(counts.get(b.block.kind) ?? []), b])
  const top =
    [...counts.values()].sort((a, b) => b.length - a.length || (a.at(-1)!.path < b.at(-1)!.path ? 1 : -1))[0]?.[0] ??
    resolved.blocks[0]
  return top === undefined ? '#888888' : glyphOf(top)[side]
}
