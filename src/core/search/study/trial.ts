// Trials and what a proposal may see of them. A study is its rows: nothing else is remembered between proposals, so a
// study that was killed goes on exactly as it would have.
//
// With p evaluators, trial n is proposed from the results of trials 0 to n - p, all of them, in the order of their
// numbers. That rule does not know which evaluator was faster: the sequence of proposals depends on results alone.
// It costs a wait now and then: trial n starts when trial n - p has ended, even if a later one has ended before it.

import type { Mutation } from '../space/encoding.ts'
import type { Genome } from '../space/genome.ts'
import { keyOf, parseGenome } from '../space/space.ts'
import type { Space } from '../space/space.ts'

export const TRIAL_STATES = ['running', 'done', 'failed', 'cancelled', 'interrupted'] as const
export type TrialState = (typeof TRIAL_STATES)[number]

/** Values by the names of core/metrics; what could not be measured is null, NaN or absent. */
export type Metrics = Readonly<Record<string, number | null>>

/** What is known of a trial when it starts. */
export interface Proposed {
  /** Place in the study's sequence, from 0. */
  readonly number: number
  readonly genome: Genome
  /** `keyOf` the genome: equal for trials of the same network. */
  readonly key: string
  /** Numbers of the trials that it was made from; none for seeds and random ones. */
  readonly parents: readonly number[]
  readonly mutation: Mutation | null
}

/** A trial of a study, as its row holds it. */
export interface Trial extends Proposed {
  readonly state: TrialState
  readonly metrics: Metrics
}

/** What a stored row says of a trial; `mutation` holds its genome, its parents and what changed. */
export interface StoredTrial {
  readonly number: number
  readonly state: TrialState
  readonly metrics: Metrics | null
  readonly mutation: Readonly<Record<string, unknown>> | null
}

/**
 * The trial of a stored row, as searchers and plots see it.
 * @throws HeddleError where the genome is not of the space.
 */
export function trialOf({ number, state, metrics, mutation }: StoredTrial, space: Space): Trial {
  const proposal = mutation as unknown as Pick<Proposed, 'parents' | 'mutation'> & { readonly genome: unknown }
  const { parents, mutation: change } = proposal
  const genome = parseGenome(proposal.genome, space)
  return new LazyTrial({ number, genome, parents, mutation: change, state, metrics: metrics ?? {} }, () =>
    keyOf(genome, space),
  )
}

/** The same trial with other metrics. */
export const withMetrics = (trial: Trial, metrics: Metrics): Trial => new LazyTrial(trial, () => trial.key, metrics)

/** Most of those who read ten thousands of trials ask for no key. A class: a getter of each object's own costs more than all else. */
class LazyTrial implements Trial {
  readonly number: number
  readonly genome: Genome
  readonly parents: readonly number[]
  readonly mutation: Mutation | null
  readonly state: TrialState
  readonly metrics: Metrics
  #key: string | (() => string)

  constructor(
    { number, genome, parents, mutation, state, metrics }: Omit<Trial, 'key'>,
    key: () => string,
    own: Metrics = metrics,
  ) {
    this.number = number
    this.genome = genome
    this.parents = parents
    this.mutation = mutation
    this.state = state
    this.metrics = own
    this.#key = key
  }

  get key(): string {
    if (typeof this.#key === 'function') this.#key = this.#key()
    return this.#key
  }

  /** As it travels: a copy of the fields would lack the key. */
  toJSON(): Trial {
    return { ...this, key: this.key }
  }
}

/** Whether a trial has run to an end that counts. Cancelled and interrupted ones run again under their number. */
export const isFinished = ({ state }: { readonly state: TrialState }): boolean => state === 'done' || state === 'failed'

/** What the proposal of a trial may see. */
export interface VisibleHistory {
  /** Finished trials 0 to n - p, by number. */
  readonly trials: readonly Trial[]
  /** Trials after those and before n: what was proposed, not what came of it. */
  readonly pending: readonly Proposed[]
}

/**
 * What the proposal of trial `number` may see, with `parallel` evaluators; undefined while one of the trials that it
 * must see has not finished, or one before it was not proposed. Rows may come in any order, with later ones among them.
 */
export function visibleHistory(rows: readonly Trial[], number: number, parallel: number): VisibleHistory | undefined {
  const byNumber = numbered(rows, number)
  const seen = Math.max(0, number - parallel + 1)
  const trials: Trial[] = []
  const pending: Proposed[] = []
  for (let n = 0; n < number; n++) {
    const row = byNumber[n]
    if (row === undefined) return undefined
    if (n >= seen)
      pending.push({ number: n, genome: row.genome, key: row.key, parents: row.parents, mutation: row.mutation })
    else if (isFinished(row)) trials.push(row)
    else return undefined
  }
  return { trials, pending }
}

/**
 * The number of the trial to start now: the first that neither runs nor has finished; undefined where it must wait for
 * others or the study of `budget` trials has started all. Call it again after each start until it says undefined.
 */
export function nextNumber(rows: readonly Trial[], budget: number, parallel: number): number | undefined {
  const byNumber = numbered(rows, budget)
  let running = 0
  let next: number | undefined
  for (let n = budget - 1; n >= 0; n--) {
    const row = byNumber[n]
    if (row?.state === 'running') running++
    else if (row === undefined || !isFinished(row)) next = n
  }
  if (next === undefined || running >= parallel) return undefined
  // what was proposed before an interruption runs again as it was
  if (byNumber[next] !== undefined) return next
  return visibleHistory(rows, next, parallel) === undefined ? undefined : next
}

function numbered(rows: readonly Trial[], end: number): (Trial | undefined)[] {
  const byNumber = new Array<Trial | undefined>(end).fill(undefined)
  for (const row of rows) {
    if (row.number >= end) continue
    if (byNumber[row.number] !== undefined) throw new Error(`trial ${row.number} has two rows`)
    byNumber[row.number] = row
  }
  return byNumber
}
