// The width at which a family of stacks has a wanted number of parameters.

import { HeddleError } from '../errors.ts'
import { countSpec } from './counts.ts'
import { isGroup, resolveSpec, SPEC_VERSION } from './spec.ts'
import type { ArchSpec, BlockItem, ModelSettings, StackItem } from './spec.ts'

export interface MatchedWidth {
  readonly spec: ArchSpec
  readonly width: number
  /** Decoder parameters: without embedding and untied head. */
  readonly params: number
  /** (params - wanted) / wanted. */
  readonly relativeError: number
}

export interface WidthRange {
  readonly min: number
  readonly max: number
  /** Widths are multiples of this. */
  readonly step: number
}

/** The stack whose blocks go round the pattern until there are `depth` of them. */
export function stackOfDepth(
  pattern: readonly StackItem[],
  model: Partial<ModelSettings>,
  depth: number,
  dModel: number,
): ArchSpec {
  const unit = flatten(pattern)
  if (unit.length === 0) throw new HeddleError('spec-invalid', 'the pattern has no blocks', { path: 'blocks' })
  return {
    heddle: SPEC_VERSION,
    model: { ...model, dModel },
    blocks: Array.from({ length: depth }, (_, i) => unit[i % unit.length]!),
  }
}

const flatten = (items: readonly StackItem[]): BlockItem[] =>
  items.flatMap((item) =>
    isGroup(item)
      ? Array.from({ length: item.repeat }, () => flatten(item.blocks)).flat()
      : item.disabled === true
        ? []
        : [item],
  )

/**
 * Finds the width whose decoder parameters are nearest to a number, by bisection over the multiples of `step` that the
 * rules of the blocks allow; the count grows with the width.
 * @throws HeddleError `param-invalid` where no width in the range is allowed
 */
export function matchWidth(
  specOf: (width: number) => ArchSpec,
  params: number,
  { min, max, step }: WidthRange,
): MatchedWidth {
  const widths: number[] = []
  for (let width = Math.ceil(min / step) * step; width <= max; width += step)
    if (isAllowed(specOf(width))) widths.push(width)
  if (widths.length === 0)
    throw new HeddleError(
      'param-invalid',
      `no multiple of ${step} from ${min} to ${max} is a width that all blocks allow`,
      { path: 'widths', hint: 'choose another step, or blocks with smaller heads' },
    )
  const counts = new Map<number, number>()
  const countAt = (i: number): number => {
    const width = widths[i]!
    const count = counts.get(width) ?? countSpec(resolveSpec(specOf(width)), 1).decoderParams
    counts.set(width, count)
    return count
  }
  let low = 0,
    high = widths.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (countAt(middle) <= params) low = middle
    else high = middle
  }
  const nearest = Math.abs(countAt(low) - params) <= Math.abs(countAt(high) - params) ? low : high
  return {
    spec: specOf(widths[nearest]!),
    width: widths[nearest]!,
    params: countAt(nearest),
    relativeError: countAt(nearest) / params - 1,
  }
}

function isAllowed(spec: ArchSpec): boolean {
  try {
    resolveSpec(spec)
    return true
  } catch (error) {
    if (error instanceof HeddleError && (error.code === 'spec-invalid' || error.code === 'param-invalid')) return false
    throw error
  }
}
