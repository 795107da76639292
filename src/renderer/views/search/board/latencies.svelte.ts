// The measurements behind the latencies of a search's trials: read once, then for each trial that ends.

import type { TrialLatency } from '#main/api/workbench/search.ts'
import { client } from '../../../client.ts'

const ONE_BY_ONE = 8

export class Latencies {
  readonly study: number
  /** By trial and metric: `7 tpotMs`. */
  #byKey = $state.raw<ReadonlyMap<string, TrialLatency>>(new Map())
  readonly #asked = new Set<number>()

  constructor(study: number) {
    this.study = study
  }

  /** Reads what is not there yet of trials that have ended. */
  async need(trials: readonly number[]): Promise<void> {
    const lacking = trials.filter((number) => !this.#asked.has(number))
    if (lacking.length === 0) return
    for (const number of lacking) this.#asked.add(number)
    const { study } = this
    const found =
      lacking.length > ONE_BY_ONE
        ? await client.search.latencies({ study })
        : (await Promise.all(lacking.map((trial) => client.search.latencies({ study, trial })))).flat()
    // plots of ten thousands are made again for every change
    if (found.length > 0)
      this.#byKey = new Map([...this.#byKey, ...found.map((one) => [`${one.trial} ${one.metric}`, one] as const)])
  }

  of(trial: number, metric: string): TrialLatency | undefined {
    const known = this.#byKey
    return known.size === 0 ? undefined : known.get(`${trial} ${metric}`)
  }
}
