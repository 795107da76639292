// What a searcher is: a pure function from the visible history of a study to its next trial.

import type { Entry } from '../entry.ts'
import type { ArchSpec } from '../model/spec.ts'
import { resolveParams } from '../params.ts'
import type { ParamSchema, ParamValues, ValuesOf } from '../params.ts'
import { rng as rngOf } from '../rng.ts'
import type { Rng } from '../rng.ts'
import type { Mutation } from './space/encoding.ts'
import type { Genome } from './space/genome.ts'
import { keyOf, sampleGenome, specOf } from './space/space.ts'
import type { Space } from './space/space.ts'
import type { Goal } from './study/objectives.ts'
import { visibleHistory } from './study/trial.ts'
import type { Proposed, Trial, VisibleHistory } from './study/trial.ts'

/** What a searcher sees. */
export interface History extends VisibleHistory {
  /** Number of the trial to propose. */
  readonly number: number
  readonly goal: Goal
}

/** The next trial; numbers of the parents refer to the history. */
export interface Proposal extends Omit<Proposed, 'number'> {
  readonly spec: ArchSpec
}

/**
 * A search algorithm. `propose` is pure: the same history, space and stream of random numbers give the same proposal.
 * It must take any history: failed trials, metrics that are missing or not finite, none at all.
 */
export interface Searcher<S extends ParamSchema = ParamSchema> extends Entry<S> {
  propose(history: History, space: Space, rng: Rng, params: ValuesOf<S>): Proposal
}

/** Keeps the types of `params` while the registry holds searchers of any schema. */
export const defineSearcher = <const S extends ParamSchema>(searcher: Searcher<S>): Searcher =>
  searcher as unknown as Searcher

/** A study as far as its proposals depend on it. None of it may change while the study lasts, or it cannot be resumed. */
export interface StudyPlan {
  readonly searcher: Searcher
  /** Of the searcher; missing ones have their defaults. */
  readonly params: ParamValues
  readonly space: Space
  readonly goal: Goal
  readonly seed: number
  /** Evaluators that work at the same time. */
  readonly parallel: number
}

/**
 * Proposes trial `number` from the rows of a study; undefined while trials that it must see have not finished (see
 * `visibleHistory`).
 * @throws HeddleError `param-invalid` for a bad parameter of the searcher.
 */
export function proposeTrial(study: StudyPlan, rows: readonly Trial[], number: number): Proposal | undefined {
  const { searcher, space, goal, seed, parallel } = study
  const params = resolveParams(searcher.params, study.params, { dModel: 0 }, 'params')
  const visible = visibleHistory(rows, number, parallel)
  return visible && searcher.propose({ ...visible, number, goal }, space, rngOf(seed, 'trial', number), params)
}

/** A genome and where it comes from. */
export interface Candidate {
  readonly genome: Genome
  readonly parents: readonly number[]
  readonly mutation: Mutation | null
}

/** A random genome, as a candidate without parents. */
export const randomCandidate = (space: Space, rng: Rng): Candidate => founder(sampleGenome(space, rng))

const founder = (genome: Genome): Candidate => ({ genome, parents: [], mutation: null })

function proposalOf({ genome, parents, mutation }: Candidate, space: Space): Proposal {
  return { spec: specOf(genome, space), key: keyOf(genome, space), genome, parents, mutation }
}

/** Attempts at a network that the study has not had. */
const ATTEMPTS = 64

/** Proposes the first candidate whose network the study has not had; where none comes up in some attempts, the last. */
export function firstNew({ trials, pending }: History, space: Space, make: () => Candidate): Proposal {
  let proposal = proposalOf(make(), space)
  const isProposed = ({ key }: Proposed): boolean => key === proposal.key
  if (!trials.some(isProposed) && !pending.some(isProposed)) return proposal
  const known = new Set([...trials, ...pending].map(({ key }) => key))
  for (let attempt = 1; attempt < ATTEMPTS && known.has(proposal.key); attempt++) proposal = proposalOf(make(), space)
  return proposal
}

/** Proposes the seed design of this number, else a random one that the study has not had. */
export function freshProposal(history: History, space: Space, rng: Rng): Proposal {
  const seed = space.seeds[history.number]
  return seed === undefined
    ? firstNew(history, space, () => randomCandidate(space, rng))
    : proposalOf(founder(seed), space)
}
