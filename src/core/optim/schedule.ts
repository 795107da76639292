import { integer, optionalReal, real } from '../params.ts'
import type { ValuesOf } from '../params.ts'

export const SCHEDULE_PARAMS = {
  lr: real({ doc: 'Highest learning rate.', min: 0, max: 10, default: 3e-3, search: [1e-3, 3e-3, 6e-3] }),
  lrMin: optionalReal({
    doc: 'Learning rate at the end; by default a tenth of the highest.',
    min: 0,
    max: 10,
    default: null,
  }),
  warmup: integer({ doc: 'Steps of linear warm-up.', unit: 'steps', min: 0, max: 1e9, default: 20 }),
} as const

/**
 * Cosine schedule with linear warm-up: the learning rate of step s = 0, 1, ... of `total` (arXiv 1608.03983; operators.md 7).
 */
export function cosineLr(step: number, total: number, { lr, lrMin, warmup }: ValuesOf<typeof SCHEDULE_PARAMS>): number {
  const low = lrMin ?? lr / 10
  if (step < warmup) return (lr * (step + 1)) / warmup
  if (step >= total) return low
  return low + 0.5 * (lr - low) * (1 + Math.cos((Math.PI * (step - warmup)) / Math.max(1, total - warmup)))
}
