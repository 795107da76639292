// A study's trials, a list for each column, with JSON as the text that it is stored as: tens of thousands pass from the
// store to a screen without being built as rows on the way.

import { HeddleError } from '../../errors.ts'
import { show } from '../../params.ts'
import type { Space } from '../space/space.ts'
import { trialOf, TRIAL_STATES } from './trial.ts'
import type { Metrics, StoredTrial, Trial, TrialState } from './trial.ts'

/** Equally long lists, by number. */
export interface TrialColumns {
  readonly numbers: Int32Array
  readonly states: readonly string[]
  readonly metrics: readonly (string | null)[]
  readonly mutations: readonly (string | null)[]
  /** Trials that ended with an error: their number and the error. */
  readonly errors: readonly (readonly [number, string])[]
}

/**
 * The trials of columns.
 * @throws HeddleError `store-invalid` naming the trial and the value that no trial can have; as `trialOf`.
 */
export function trialsOf({ numbers, states, metrics, mutations }: TrialColumns, space: Space): Trial[] {
  return Array.from(numbers, (number, i) => {
    const state = states[i] as TrialState
    if (!TRIAL_STATES.includes(state)) refuse(number, 'state', states[i], `one of ${TRIAL_STATES.join(', ')}`)
    const values = recordFrom(metrics[i]!, number, 'metrics')
    for (const name in values)
      if (values[name] !== null && typeof values[name] !== 'number')
        refuse(number, `metrics.${name}`, values[name], 'a number')
    const mutation = recordFrom(mutations[i]!, number, 'mutation') as StoredTrial['mutation']
    return trialOf({ number, state, metrics: values as Metrics | null, mutation }, space)
  })
}

/** Why trials ended without metrics, by number. */
export const failuresOf = ({ errors }: TrialColumns): Map<number, string> =>
  new Map(
    errors.map(([number, text]) => {
      const message = recordFrom(text, number, 'error')?.['message']
      return [number, typeof message === 'string' ? message : refuse(number, 'error.message', message, 'text')]
    }),
  )

function recordFrom(text: string | null, number: number, what: string): Readonly<Record<string, unknown>> | null {
  if (text === null) return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refuse(number, what, text, 'JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(number, what, value, 'an object')
  return value as Readonly<Record<string, unknown>>
}

function refuse(number: number, what: string, value: unknown, rule: string): never {
  throw new HeddleError('store-invalid', `trial ${number}: ${what} (${show(value)}) must be ${rule}`, {
    hint: 'heddle project check lists what is wrong, heddle project recover copies what can be read into another project',
  })
}
