// Runs the cases of a folder of golden vectors, one after another; a case that throws has failed and the run goes on.

import { join } from 'node:path'
import { errorRecord } from '#core/errors.ts'
import type { Target } from '#main/runtime/targets/target.ts'
import { readHuggingFaceIndex, readIndex } from './case-index.ts'
import type { GoldenCase } from './case-index.ts'
import { checkHuggingFace } from './cases/hf.ts'
import { field, invalid } from './json.ts'
import { checkModel } from './cases/model.ts'
import { checkOperator } from './cases/operator.ts'
import type { Check } from './report.ts'
import { passes } from './report.ts'
import { checkCosine, checkCrossEntropy, checkRmsNorm } from './cases/small.ts'
import { readTensors } from './tensors.ts'
import type { Tensors } from './tensors.ts'
import { checkTraining } from './cases/train.ts'

export interface CaseResult {
  readonly name: string
  readonly passed: boolean
  readonly checks: readonly Check[]
  /** Why the case could not be finished. */
  readonly error: string | undefined
}

/** A case that can be run. */
export interface RunnableCase {
  readonly name: string
  readonly run: (targets: readonly Target[]) => Promise<CaseResult>
}

type CaseRunner = (golden: GoldenCase, tensors: Tensors, targets: readonly Target[], checks: Check[]) => Promise<void>

/** Families with their own runner; every other name is an operator. */
const FAMILIES: ReadonlyMap<string, CaseRunner> = new Map<string, CaseRunner>([
  ['model', checkModel],
  ['train', checkTraining],
  ['rmsnorm', checkRmsNorm],
  ['cross_entropy', checkCrossEntropy],
  ['cosine_lr', (golden, _tensors, _targets, checks) => Promise.resolve(checkCosine(golden, checks))],
])

/**
 * The cases of a folder.
 * @throws HeddleError `file-missing` or `file-invalid` when the folder has no readable index
 */
export function goldenCases(folder: string): RunnableCase[] {
  return [
    ...readIndex(folder).map(({ name, read }) =>
      runnable(name, (targets, checks) => runCase(folder, read(), targets, checks)),
    ),
    ...readHuggingFaceIndex(folder).map(({ name, read }) =>
      runnable(`hf/${name}`, (targets, checks) => checkHuggingFace(read(), targets, checks)),
    ),
  ]
}

function runnable(name: string, run: (targets: readonly Target[], checks: Check[]) => Promise<void>): RunnableCase {
  return {
    name,
    run: async (targets) => {
      const checks: Check[] = []
      let error: string | undefined
      try {
        await run(targets, checks)
        if (checks.length === 0) error = 'nothing was compared'
      } catch (thrown) {
        const { message, path } = errorRecord(thrown)
        error = path === undefined ? message : `${path}: ${message}`
      }
      return { name, passed: error === undefined && checks.every(passes), checks, error }
    },
  }
}

async function runCase(folder: string, golden: GoldenCase, targets: readonly Target[], checks: Check[]): Promise<void> {
  const family = FAMILIES.get(golden.operator) ?? checkOperator
  if (golden.operator === 'cosine_lr') return family(golden, new Map(), targets, checks)
  if (golden.file === undefined) return invalid(`${golden.path}.file`, 'the case names no file')
  await family(golden, readTensors(join(folder, golden.file), field(golden.entry, 'tensors')), targets, checks)
}
