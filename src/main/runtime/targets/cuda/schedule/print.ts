// The text of a schedule: one line a step, then the memory plan.

import type { Buffer } from './job.ts'
import type { Schedule, Step } from './schedule.ts'
import { STORED_BYTES } from './values.ts'

const bufferText = (buffer: Buffer): string => `${buffer.name}: ${buffer.stored}[${buffer.size}]`
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

function actionText({ action }: Step): string {
  switch (action.kind) {
    case 'copy':
      return 'copy'
    case 'matmul': {
      const { m, n, k, batch, a, b, c } = action.shape
      const flip = (isTransposed: boolean): string => (isTransposed ? 'T' : '')
      return `product ${batch}x[${m},${k}]${flip(a.transposed)}x[${k},${n}]${flip(b.transposed)} ${a.type}->${c.type}`
    }
    case 'table':
    case 'kernel': {
      const { kernel, grid, block } = action.launch
      return `${kernel.name} <<<${grid.join('x')}, ${block}>>>`
    }
  }
}

/** A step as a line: what runs, what it computes, where it comes from, what it reads and writes. */
export function printStep(step: Step, index: number): string {
  const reads = step.reads.filter((b) => !step.writes.includes(b)).map(bufferText)
  return `${String(index).padStart(5)} ${step.isOnce ? 'once ' : ''}${actionText(step)}  (${step.label} @ ${step.scope})\n        ${reads.join(', ') || '-'}  ->  ${step.writes.map(bufferText).join(', ')}`
}

/** The whole schedule, as `heddle lower --target cuda --trace` prints it. */
export function printSchedule({ steps, memory, compute }: Schedule): string {
  const kernels = new Set(
    steps.flatMap(({ action }) =>
      action.kind === 'kernel' || action.kind === 'table' ? [action.launch.kernel.name] : [],
    ),
  )
  const count = (kind: Step['action']['kind']): number => steps.filter((step) => step.action.kind === kind).length
  return [
    ...steps.map(printStep),
    '',
    `${steps.length} steps in ${compute}: ${count('kernel') + count('table')} kernels (${kernels.size} different), ${count('matmul')} products, ${count('copy')} copies`,
    `arena ${mib(memory.arenaBytes)} (${mib(memory.unsharedBytes)} side by side), kept ${mib(memory.keptBytes)}`,
    '',
  ].join('\n')
}

/** The generated kernels, each once. */
export function printKernels({ steps }: Schedule): string {
  const sources = new Map(
    steps.flatMap(({ action }) =>
      action.kind === 'kernel' || action.kind === 'table'
        ? [[action.launch.kernel.name, action.launch.kernel.source]]
        : [],
    ),
  )
  return [...sources.values()].join('\n\n')
}

/** Bytes that a step moves at least: every buffer once. */
export const stepBytes = (step: Step): number =>
  [...new Set([...step.reads, ...step.writes])].reduce((sum, b) => sum + b.size * STORED_BYTES[b.stored], 0)
