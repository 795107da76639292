// NSGA-II (Deb et al. 2002): several objectives at once. Its elite is the best P of all trials so far, which is what
// selecting parents and children together keeps from generation to generation; trials replace generations.

import { integer, real } from '../params.ts'
import type { Rng } from '../rng.ts'
import { crowdingDistance } from '../stats/pareto.ts'
import { defineSearcher, firstNew, freshProposal, randomCandidate } from './searcher.ts'
import type { Candidate, History } from './searcher.ts'
import { cross, difference, mutate } from './space/mutate.ts'
import type { Space } from './space/space.ts'
import { leadingFronts } from './study/elite.ts'
import { violation } from './study/objectives.ts'
import { memberOf } from './study/population.ts'
import type { Member } from './study/population.ts'

export const nsga2 = defineSearcher({
  kind: 'nsga2',
  title: 'NSGA-II',
  doc: 'Evolution for several objectives: parents win tournaments of two by constraint violation, front and crowding among the best of all trials; a child has parts of two parents or of one, and one mutation. The population starts with the seed designs and random ones (Deb et al. 2002).',
  params: {
    populationSize: integer({ doc: 'Trials among which parents are chosen; so many start it.', unit: 'trials', min: 2, max: 100_000, default: 32 }),
    crossoverRate: real({ doc: 'Share of children with two parents.', min: 0, max: 1, default: 0.5 }),
  },
  propose: (history, space, rng, { populationSize, crossoverRate }) => {
    const members = history.trials.flatMap((trial) => memberOf(trial, history.goal) ?? [])
    if (history.number < space.seeds.length || members.length < populationSize) return freshProposal(history, space, rng)
    const elite = select(members, history.goal.constraints, populationSize)
    return firstNew(history, space, () => {
      const first = tournament(elite, rng)
      const second = rng.uniform() < crossoverRate ? tournament(elite, rng) : first
      return childOf(first, second, space, rng)
    })
  },
})

function childOf(first: Ranked, second: Ranked, space: Space, rng: Rng): Candidate {
  const [a, b] = [first.trial, second.trial]
  const mixed = a === b ? undefined : cross(a.genome, b.genome, space, rng)
  const mutated = mutate(mixed?.genome ?? a.genome, space, rng)
  const genome = mutated?.genome ?? mixed?.genome
  if (genome === undefined) return randomCandidate(space, rng)
  if (mixed === undefined) return { genome, parents: [a.number], mutation: mutated!.mutation }
  const description = [mixed.mutation.description, mutated?.mutation.description].filter((text) => text !== undefined).join('; ')
  return { genome, parents: [a.number, b.number], mutation: { ...mixed.mutation, description, ...difference(a.genome, genome, space) } }
}

interface Ranked extends Member {
  /** Front, then crowding: smaller is better in both. */
  readonly rank: number
  readonly crowding: number
}

/** The best members by constraint violation, front and crowding, the younger of equals. */
function select(members: readonly Member[], constraints: History['goal']['constraints'], size: number): Ranked[] {
  const excesses = members.map(({ trial }) => violation(constraints, trial.metrics))
  const feasible = members.filter((_, i) => excesses[i] === 0)
  const chosen: Ranked[] = []
  const fronts = leadingFronts(feasible.map(({ costs }) => costs), size)
  for (const [rank, front] of fronts.entries()) {
    const distance = crowdingDistance(front.map((i) => feasible[i]!.costs))
    const ranked = front.map((i, place) => ({ ...feasible[i]!, rank, crowding: -distance[place]! }))
    chosen.push(...ranked.sort(compare).slice(0, size - chosen.length))
  }
  if (chosen.length >= size) return chosen
  const levels = [...new Set(excesses)].filter((excess) => excess > 0).sort((a, b) => (a < b ? -1 : 1))
  for (const [level, excess] of levels.entries()) {
    if (chosen.length >= size) break
    const equals = members.filter((_, i) => excesses[i] === excess).map((member) => ({ ...member, rank: fronts.length + level, crowding: 0 }))
    chosen.push(...equals.sort(compare).slice(0, size - chosen.length))
  }
  return chosen
}

function compare(a: Ranked, b: Ranked): number {
  // crowding may be infinite on both sides: their difference would be NaN
  return a.rank - b.rank || (a.crowding === b.crowding ? b.trial.number - a.trial.number : a.crowding < b.crowding ? -1 : 1)
}

function tournament(elite: readonly Ranked[], rng: Rng): Ranked {
  const [a, b] = [rng.pick(elite), rng.pick(elite)]
  return compare(a, b) <= 0 ? a : b
}
