// Curves of one or many runs on a shared axis: the raw values faint, their moving average over them in a stronger line,
// names at the right ends. Runs differ by dash and by name, because hues belong to block kinds.

import { spread } from '../curves.ts'
import type { Series } from '../geometry/series.ts'
import type { Domain } from '../geometry/view.ts'
import type { Mark, Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'
import type { RunLine, RunLines, RunLinesOptions } from './run-lines.ts'

/** How a line is stroked. */
export interface Stroke {
  readonly points: Float32Array
  readonly width: number
  readonly opacity: number
  readonly dash: string | undefined
}

const LABEL_HEIGHT = 14
const DASHES = [undefined, '6 3', '2 3', '8 3 2 3', '1 2'] as const
/** Most points of a dashed line: between more the dashes could not be told apart. */
const MOST_DASHED = 400

/** Dash of the n-th run. */
export const dashOf = (index: number): string | undefined => DASHES[index % DASHES.length]

/** First to last x of all runs; never empty. */
export function wholeSteps(runs: readonly { readonly raw: Series }[]): Domain {
  const grown = runs.filter(({ raw }) => raw.length > 0)
  if (grown.length === 0) return [0, 1]
  const low = grown.reduce((a, { raw }) => Math.min(a, raw.x(0)), Infinity),
    high = grown.reduce((a, { raw }) => Math.max(a, raw.x(raw.length - 1)), -Infinity)
  return high > low ? [low, high] : [low, low + 1]
}

type Emphasised = ReadonlySet<string>
const isStrong = ({ run }: RunLine, emphasised: Emphasised): boolean => emphasised.size === 0 || emphasised.has(run.key)

/** Strokes of all runs in the order to draw them: where some stand out, they come last and the others step back. */
export function strokesOf({ lines }: RunLines, emphasised: Emphasised): Stroke[] {
  const ordered = [...lines].sort((a, b) => Number(isStrong(a, emphasised)) - Number(isStrong(b, emphasised)))
  return ordered.flatMap((line): Stroke[] => {
    const strength = isStrong(line, emphasised) ? 1 : 0.25
    const { raw, smooth, run } = line
    const dash = (points: Float32Array): string | undefined => (points.length > 2 * MOST_DASHED ? undefined : run.dash)
    if (smooth === undefined)
      return [{ points: raw, width: run.marked === true ? 1.8 : 1.2, opacity: 0.9 * strength, dash: dash(raw) }]
    return [
      { points: raw, width: 1, opacity: 0.2 * strength, dash: undefined },
      { points: smooth, width: 1.8, opacity: strength, dash: dash(smooth) },
    ]
  })
}

/** Circles of marked values and the names of the runs that fit: those that stand out, then those that end lowest. */
export function marksOver({ frame: f, lines, margin }: RunLines, theme: Theme, emphasised: Emphasised): Mark[] {
  const { top, bottom, left, right } = f.inner
  const circles = lines.flatMap(({ run: { key, name, raw }, marked }) =>
    marked.flatMap((i): Mark[] => {
      const y = f.y(raw.y(i))
      if (!Number.isFinite(y)) return []
      const x = Math.min(right, Math.max(left, f.x(raw.x(i))))
      return [
        { mark: 'circle', x, y, r: 2.5, fill: theme.ink, key, title: `${name}: ${raw.y(i).toFixed(4)} at ${raw.x(i)}` },
      ]
    }),
  )
  const most = Math.max(1, Math.floor((bottom - top) / LABEL_HEIGHT) + 1)
  const labelled = lines
    .filter((line) => Number.isFinite(f.y(line.end)) && line.run.name !== '')
    .sort((a, b) => Number(isStrong(b, emphasised)) - Number(isStrong(a, emphasised)) || a.end - b.end)
    .slice(0, most)
    .map((line) => ({ line, y: Math.min(bottom, Math.max(top, f.y(line.end))) }))
  const names = spread(labelled, top, bottom).map(({ line, y }): Mark => ({
    mark: 'text',
    x: right + 6,
    y: y + 4,
    text: clip(line.run.name, (margin - 10) / 6.6),
    fill: isStrong(line, emphasised) ? theme.ink : theme.quiet,
    size: 12,
  }))
  return [...circles, ...names]
}

/** What the curves show, in a sentence. */
export function describeCurves(
  names: readonly string[],
  { xLabel, yLabel }: Pick<RunLinesOptions, 'xLabel' | 'yLabel'>,
): string {
  const listed = names.length > 6 ? `${names.slice(0, 6).join(', ')} and ${names.length - 6} more` : names.join(', ')
  return `${yLabel} against ${xLabel} for ${listed || 'no runs'}`
}

/** The whole figure. */
export function runCurvesScene(drawn: RunLines, options: RunLinesOptions, emphasised: Emphasised = new Set()): Scene {
  const { width, height, theme } = options
  const lines = strokesOf(drawn, emphasised).map(({ points, width: lineWidth, opacity, dash }): Mark => ({
    mark: 'path',
    d: pathOf(points),
    stroke: theme.ink,
    width: lineWidth,
    opacity,
    ...(dash !== undefined && { dash }),
  }))
  const names = drawn.lines.map(({ run }) => run.name)
  return {
    width,
    height,
    marks: [...drawn.frame.marks, ...lines, ...marksOver(drawn, theme, emphasised)],
    description: describeCurves(names, options),
  }
}

function pathOf(points: Float32Array): string {
  let d = '',
    pen = 'M'
  for (let i = 0; i < points.length; i += 2) {
    const x = points[i]!
    if (Number.isNaN(x)) pen = 'M'
    else {
      d += `${pen}${Math.round(x * 100) / 100},${Math.round(points[i + 1]! * 100) / 100}`
      pen = 'L'
    }
  }
  return d
}

const clip = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, Math.max(1, Math.floor(most) - 1))}…`
