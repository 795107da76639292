// The synthetic tasks, in display order: recall, copying, state tracking.

import { HeddleError } from '../errors.ts'
import { show } from '../params.ts'
import { fuzzyRecall } from './fuzzy-recall.ts'
import { induction } from './induction.ts'
import { modularCounter } from './modular-counter.ts'
import { mqar } from './mqar.ts'
import { needle } from './needle.ts'
import { parity } from './parity.ts'
import { permutation } from './permutation.ts'
import { selectiveCopying } from './selective-copying.ts'
import type { Task } from './task.ts'

export { drawBatch, IGNORE } from './task.ts'
export type { Batch, BatchKey, BatchSize, Score, Split, Task } from './task.ts'

export const tasks: readonly Task[] = [
  mqar,
  needle,
  induction,
  fuzzyRecall,
  selectiveCopying,
  parity,
  modularCounter,
  permutation,
]

/**
 * The task of a kind.
 * @throws HeddleError `usage` when there is none.
 */
export function taskOf(kind: string): Task {
  const task = tasks.find((t) => t.kind === kind)
  if (task !== undefined) return task
  throw new HeddleError('usage', `there is no task ${show(kind)}`, {
    path: 'task',
    hint: `tasks: ${tasks.map((t) => t.kind).join(', ')}`,
  })
}
