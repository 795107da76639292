// What a space looks like before anything runs: how many stacks it has, its seeds, and random ones. Pure.

import { errorRecord, HeddleError } from '#core/errors.ts'
import type { ErrorRecord } from '#core/errors.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { rng } from '#core/rng.ts'
import { keyOf, makeSpace, sizeOfSpace, specOf } from '#core/search/index.ts'
import type { Genome, Space, SpaceSize } from '#core/search/index.ts'
import { sampleGenome } from '#core/search/space/space.ts'

export interface SampledStack {
  readonly key: string
  readonly spec: ArchSpec
  readonly isSeed: boolean
}

export type Preview =
  | { readonly problem: ErrorRecord }
  | {
      readonly problem: undefined
      readonly size: SpaceSize
      readonly samples: readonly SampledStack[]
    }

const ATTEMPTS = 20

/** Seeds and `count` different random stacks of a space; the same for the same `draw`. Widths by latency are the largest. */
export function previewSpace(json: unknown, count: number, draw: number): Preview {
  try {
    const space = makeSpace(json, () => 0)
    const seeds = space.seeds.map((genome) => stackOf(genome, space, true))
    return { problem: undefined, size: sizeOfSpace(space), samples: [...seeds, ...sample(space, count, draw, seeds)] }
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error
    return { problem: errorRecord(error) }
  }
}

function sample(space: Space, count: number, draw: number, known: readonly SampledStack[]): SampledStack[] {
  const random = rng('preview', draw)
  const seen = new Set(known.map(({ key }) => key))
  const found: SampledStack[] = []
  for (let attempt = 0; found.length < count && attempt < count * ATTEMPTS; attempt++) {
    const stack = stackOf(sampleGenome(space, random), space, false)
    if (seen.has(stack.key)) continue
    seen.add(stack.key)
    found.push(stack)
  }
  return found
}

const stackOf = (genome: Genome, space: Space, isSeed: boolean): SampledStack => ({
  key: keyOf(genome, space),
  spec: specOf(genome, space),
  isSeed,
})
