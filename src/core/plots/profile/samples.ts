// The raw samples behind one latency, in the order in which they were taken, with the median and its interval.

import { frame, paddedDomain } from '../axes.ts'
import type { Mark, Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'

export interface SamplesOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  /** The median and the ends of its interval, ms. */
  readonly low: number
  readonly median: number
  readonly high: number
}

/** Every sample in milliseconds is a dot; none is left out. */
export function samplesScene(samples: ArrayLike<number>, options: SamplesOptions): Scene {
  const { width, height, theme, low, median, high } = options
  const values = Array.from(samples)
  const f = frame({
    width,
    height,
    theme,
    margin: { right: 12 },
    x: { domain: [0, Math.max(1, values.length)], label: 'Sample' },
    y: { domain: paddedDomain([...values, low, high]), label: 'Latency, ms' },
  })
  const { left, right } = f.inner
  const marks: Mark[] = [
    {
      mark: 'rect',
      x: left,
      y: f.y(high),
      w: right - left,
      h: Math.max(1, f.y(low) - f.y(high)),
      fill: theme.ink,
      opacity: 0.12,
    },
    ...values.map((value, i): Mark => ({ mark: 'circle', x: f.x(i + 0.5), y: f.y(value), r: 1.4, fill: theme.quiet })),
    { mark: 'path', d: `M${left},${f.y(median)}H${right}`, stroke: theme.ink, width: 1.2 },
  ]
  return {
    width,
    height,
    marks: [...f.marks, ...marks],
    description: `${values.length} samples in the order in which they were taken, median ${median.toPrecision(4)} ms, interval ${low.toPrecision(4)} to ${high.toPrecision(4)} ms`,
  }
}
