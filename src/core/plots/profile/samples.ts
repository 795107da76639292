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

/** From this multiple of the median on, the axis is logarithmic. */
const WIDE = 4
const ROOM = 1.15

/** Every sample in milliseconds is a dot; none is left out. */
export function samplesScene(samples: ArrayLike<number>, options: SamplesOptions): Scene {
  const { width, height, theme, low, median, high } = options
  const values = Array.from(samples)
  const all = [...values, low, high].filter(Number.isFinite)
  const least = all.reduce((a, b) => Math.min(a, b), Infinity),
    most = all.reduce((a, b) => Math.max(a, b), -Infinity)
  // a few samples that waited for something else must not flatten all others
  const isLog = least > 0 && most > WIDE * median
  const f = frame({
    width,
    height,
    theme,
    margin: { left: 66, right: 12 },
    x: { domain: [0, Math.max(1, values.length)], label: 'Sample' },
    y: isLog
      ? { domain: [least / ROOM, most * ROOM], label: 'Latency, ms', log: true }
      : { domain: paddedDomain(all), label: 'Latency, ms' },
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
