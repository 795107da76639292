import type { ResolvedSpec } from '#core/model/spec.ts'
import { glyphOf } from '#core/plots/strip.ts'

/** The colour of the sequence mixer that most blocks of a stack are of, the first of equals. */
export function colorOfStack({ blocks }: ResolvedSpec, side: 'light' | 'dark'): string {
  const mixers = blocks.filter(({ block }) => block.category === 'sequence mixer')
  const counts = new Map<string, number>()
  for (const flat of mixers.length > 0 ? mixers : blocks) {
    const color = glyphOf(flat)[side]
    counts.set(color, (counts.get(color) ?? 0) + 1)
  }
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), ['currentColor', 0] as const)[0]
}
