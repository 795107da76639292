import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'

/** The sequence mixers of a stack by share, as symbols: `d 50 %, m2 50 %`. */
export function mixOf(spec: ArchSpec | undefined): string {
  if (spec === undefined) return ''
  const mixers = resolveSpec(spec).blocks.filter(({ block }) => block.category === 'sequence mixer')
  return [...Map.groupBy(mixers, ({ block }) => block.symbol)]
    .sort((a, b) => b[1].length - a[1].length)
    .map(([symbol, list]) => `${symbol} ${Math.round((100 * list.length) / mixers.length)} %`)
    .join(', ')
}
