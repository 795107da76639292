// Projects to time screens on, made with the functions of the store. Their numbers are made up: what is timed is how
// screens show rows, never what rows say.

import { rng } from '#core/rng.ts'
import { makeSpace, specOf } from '#core/search/index.ts'
import { mutate } from '#core/search/space/mutate.ts'
import { sampleGenome } from '#core/search/space/space.ts'
import type { Genome } from '#core/search/space/genome.ts'
import { recordSpec } from '#main/api/record.ts'
import { createSearch } from '#main/api/search.ts'
import { parseEvaluation } from '#main/api/search/evaluation.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { updateStudy } from '#main/store/studies.ts'
import { finishTrial, startTrial } from '#main/store/trials.ts'

const POPULATION = 64
const FAILED_OF = 97
const SPACE = {
  dModels: [64, 96, 128],
  maxBlocks: 12,
  mixers: ['attention', 'deltanet', 'mamba2'],
  model: { vocabSize: 257 },
}

/** Makes a project with nothing in it. */
export const makeEmpty = (path: string): void => closeProject(openProject(path, { create: true }))

/** Makes a project with one search that has ended; returns the number of the study. */
export function makeSearch(path: string, trials: number): number {
  const project = openProject(path, { create: true })
  try {
    const space = makeSpace(SPACE)
    const study = createSearch(project, `${trials} trials`, {
      searcher: 'aging-evolution',
      params: {},
      space: SPACE,
      goal: { objectives: ['bitsPerByte', 'tpotMs'], constraints: [{ metric: 'tpotMs', max: 3 }] },
      trials,
      parallel: 1,
      seed: 1,
      evaluation: { ...parseEvaluation({}) },
    })
    const random = rng('ui-bench')
    const genomes: Genome[] = []
    const ids: number[] = []
    project.sql.transaction(() => {
      for (let number = 0; number < trials; number++) {
        const parent = number < POPULATION ? undefined : number - 1 - random.integer(POPULATION)
        const made = parent === undefined ? undefined : mutate(genomes[parent]!, space, random)
        const genome = made?.genome ?? sampleGenome(space, random)
        const mutation = made?.mutation ?? null
        const spec = specOf(genome, space)
        const parents = made === undefined ? [] : [parent!]
        const id = startTrial(project, {
          study: study.id,
          number,
          spec: recordSpec(project, spec),
          parent: made === undefined ? null : ids[parent!]!,
          mutation: JSON.parse(JSON.stringify({ genome, parents, mutation })) as Record<string, never>,
        })
        const tpotMs = 0.5 + 4 * random.uniform()
        if (number % FAILED_OF === FAILED_OF - 1)
          finishTrial(project, id, { state: 'failed', error: { code: 'train-diverged', message: 'the loss is NaN' } })
        else
          finishTrial(project, id, {
            state: 'done',
            metrics: { bitsPerByte: 1.5 + 1 / tpotMs + random.uniform(), tpotMs, params: 1e5 * (1 + random.uniform()) },
          })
        genomes.push(genome)
        ids.push(id)
      }
    })
    updateStudy(project, study.id, { state: 'done' })
    return study.id
  } finally {
    closeProject(project)
  }
}
