import type { Bar } from './bars.ts'

/** What one part of a stack takes when it is timed alone. */
export interface AttributedPart {
  readonly key: string
  readonly name: string
  readonly value: number
  readonly low?: number
  readonly high?: number
  readonly color?: string
  /** As `fused, CPU`. */
  readonly note?: string
}

/**
 * Bars of the parts, the largest first, and always one for what the whole takes beyond their sum: "unattributed". It is
 * below 0 where the parts add up to more, and its note says so. Parts without a finite value come last and add nothing.
 */
export function attributionBars(parts: readonly AttributedPart[], whole: number): Bar[] {
  const size = ({ value }: AttributedPart): number => (Number.isFinite(value) ? value : -Infinity)
  const sorted = [...parts].sort((a, b) => size(b) - size(a))
  const sum = parts.reduce((total, { value }) => total + (Number.isFinite(value) ? value : 0), 0)
  const rest = whole - sum
  const share = `${((100 * rest) / whole).toFixed(1)} %`
  const note = rest < 0 ? `${share}: the parts add up to more` : `${share} of the whole`
  return [...sorted, { key: 'unattributed', name: 'unattributed', value: rest, look: 'rest', note }]
}
