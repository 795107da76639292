// A stack that somebody gives to a search: the next trial, without parents, evaluated like all others. It is stored as
// one that was interrupted: the search takes it instead of a proposal of its own, now or when it goes on.

import { HeddleError } from '#core/errors.ts'
import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import { encodeSpec, keyOf, specOf } from '#core/search/index.ts'
import type { Trial } from '#core/search/index.ts'
import type { Project } from '#main/store/db.ts'
import { finishTrial, startTrial } from '#main/store/trials.ts'
import { recordSpec } from '../record.ts'
import { openSearch, readTrials } from '../search.ts'

/**
 * Adds a stack to a study, whose budget grows by it; returns its trial. The vocabulary is that of the study.
 * @throws HeddleError `spec-invalid` for what the space of the study cannot express, `usage` for a stack that it has
 */
export function addTrial(project: Project, id: number, json: unknown): Trial {
  const study = openSearch(project, id)
  const { plan, config } = study
  const spec = parseSpec(json)
  const { vocabSize: _vocabulary, ...model } = spec.model
  const genome = encodeSpec({ ...spec, model }, plan.space)
  const made = specOf(genome, plan.space)
  const [asked, offered] = [resolveSpec(spec).settings, resolveSpec(made).settings]
  for (const [name, value] of Object.entries(offered))
    if (name !== 'vocabSize' && asked[name as keyof typeof asked] !== value)
      throw new HeddleError(
        'spec-invalid',
        `${name} (${String(asked[name as keyof typeof asked])}) is not in the search space`,
        { path: `model.${name}`, hint: `every stack of study ${id} has ${String(value)}` },
      )
  const trials = readTrials(project, study)
  const key = keyOf(genome, plan.space)
  const twin = trials.find((trial) => trial.key === key)
  if (twin !== undefined)
    throw new HeddleError('usage', `trial ${twin.number} of study ${id} is this stack already`, { path: 'spec' })
  const number = trials.reduce((most, trial) => Math.max(most, trial.number + 1), 0)
  project.sql.transaction(() => {
    const mutation = JSON.parse(JSON.stringify({ genome, parents: [], mutation: null })) as Record<string, never>
    const trial = startTrial(project, { study: id, number, spec: recordSpec(project, made), mutation })
    finishTrial(project, trial, { state: 'interrupted' })
    openSearch(project, id, config.trials + 1)
  })
  return { number, genome, key, parents: [], mutation: null, state: 'interrupted', metrics: {} }
}
