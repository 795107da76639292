import { HeddleError } from '#core/errors.ts'
import { countSpec } from '#core/model/counts.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'

/** A stack at any width; throws HeddleError where a block refuses the width. */
export type StackAt = (dModel: number) => ArchSpec

/** All parameters of a stack. */
export const paramsOf = (spec: ArchSpec): number => countSpec(resolveSpec(spec), 1).params

/**
 * The width whose parameter count is nearest to a budget: a multiple of `step` from half to twice a width.
 * @throws the HeddleError of the blocks if they refuse all of them
 */
export function matchWidth(stackAt: StackAt, around: number, params: number, step: number): ArchSpec {
  let best: ArchSpec | undefined
  let distance = Infinity
  let refused: unknown
  for (let width = step * Math.ceil(around / 2 / step); width <= 2 * around; width += step) {
    try {
      const candidate = stackAt(width)
      const found = Math.abs(paramsOf(candidate) - params)
      if (found < distance) [best, distance] = [candidate, found]
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error
      refused = error
    }
  }
  if (best === undefined) throw refused
  return best
}
