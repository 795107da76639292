// What a search has reached after each trial: a step curve for each searcher, with a band where several seeds ran.
// Searchers differ by dash; their names stand at the right ends.

import { percentileInterval } from '../stats/interval.ts'
import { median } from '../stats/summary.ts'
import { frame, paddedDomain } from './axes.ts'
import { spread } from './curves.ts'
import type { Mark, Scene } from './scene.ts'
import type { Theme } from './theme.ts'

/** The value from one trial on, until the next. */
export interface ProgressStep {
  readonly trial: number
  readonly value: number
  /** Over seeds; absent for one. */
  readonly low?: number
  readonly high?: number
}

export interface ProgressSeries {
  readonly name: string
  readonly dash?: string
  readonly steps: readonly ProgressStep[]
}

export interface HypervolumeOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly xLabel: string
  readonly yLabel: string
}

/** Values after each trial of one seed, or of several as their median and the middle 95 %; trials count from 1. */
export function progressSeries(
  name: string,
  runs: readonly (ArrayLike<number> & Iterable<number>)[],
  dash?: string,
): ProgressSeries {
  const length = runs.reduce((least, run) => Math.min(least, run.length), Infinity)
  const steps = Array.from({ length: Number.isFinite(length) ? length : 0 }, (_, i): ProgressStep => {
    const values = runs.map((run) => run[i]!)
    if (values.length === 1) return { trial: i + 1, value: values[0]! }
    const { low, high, estimate } = percentileInterval(median(values), values, 0.95)
    return { trial: i + 1, value: estimate, low, high }
  })
  return { name, steps, ...(dash !== undefined && { dash }) }
}

/** Step curves from zero up; steps without a finite value are left out. */
export function hypervolumeScene(
  series: readonly ProgressSeries[],
  { width, height, theme, xLabel, yLabel }: HypervolumeOptions,
): Scene {
  const drawn = series
    .map((one) => ({ ...one, steps: one.steps.filter((s) => Number.isFinite(s.value)) }))
    .filter((one) => one.steps.length > 0)
  const all = drawn.flatMap((one) => one.steps)
  const right = 20 + Math.max(0, ...drawn.map(({ name }) => name.length)) * 6.6
  const [, top] = paddedDomain([0, ...all.flatMap((s) => [s.value, s.high ?? s.value])])
  const f = frame({
    width,
    height,
    theme,
    margin: { right },
    x: { domain: [0, all.reduce((most, s) => Math.max(most, s.trial), 1)], label: xLabel },
    y: { domain: [0, top], label: yLabel },
  })
  const stairs = (steps: readonly ProgressStep[], valueOf: (s: ProgressStep) => number): string =>
    steps
      .map((s, i) => (i === 0 ? `M${f.x(s.trial)},${f.y(valueOf(s))}` : `H${f.x(s.trial)}V${f.y(valueOf(s))}`))
      .join('')
  const band = (steps: readonly ProgressStep[]): string =>
    stairs(steps, (s) => s.high!) +
    steps
      .toReversed()
      .map((s, i) => (i === 0 ? `V${f.y(s.low!)}` : `V${f.y(s.low!)}H${f.x(s.trial)}`))
      .join('') +
    'Z'
  const marks = drawn.flatMap(({ steps, dash }): Mark[] => [
    ...(steps.every((s) => s.low !== undefined && s.high !== undefined)
      ? [{ mark: 'path', d: band(steps), fill: theme.ink, opacity: 0.1 } as const]
      : []),
    {
      mark: 'path',
      d: stairs(steps, (s) => s.value),
      stroke: theme.ink,
      width: 1.8,
      ...(dash !== undefined && { dash }),
    },
  ])
  const names = spread(
    drawn.map(({ name, steps }) => ({ name, y: f.y(steps.at(-1)!.value) })),
    f.inner.top,
    f.inner.bottom,
  )
  return {
    width,
    height,
    marks: [
      ...f.marks,
      ...marks,
      ...names.map(({ name, y }): Mark => ({
        mark: 'text',
        x: f.inner.right + 6,
        y: y + 4,
        text: name,
        fill: theme.ink,
        size: 12,
      })),
    ],
    description: `${yLabel} against ${xLabel}: ${drawn.map(({ name, steps }) => `${name} ends at ${steps.at(-1)!.value.toPrecision(3)}`).join(', ')}`,
  }
}
