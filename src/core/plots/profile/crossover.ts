// Latency against context length, one line with its band for each mixer, both axes logarithmic; where a mixer overtakes
// another one is marked and named.

import { area, line } from 'd3'
import { frame } from '../axes.ts'
import { spread } from '../curves.ts'
import type { Mark, Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'

export interface ContextPoint {
  /** Tokens, above 0. */
  readonly context: number
  readonly latencyMs: number
  readonly low: number
  readonly high: number
}

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

export interface Crossing {
  readonly context: number
  readonly latencyMs: number
}

const LABEL_HEIGHT = 14

/** Where two curves cross, straight between measured points in the logarithms, over the contexts that both cover. */
export function crossings(a: readonly ContextPoint[], b: readonly ContextPoint[]): Crossing[] {
  const first = logs(a),
    second = logs(b)
  if (first.length === 0 || second.length === 0) return []
  const from = Math.max(first[0]![0], second[0]![0]),
    to = Math.min(first.at(-1)![0], second.at(-1)![0])
  const xs = [...new Set([...first, ...second].map(([x]) => x))]
    .filter((x) => x >= from && x <= to)
    .sort((p, q) => p - q)
  const gaps = xs.map((x) => valueAt(first, x) - valueAt(second, x))
  const found: Crossing[] = []
  let last = -1
  for (let i = 0; i < xs.length; i++) {
    if (gaps[i] === 0) continue
    if (last >= 0 && gaps[last]! * gaps[i]! < 0) {
      // between two points of opposite sign; points in between lie on both curves
      const left = i - last > 1 ? last + 1 : last
      const share = i - last > 1 ? 0 : gaps[last]! / (gaps[last]! - gaps[i]!)
      const x = xs[left]! + share * ((xs[left + 1] ?? xs[left]!) - xs[left]!)
      found.push({ context: 10 ** x, latencyMs: 10 ** valueAt(first, x) })
    }
    last = i
  }
  return found
}

const isUsable = (p: ContextPoint): boolean =>
  p.context > 0 && p.latencyMs > 0 && Number.isFinite(p.context) && Number.isFinite(p.latencyMs)

function logs(points: readonly ContextPoint[]): (readonly [number, number])[] {
  return points
    .filter(isUsable)
    .map((p) => [Math.log10(p.context), Math.log10(p.latencyMs)] as const)
    .sort(([p], [q]) => p - q)
}

function valueAt(points: readonly (readonly [number, number])[], x: number): number {
  const after = points.findIndex(([px]) => px >= x)
  const [x1, y1] = points[after]!
  if (after === 0 || x1 === x) return y1
  const [x0, y0] = points[after - 1]!
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0)
}

/** Curves of mixers over context lengths in tokens. Values that are not positive have no place and are left out. */
export function crossoverScene(curves: readonly MixerCurve[], options: CrossoverOptions): Scene {
  const { width, height, theme, yLabel, against } = options
  const drawn = curves
    .map((c) => ({ ...c, points: c.points.filter(isUsable).sort((a, b) => a.context - b.context) }))
    .filter((c) => c.points.length > 0)
  const all = drawn.flatMap((c) => c.points)
  const heights = all.flatMap((p) => [p.latencyMs, p.low, p.high]).filter((v) => Number.isFinite(v) && v > 0)
  const right = 24 + Math.max(0, ...drawn.map(({ name }) => name.length + 3)) * 6.6
  const f = frame({
    width,
    height,
    theme,
    margin: { right },
    x: {
      domain: extent(
        all.map((p) => p.context),
        1,
      ),
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
      key: c.key,
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
  const found = crossed.map((c) => `${base!.name} and ${c.curve.name} cross at ${contextText(c.context)} tokens`)
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
        title: `${base!.name} and ${c.curve.name} cross at ${contextText(c.context)} tokens`,
      })),
      // read off on the axis: a line down from the crossing, its text beside its foot
      ...[...crossed]
        .sort((a, b) => b.context - a.context)
        .flatMap((c, i): Mark[] => {
          const x = f.x(c.context),
            y = f.inner.bottom - 8 - LABEL_HEIGHT * i
          const text = `${base!.letter} = ${c.curve.letter} at ${contextText(c.context)}`
          const d = `M${x},${f.y(c.latencyMs) + 6}V${f.inner.bottom}`
          return [
            { mark: 'path', d, stroke: theme.quiet, width: 1, dash: '2 3' },
            { mark: 'rect', x: x + 3, y: y - 11, w: text.length * 6 + 4, h: 14, fill: theme.ground, opacity: 0.85 },
            { mark: 'text', x: x + 5, y, text, fill: theme.ink, size: 11 },
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

/** Tokens in thousands from 1,000 on; in units of 1,024 where they are whole ones. */
function contextText(tokens: number): string {
  if (tokens < 1000) return String(Math.round(tokens))
  const unit = Number.isInteger(tokens) && tokens % 1024 === 0 ? 1024 : 1000
  return `${Number((tokens / unit).toPrecision(tokens / unit >= 100 ? 3 : 2))}k`
}
