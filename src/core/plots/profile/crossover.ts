// Latency against context length, one line with its band for each mixer, both axes logarithmic; where a mixer overtakes
// another one is marked and named.

import { area, line } from 'd3'
import { frame } from '../axes.ts'
import { spread } from '../curves.ts'
import type { Mark, Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'
import { crossings, isUsable } from './crossings.ts'
import type { ContextPoint, Crossing } from './crossings.ts'

export interface MixerCurve {
  readonly key: string
  readonly name: string
  /** Glyph of the block kind. */
  readonly letter: string
  readonly color: string
  readonly points: readonly ContextPoint[]
}

export interface CrossoverOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly yLabel: string
  /** Key of the curve that the others are compared with; the first without. */
  readonly against?: string
}

const LABEL_HEIGHT = 14

/** Curves of mixers over context lengths in tokens. Values that are not positive have no place and are left out. */
export function crossoverScene(curves: readonly MixerCurve[], options: CrossoverOptions): Scene {
  const { width, height, theme, yLabel, against } = options
  const drawn = curves
    .map((c) => ({ ...c, points: c.points.filter(isUsable).sort((a, b) => a.context - b.context) }))
    .filter((c) => c.points.length > 0)
  const all = drawn.flatMap((c) => c.points)
  const heights = all.flatMap((p) => [p.latencyMs, p.low, p.high]).filter((v) => Number.isFinite(v) && v > 0)
  const right = 24 + Math.max(0, ...drawn.map(({ name }) => name.length + 3)) * 6.6
  const ends = extent(
    all.map((p) => p.context),
    1,
  )
  const f = frame({
    width,
    height,
    theme,
    margin: { right },
    x: {
      domain: ends,
      label: 'context, tokens',
      log: true,
      ticks: all.map((p) => p.context),
      text: contextText,
    },
    y: { domain: extent(heights, 1.15), label: yLabel, log: true },
  })
  const inside = (value: number): number => Math.min(f.inner.bottom, f.y(Math.max(value, Number.MIN_VALUE)))
  const band = area<ContextPoint>()
    .defined((p) => Number.isFinite(p.low) && Number.isFinite(p.high))
    .x((p) => f.x(p.context))
    .y0((p) => inside(p.low))
    .y1((p) => inside(p.high))
  const path = line<ContextPoint>()
    .x((p) => f.x(p.context))
    .y((p) => f.y(p.latencyMs))
  const marks = drawn.flatMap((c): Mark[] => [
    { mark: 'path', d: band([...c.points]) ?? '', fill: c.color, opacity: 0.14 },
    { mark: 'path', d: path([...c.points]) ?? '', stroke: c.color, width: 1.8, key: c.key },
    ...c.points.map((p): Mark => ({
      mark: 'circle',
      x: f.x(p.context),
      y: f.y(p.latencyMs),
      r: 3,
      fill: c.color,
      key: p.key ?? c.key,
      title: `${c.name} at ${p.context.toLocaleString('en')} tokens: ${p.latencyMs.toPrecision(3)} ms [${p.low.toPrecision(3)}, ${p.high.toPrecision(3)}]`,
    })),
  ])
  const base = drawn.find(({ key }) => key === against) ?? drawn[0]
  const crossed = drawn.flatMap((c) =>
    c === base ? [] : crossings(base!.points, c.points).map((at) => ({ ...at, curve: c })),
  )
  const names = spread(
    drawn.map((c) => ({ text: `${c.letter}  ${c.name}`, color: c.color, y: f.y(c.points.at(-1)!.latencyMs) })),
    f.inner.top,
    f.inner.bottom,
  )
  const found = crossed.map((c) => crossingText(base!.name, c.curve.name, c))
  return {
    width,
    height,
    marks: [
      ...f.marks,
      ...marks,
      ...crossed.map((c): Mark => ({
        mark: 'circle',
        x: f.x(c.context),
        y: f.y(c.latencyMs),
        r: 6,
        fill: 'none',
        stroke: theme.ink,
        width: 1.2,
        title: crossingText(base!.name, c.curve.name, c),
      })),
      // where the intervals of both still overlap: anywhere in it the two may cross
      ...crossed.map((c): Mark => ({
        mark: 'path',
        d: `M${f.x(c.from ?? ends[0])},${f.y(c.latencyMs)}H${f.x(c.to ?? ends[1])}`,
        stroke: theme.ink,
        width: 1.2,
      })),
      // read off on the axis: a line down from the crossing, its text beside its foot
      ...[...crossed]
        .sort((a, b) => b.context - a.context)
        .flatMap((c, i): Mark[] => {
          const x = f.x(c.context),
            y = f.inner.bottom - 8 - LABEL_HEIGHT * i
          const text = `${base!.letter} = ${c.curve.letter} at ${contextText(c.context)} (${rangeText(c)})`
          const d = `M${x},${f.y(c.latencyMs) + 6}V${f.inner.bottom}`
          const w = text.length * 6 + 4
          const left = x + 3 + w > width ? x - 3 - w : x + 3
          return [
            { mark: 'path', d, stroke: theme.quiet, width: 1, dash: '2 3' },
            { mark: 'rect', x: left, y: y - 11, w, h: 14, fill: theme.ground, opacity: 0.85 },
            { mark: 'text', x: left + 2, y, text, fill: theme.ink, size: 11 },
          ]
        }),
      ...names.map(({ text, color, y }): Mark => ({
        mark: 'text',
        x: f.inner.right + 8,
        y: y + 4,
        text,
        fill: color,
        size: 12,
      })),
    ],
    description: `${yLabel} against context in tokens for ${drawn.map((c) => c.name).join(', ')}${found.length > 0 ? `; ${found.join('; ')}` : ''}`,
  }
}

/** Smallest to largest, a factor of room at each end; a decade where all are equal. */
function extent(values: readonly number[], room: number): [number, number] {
  if (values.length === 0) return [1, 10]
  const low = values.reduce((a, b) => Math.min(a, b)),
    high = values.reduce((a, b) => Math.max(a, b))
  return low === high ? [low / 2, high * 2] : [low / room, high * room]
}

const crossingText = (one: string, other: string, at: Crossing): string =>
  `${one} and ${other} cross at ${contextText(at.context)} tokens (their intervals overlap ${rangeText(at)})`

/** `540 to 700`; an end that was not reached is said. */
const rangeText = ({ from, to }: Crossing): string =>
  from === undefined && to === undefined
    ? 'all measured contexts'
    : from === undefined
      ? `up to ${contextText(to!)}`
      : to === undefined
        ? `from ${contextText(from)} on`
        : `${contextText(from)} to ${contextText(to)}`

/** Tokens in thousands from 1,000 on; in units of 1,024 where they are whole ones. */
export function contextText(tokens: number): string {
  if (tokens < 1000) return String(Math.round(tokens))
  const unit = Number.isInteger(tokens) && tokens % 1024 === 0 ? 1024 : 1000
  return `${Number((tokens / unit).toPrecision(3))}k`
}
