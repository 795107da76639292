// Rows of a study for tests that care about numbers, states and metrics, not about genomes.

import { rng } from '#core/rng.ts'
import { keyOf, makeSpace, sampleGenome } from '#core/search/space/space.ts'
import type { Trial } from '#core/search/study/trial.ts'

const space = makeSpace({ dModels: [256] })

/** A finished trial of a random genome. */
export function row(number: number, change: Partial<Trial> = {}): Trial {
  const genome = sampleGenome(space, rng('row', number))
  return {
    number,
    genome,
    key: keyOf(genome, space),
    parents: [],
    mutation: null,
    state: 'done',
    metrics: {},
    ...change,
  }
}
