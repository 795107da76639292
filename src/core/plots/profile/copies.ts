// One entry of the look-up table: the time of stacks of one, two ... copies of a block, every sample, and the line whose
// slope is the cost of one more.

import { frame, paddedDomain } from '../axes.ts'
import type { Mark, Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'

export interface CopiesPoint {
  readonly copies: number
  readonly medianMs: number
  /** All samples of this stack, ms. */
  readonly samples: readonly number[]
}

export interface CopiesOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  /** The fitted line, ms; its interval is that of the slope. */
  readonly slopeMs: number
  readonly lowMs: number
  readonly highMs: number
  readonly interceptMs: number
}

/** Samples are small dots, medians rings; samples far above the medians are cut at the edge, with their number said. */
export function copiesScene(points: readonly CopiesPoint[], options: CopiesOptions): Scene {
  const { width, height, theme, slopeMs, lowMs, highMs, interceptMs } = options
  const most = points.reduce((top, p) => Math.max(top, p.copies), 0)
  const domain = paddedDomain([0, ...points.map((p) => p.medianMs), interceptMs + slopeMs * most], 0.2)
  const outside = points.flatMap((p) => p.samples.filter((s) => s > domain[1])).length
  const f = frame({
    width,
    height,
    theme,
    margin: { top: 22, left: 66, right: 16 },
    x: { domain: [0, most + 0.5], label: 'Copies of the block', ticks: points.map((p) => p.copies) },
    y: { domain: [0, domain[1]], label: 'Latency of the stack, ms' },
  })
  const inside = (ms: number): number => f.y(Math.max(0, Math.min(domain[1], ms)))
  // the line turns about the middle of the measured numbers of copies
  const centre = points.reduce((sum, p) => sum + p.copies / points.length, 0)
  const lineAt = (slope: number, copies: number): number => interceptMs + slopeMs * centre + slope * (copies - centre)
  const ends = [0, most + 0.5]
  const marks: Mark[] = [
    {
      mark: 'path',
      d: `M${f.x(ends[0]!)},${inside(lineAt(highMs, ends[0]!))}L${f.x(centre)},${inside(lineAt(slopeMs, centre))}L${f.x(ends[1]!)},${inside(lineAt(highMs, ends[1]!))}V${inside(lineAt(lowMs, ends[1]!))}L${f.x(centre)},${inside(lineAt(slopeMs, centre))}L${f.x(ends[0]!)},${inside(lineAt(lowMs, ends[0]!))}z`,
      fill: theme.ink,
      opacity: 0.08,
    },
    {
      mark: 'path',
      d: `M${f.x(0)},${inside(lineAt(slopeMs, 0))}L${f.x(ends[1]!)},${inside(lineAt(slopeMs, ends[1]!))}`,
      stroke: theme.ink,
      width: 1.2,
      dash: '5 3',
      title: `${slopeMs.toPrecision(3)} ms for one more`,
    },
    ...points.flatMap((p): Mark[] =>
      p.samples
        .filter((s) => s <= domain[1])
        .map((s, i) => ({
          mark: 'circle',
          x: f.x(p.copies) + ((i % 7) - 3) * 1.6,
          y: inside(s),
          r: 1.4,
          fill: theme.quiet,
        })),
    ),
    ...points.map((p): Mark => ({
      mark: 'circle',
      x: f.x(p.copies),
      y: inside(p.medianMs),
      r: 4,
      fill: theme.ink,
      stroke: theme.ground,
      width: 1,
      key: String(p.copies),
      title: `${p.copies} copies: median ${p.medianMs.toPrecision(3)} ms of ${p.samples.length} samples`,
    })),
  ]
  const cut: Mark[] =
    outside === 0
      ? []
      : [
          {
            mark: 'text',
            x: f.inner.right,
            y: 14,
            text: `${outside} samples above ${Number(domain[1].toPrecision(3))} ms`,
            fill: theme.quiet,
            size: 11,
            anchor: 'end',
          },
        ]
  return {
    width,
    height,
    marks: [...f.marks, ...marks, ...cut],
    description: `Latency of stacks of copies: ${points.map((p) => `${p.copies} copies ${p.medianMs.toPrecision(3)} ms`).join(', ')}; one more costs ${slopeMs.toPrecision(3)} ms (${lowMs.toPrecision(3)} to ${highMs.toPrecision(3)})`,
  }
}
