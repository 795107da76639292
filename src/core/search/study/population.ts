// The population of a search by age: the last trials that have a result.

import { costsOf } from './objectives.ts'
import type { Goal } from './objectives.ts'
import type { Trial } from './trial.ts'

/** A trial with a finite value of every objective, turned so that small is good. */
export interface Member {
  readonly trial: Trial
  readonly costs: readonly number[]
}

/** The trial as a member; undefined if it failed or an objective is missing or not finite. */
export function memberOf(trial: Trial, goal: Goal): Member | undefined {
  const costs = costsOf(goal, trial)
  return costs && { trial, costs }
}

/** The members among trials, in their order. */
export function membersOf(trials: readonly Trial[], goal: Goal): Member[] {
  const members: Member[] = []
  for (const trial of trials) {
    const member = memberOf(trial, goal)
    if (member !== undefined) members.push(member)
  }
  return members
}

/** The last `size` members, oldest first, of trials in the order of their numbers. */
export function populationOf(trials: readonly Trial[], goal: Goal, size: number): Member[] {
  const members: Member[] = []
  for (let i = trials.length - 1; i >= 0 && members.length < size; i--) {
    const member = memberOf(trials[i]!, goal)
    if (member !== undefined) members.push(member)
  }
  return members.reverse()
}
