// Who descends from whom, who died when, and whose descendants took over: read off the rows of a study.

import type { Goal } from './objectives.ts'
import { membersOf } from './population.ts'
import type { Trial } from './trial.ts'

/** Trials by number; a row whose parent is missing or not older starts a line of its own. */
function parentOf(trial: Trial, byNumber: ReadonlyMap<number, Trial>): Trial | undefined {
  const [parent] = trial.parents
  return parent !== undefined && parent < trial.number ? byNumber.get(parent) : undefined
}

const indexed = (rows: readonly Trial[]): ReadonlyMap<number, Trial> => new Map(rows.map((row) => [row.number, row]))

/**
 * A trial and its ancestors, the founder first; each carries the mutation that made it. Of two parents the line follows
 * the first. Empty if no row has the number.
 */
export function ancestorsOf(rows: readonly Trial[], number: number): Trial[] {
  const byNumber = indexed(rows)
  const line: Trial[] = []
  for (let trial = byNumber.get(number); trial !== undefined; trial = parentOf(trial, byNumber)) line.push(trial)
  return line.reverse()
}

/**
 * When each trial died of age: its number to the number of the trial whose result pushed it out of a population of
 * `populationSize`. Living trials, and those that never were members, have none.
 */
export function deathsOf(rows: readonly Trial[], goal: Goal, populationSize: number): ReadonlyMap<number, number> {
  const members = membersOf(byOrder(rows), goal).map(({ trial }) => trial)
  return new Map(members.slice(populationSize).map(({ number }, i) => [members[i]!.number, number]))
}

/** The population after a trial: who founded it. */
export interface TakeoverStep {
  /** The trial that entered. */
  readonly number: number
  /** Founders with living descendants, themselves included. */
  readonly founders: number
  /** The founder with most of them (the older of equals), and their share of the population. */
  readonly leader: number
  readonly share: number
}

/** How the descendants of founders spread through a population of `populationSize`: one step for each member. */
export function takeover(rows: readonly Trial[], goal: Goal, populationSize: number): TakeoverStep[] {
  const byNumber = indexed(rows)
  const founders = new Map<number, number>()
  for (const row of byOrder(rows)) {
    const parent = parentOf(row, byNumber)
    founders.set(row.number, parent === undefined ? row.number : founders.get(parent.number)!)
  }
  const members = membersOf(byOrder(rows), goal).map(({ trial }) => trial)
  const living = new Map<number, number>()
  const add = (trial: Trial, by: number): void => {
    const founder = founders.get(trial.number)!
    const count = (living.get(founder) ?? 0) + by
    if (count === 0) living.delete(founder)
    else living.set(founder, count)
  }
  return members.map((trial, i) => {
    add(trial, 1)
    if (i >= populationSize) add(members[i - populationSize]!, -1)
    let leader = -1
    let most = 0
    for (const [founder, count] of living) {
      if (count < most || (count === most && founder > leader)) continue
      leader = founder
      most = count
    }
    return { number: trial.number, founders: living.size, leader, share: most / Math.min(i + 1, populationSize) }
  })
}

const byOrder = (rows: readonly Trial[]): Trial[] => [...rows].sort((a, b) => a.number - b.number)
