// Trials of studies as rows for code, whatever the study.

import { client } from '../../client.ts'
import { stacks } from '../../state/stacks.svelte.ts'
import { numbersOf } from './view.ts'

export const TRIALS_TYPE =
  'readonly ({ readonly trial: number; readonly state: string; readonly stack: string } & { readonly [metric: string]: number | string | null })[]'

/** One row for each trial: number, state, pattern, metrics. */
export async function trialRows(result: unknown): Promise<unknown> {
  const [study] = numbersOf(result, 'study')
  if (study === undefined) return []
  const trials = await client.studies.trials({ study })
  await stacks.need(trials.map((trial) => trial.spec))
  return trials.map((trial) => ({
    ...trial.metrics,
    trial: trial.number,
    state: trial.state,
    stack: stacks.byHash.get(trial.spec)?.pattern ?? trial.spec.slice(0, 8),
  }))
}
