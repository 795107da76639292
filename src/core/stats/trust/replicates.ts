import type { CurvePoint } from '../settle.ts'
import { mean } from '../summary.ts'
import type { Replicate } from './panel.ts'

/**
 * Mean of the seeds of one architecture: at each step that any seed has, and at the end. NaN where one of them is missing or
 * not finite: a mean over fewer seeds would not compare with the others.
 */
export function meanCurve(replicates: readonly Replicate[]): {
  readonly curve: readonly CurvePoint[]
  readonly final: number
} {
  const byStep = new Map<number, number[]>()
  for (const { curve } of replicates) {
    for (const { step, value } of new Map(curve.map((point) => [point.step, point])).values())
      byStep.set(step, [...(byStep.get(step) ?? []), value])
  }
  const curve = [...byStep]
    .sort(([a], [b]) => a - b)
    .map(([step, values]) => ({ step, value: values.length === replicates.length ? mean(values) : NaN }))
  return { curve, final: mean(replicates.map(({ final }) => final)) }
}
