// Latency over context: which rows make one curve, and which curves may stand in one chart. Pure.

import { blocks } from '#core/blocks/index.ts'
import type { ResolvedSpec } from '#core/model/spec.ts'
import { type RanRow, ranKey } from './ran.ts'

export interface ContextRow extends RanRow {
  readonly id: number
  readonly spec: string
  readonly environment: string
  readonly target: string
  readonly protocolVersion: number
  readonly phase: string
  readonly dtype: string
  readonly batch: number
  readonly context: number
}

export interface ContextCurve<Row> {
  readonly key: string
  readonly spec: string
  /** The latest row at each context, ascending. */
  readonly rows: readonly Row[]
}

export interface ContextChart<Row> {
  readonly key: string
  /** One of its rows: place, phase and batch are those of all. */
  readonly sample: Row
  readonly curves: readonly ContextCurve<Row>[]
}

/** One chart for each place, target, protocol, number format, batch and phase that has a stack at two contexts. */
export function contextCharts<Row extends ContextRow>(rows: readonly Row[]): ContextChart<Row>[] {
  const placeOf = (row: Row): string =>
    JSON.stringify([row.environment, row.target, row.protocolVersion, row.dtype, row.batch, row.phase])
  return [...Map.groupBy(rows, placeOf)].flatMap(([key, own]) => {
    // the same stack once fused and once decomposed is two curves
    const curves = [...Map.groupBy(own, (row) => `${row.spec} ${ranKey(row)}`)].flatMap(([id, list]) => {
      const latest = [...new Map(list.map((row) => [row.context, row])).values()].sort((a, b) => a.context - b.context)
      return latest.length < 2 ? [] : [{ key: id, spec: latest[0]!.spec, rows: latest }]
    })
    return curves.length === 0 ? [] : [{ key, sample: own[0]!, curves }]
  })
}

/** Place of a stack's first block in the registry: softmax attention comes before the linear mixers. */
export const registryPlace = ({ blocks: [first] }: ResolvedSpec): number =>
  first === undefined ? blocks.length : blocks.findIndex((one) => one.kind === first.block.kind)
