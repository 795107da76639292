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
import { membersOf } from './study/population.ts'
import type { Member } from './study/population.ts'

export const nsga2 = defineSearcher({
  kind: 'nsga2',
  title: 'NSGA-II',
  doc: 'Evolution for several objectives: parents win tournaments of two by constraint violation, front and crowding among the best of all trials; a child has parts of two parents or of one, and one mutation. The population starts with the seed designs and random ones (Deb et al. 2002).',
  params: {
    populationSize: integer({
      doc: 'Trials among which parents are chosen; so many start it.',
      unit: 'trials',
      min: 2,
      max: 100_000,
      default: 32,
    }),
    crossoverRate: real({ doc: 'Share of children with two parents.', min: 0, max: 1, default: 0.5 }),
  },
  propose: (history, space, rng, { populationSize, crossoverRate }) => {
    const members = membersOf(history.trials, history.goal)
    if (history.number < space.seeds.length || members.length < populationSize)
      return freshProposal(history, space, rng)
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
  const description = [mixed.mutation.description, mutated?.mutation.description]
    .filter((text) => text !== undefined)
    .join('; ')
  return {
    genome,
    parents: [a.number, b.number],
    mutation: { ...mixed.mutation, description, ...difference(a.genome, genome, space) },
  }
}

interface Ranked extends Member {
  /** Front, then crowding (violation, in the last front of those that break constraints): smaller is better in both. */
  readonly rank: number
  readonly crowding: number
}

/** The best members by constraint violation, front and crowding, the younger of equals. */
function select(members: readonly Member[], constraints: History['goal']['constraints'], size: number): Ranked[] {
  const feasible: Member[] = []
  const others: { readonly member: Member; readonly excess: number }[] = []
  for (const member of members) {
    const excess = violation(constraints, member.trial.metrics)
    if (excess === 0) feasible.push(member)
    else others.push({ member, excess })
  }
  const chosen: Ranked[] = []
  const fronts = leadingFronts(
    feasible.map(({ costs }) => costs),
    size,
  )
  for (const [rank, front] of fronts.entries()) {
    const distance = crowdingDistance(front.map((i) => feasible[i]!.costs))
    const ranked = front.map((i, place) => ({ ...feasible[i]!, rank, crowding: -distance[place]! }))
    chosen.push(...ranked.sort(compare).slice(0, size - chosen.length))
  }
  if (chosen.length >= size) return chosen
  // all in one front of their own, those of equal violation together
  others.sort((a, b) =>
    a.excess === b.excess ? b.member.trial.number - a.member.trial.number : a.excess < b.excess ? -1 : 1,
  )
  for (const { member, excess } of others.slice(0, size - chosen.length))
    chosen.push({ ...member, rank: fronts.length, crowding: excess })
  return chosen
}

function compare(a: Ranked, b: Ranked): number {
  // crowding may be infinite on both sides: their difference would be NaN
  return (
    a.rank - b.rank || (a.crowding === b.crowding ? b.trial.number - a.trial.number : a.crowding < b.crowding ? -1 : 1)
  )
}

function tournament(elite: readonly Ranked[], rng: Rng): Ranked {
  const [a, b] = [rng.pick(elite), rng.pick(elite)]
  return compare(a, b) <= 0 ? a : b
}
