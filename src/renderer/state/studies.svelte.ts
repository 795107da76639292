// Studies and the trials of those that were opened.

import { failuresOf, makeSpace, parseGenome, parseGoal, trialsOf } from '#core/search/index.ts'
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

/** A board of ten thousands takes tenths of a second to draw. */
const REST_MS = 250
/** Trials of one answer. */
const PIECE = 2500
const MOST_PIECES = 32
/** Pieces asked for at a time: the workbench answers what has come together when all of it is done. */
const AHEAD = 2

interface News {
  readonly id: number
  readonly trial: Trial
  readonly problem: string | null
}

class Studies {
  list = $state.raw<readonly StudyInfo[]>([])
  searches = $state.raw<ReadonlyMap<number, OpenSearch>>(new Map())
  readonly #news: News[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

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
    this.#news.length = 0
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
    // in pieces: while one is read here the workbench makes the next
    const size = Math.max(PIECE, Math.ceil(study.trials / MOST_PIECES))
    const count = Math.max(1, Math.ceil(study.trials / size))
    const pieces = await inTurn(count, AHEAD, async (at) => {
      const end = at === count - 1 ? {} : { end: (at + 1) * size }
      const columns = await client.search.trials({ study: id, from: at * size, ...end })
      return { trials: trialsOf(columns, space), failures: [...failuresOf(columns)] }
    })
    const trials = pieces.flatMap((piece) => piece.trials)
    const failures = new Map(pieces.flatMap((piece) => piece.failures))
    const search = { study, space, goal, trials, failures }
    this.searches = new Map([...this.searches, [id, search]])
    return search
  }

  /** A trial that began or ended, with why it failed. Boards see what has come a few times a second. */
  put(id: number, trial: Trial, problem: string | null): void {
    this.#news.push({ id, trial, problem })
    this.#timer ??= setTimeout(() => this.#take(), REST_MS)
  }

  #take(): void {
    this.#timer = undefined
    const searches = new Map(this.searches)
    for (const [id, news] of Map.groupBy(this.#news.splice(0), (one) => one.id)) {
      const search = searches.get(id)
      if (search === undefined) continue
      const trials = [...search.trials]
      const failures = new Map(search.failures)
      const places = new Map(trials.map(({ number }, at) => [number, at]))
      for (const { trial, problem } of news) {
        const { number } = trial
        if (!places.has(number)) places.set(number, trials.length)
        // read like a stored one: it shares the operators of its space with all the others
        trials[places.get(number)!] = { ...trial, genome: parseGenome(trial.genome, search.space) }
        if (problem !== null) failures.set(number, problem)
      }
      searches.set(id, { ...search, trials, failures })
    }
    this.searches = searches
  }
}

/** Results of jobs 0 to count - 1, so many of which run at a time. */
async function inTurn<T>(count: number, most: number, job: (at: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) {
      const at = next++
      results[at] = await job(at)
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, count) }, work))
  return results
}

/** The space of a search; its own table chooses widths where the space fits them to a latency. */
function spaceOf({ config }: StudyInfo): Space {
  const table = config['table'] as FrozenTable | undefined
  const predict = table && predictorOf(table)
  return makeSpace(config['space'], predict && ((spec) => predict(spec).tpotMs?.ms ?? NaN))
}

export const studies = new Studies()
