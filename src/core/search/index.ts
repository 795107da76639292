// The searchers, in display order, and the parts of a study that others use.

import { HeddleError } from '../errors.ts'
import { show } from '../params.ts'
import { agingEvolution } from './aging-evolution.ts'
import { nsga2 } from './nsga2.ts'
import { randomSearch } from './random-search.ts'
import type { Searcher } from './searcher.ts'

export { proposeTrial } from './searcher.ts'
export type { History, Proposal, Searcher, StudyPlan } from './searcher.ts'
export { parseSpaceConfig, SPACE_FIELDS, DEFAULT_SPACE } from './space/config.ts'
export type { SpaceConfig } from './space/config.ts'
export type { Encoding, Mutation, MutationKind, SpaceSize } from './space/encoding.ts'
export type { Genome } from './space/genome.ts'
export { encodings, encodeSpec, keyOf, makeSpace, parseGenome, sizeOfSpace, specOf } from './space/space.ts'
export type { Predict, Space } from './space/space.ts'
export { ancestorsOf, deathsOf, takeover } from './study/lineage.ts'
export { costsOf, meets, measuredGoal, metricsOf, parseGoal, renameMetrics, violation } from './study/objectives.ts'
export type { Constraint, Goal, Objective } from './study/objectives.ts'
export { failuresOf, trialsOf } from './study/columns.ts'
export type { TrialColumns } from './study/columns.ts'
export { nextNumber, trialOf, visibleHistory, withMetrics } from './study/trial.ts'
export type { Metrics, Proposed, Trial, TrialState } from './study/trial.ts'
export { whatIf } from './study/what-if.ts'
export type { WhatIfResult } from './study/what-if.ts'

export const searchers: readonly Searcher[] = [agingEvolution, randomSearch, nsga2]

/**
 * The searcher of a kind.
 * @throws HeddleError `usage` when there is none.
 */
export function searcherOf(kind: string): Searcher {
  const searcher = searchers.find((s) => s.kind === kind)
  if (searcher !== undefined) return searcher
  throw new HeddleError('usage', `there is no searcher ${show(kind)}`, {
    path: 'searcher',
    hint: `searchers: ${searchers.map((s) => s.kind).join(', ')}`,
  })
}
