// The project's look-up table as the canvas uses it: one table for each place and set of conditions.

import type { Api } from '#main/api/workbench/index.ts'
import type { LatencyTable } from '../../canvas/numbers/latency.ts'

type Entry = Awaited<ReturnType<Api['profile']['table']>>[number]

/** Tables by place, phase, batch and context; the one with the newest entry first. `where` names an environment. */
export function tablesOf(entries: readonly Entry[], where: (environment: string) => string): LatencyTable[] {
  const keyOf = (e: Entry): string =>
    JSON.stringify([e.environment, e.target, e.dtype, e.phase, e.batch, e.context, e.protocolVersion, e.runtimeVersion])
  return [...Map.groupBy(entries, keyOf)]
    .map(([id, group]) => {
      const { phase, batch, context, environment } = group[0]!
      return {
        id,
        label: `${phase}, batch ${batch}, context ${context}; ${where(environment)}`,
        conditions: { phase, batch, context },
        entries: group,
        newest: Math.max(...group.map((e) => e.createdAt)),
      }
    })
    .sort((a, b) => b.newest - a.newest)
}
