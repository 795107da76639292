// Studies and the trials of those that were opened.

import { failuresOf, makeSpace, parseGoal, trialsOf } from '#core/search/index.ts'
import type { Goal, Space, Trial } from '#core/search/index.ts'
import type { FrozenTable } from '#main/api/search/table.ts'
import type { Api } from '#main/api/workbench/index.ts'
import { client } from '../client.ts'
import { predictorOf } from './predictions.ts'

export type StudyInfo = Awaited<ReturnType<Api['studies']['list']>>[number]

/** A search that was opened: what its rows mean, and its trials by number. */
export interface OpenSearch {
  readonly study: StudyInfo
  readonly space: Space
  readonly goal: Goal
  readonly trials: readonly Trial[]
  /** Why trials ended without metrics, by number. */
  readonly failures: ReadonlyMap<number, string>
}

class Studies {
  list = $state.raw<readonly StudyInfo[]>([])
  searches = $state.raw<ReadonlyMap<number, OpenSearch>>(new Map())

  async load(): Promise<void> {
    this.list = await client.studies.list()
    // budgets and states change while trials come in
    this.searches = new Map(
      [...this.searches].map(([id, search]) => [id, { ...search, study: this.get(id) ?? search.study }]),
    )
  }

  clear(): void {
    this.list = []
    this.searches = new Map()
  }

  get(id: number): StudyInfo | undefined {
    return this.list.find((study) => study.id === id)
  }

  /** Reads the trials of a search, once. Throws for a study of another kind or with a space that cannot be read. */
  async open(id: number): Promise<OpenSearch> {
    const known = this.searches.get(id)
    if (known !== undefined) return known
    const study = this.get(id)
    if (study === undefined || study.kind !== 'search') throw new Error(`study ${id} is not a search`)
    const space = spaceOf(study)
    const goal = parseGoal(study.config['goal'])
    const columns = await client.search.trials({ study: id })
    const search = { study, space, goal, trials: trialsOf(columns, space), failures: failuresOf(columns) }
    this.searches = new Map([...this.searches, [id, search]])
    return search
  }

  /** A trial that began or ended, with why it failed. */
  put(id: number, trial: Trial, problem: string | null): void {
    const search = this.searches.get(id)
    if (search === undefined) return
    const at = search.trials.findIndex((other) => other.number === trial.number)
    const trials = at < 0 ? [...search.trials, trial] : search.trials.with(at, trial)
    const failures = problem === null ? search.failures : new Map(search.failures).set(trial.number, problem)
    this.searches = new Map(this.searches).set(id, { ...search, trials, failures })
  }
}

/** The space of a search; its own table chooses widths where the space fits them to a latency. */
function spaceOf({ config }: StudyInfo): Space {
  const table = config['table'] as FrozenTable | undefined
  const predict = table && predictorOf(table)
  return makeSpace(config['space'], predict && ((spec) => predict(spec).tpotMs?.ms ?? NaN))
}

export const studies = new Studies()
