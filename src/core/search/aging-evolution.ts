// Aging evolution, Algorithm 1 of arXiv 2511.18890 (Real et al., arXiv 1802.01548). The population is the last P trials
// that have a result: when a trial ends the oldest one dies, by being P trials ago.

import { integer } from '../params.ts'
import type { Rng } from '../rng.ts'
import { defineSearcher, firstNew, freshProposal, randomCandidate } from './searcher.ts'
import type { History } from './searcher.ts'
import { mutate } from './space/mutate.ts'
import { violation } from './study/objectives.ts'
import { populationOf } from './study/population.ts'
import type { Member } from './study/population.ts'

export const agingEvolution = defineSearcher({
  kind: 'aging-evolution',
  title: 'Aging evolution',
  doc: 'Evolution by tournament and age for one objective, the first of the study: the best of a few random members of the population that meets the constraints (where none does, the one that misses them least) gets a child with one mutation; the oldest member dies. The population starts with the seed designs and random ones (arXiv 1802.01548; Algorithm 1 of arXiv 2511.18890).',
  params: {
    populationSize: integer({
      doc: 'Trials in the population; so many start it.',
      unit: 'trials',
      min: 1,
      max: 100_000,
      default: 32,
    }),
    tournamentSize: integer({
      doc: 'Members drawn for a tournament, at most all. More: greedier.',
      unit: 'trials',
      min: 1,
      max: 100_000,
      default: 8,
    }),
  },
  propose: (history, space, rng, { populationSize, tournamentSize }) => {
    const goal = { ...history.goal, objectives: history.goal.objectives.slice(0, 1) }
    const population = populationOf(history.trials, goal, populationSize)
    const isStarting = history.number < space.seeds.length || population.length < populationSize
    if (isStarting) return freshProposal(history, space, rng)
    return firstNew(history, space, () => {
      const parent = tournament(population, history, tournamentSize, rng)
      const child = mutate(parent.trial.genome, space, rng)
      return child === undefined ? randomCandidate(space, rng) : { ...child, parents: [parent.trial.number] }
    })
  },
})

/** The best of some members drawn without replacement; the youngest of equals. */
function tournament(population: readonly Member[], { goal }: History, size: number, rng: Rng): Member {
  const drawn = rng.shuffle(population).slice(0, size)
  const ranked = drawn.map((member) => ({ member, excess: violation(goal.constraints, member.trial.metrics) }))
  // excesses may both be infinite: their difference would be NaN
  const order = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1)
  ranked.sort(
    (a, b) =>
      order(a.excess, b.excess) ||
      order(a.member.costs[0]!, b.member.costs[0]!) ||
      b.member.trial.number - a.member.trial.number,
  )
  return ranked[0]!.member
}
