import { scaleLinear, scaleLog } from 'd3'
import type { Mark } from './scene.ts'
import type { Theme } from './theme.ts'

export interface AxisSpec {
  readonly domain: readonly [number, number]
  /** Title with its unit. */
  readonly label: string
  readonly log?: boolean
  /** Where ticks may stand, instead of round numbers: values that were measured. */
  readonly ticks?: readonly number[]
  /** How ticks are written. */
  readonly text?: (value: number) => string
}

export interface FrameOptions {
  readonly width: number
  readonly height: number
  readonly x: AxisSpec
  readonly y: AxisSpec
  readonly theme: Theme
  readonly margin?: Partial<Record<'top' | 'right' | 'bottom' | 'left', number>>
}

export interface Frame {
  /** Axes, ticks and titles. */
  readonly marks: readonly Mark[]
  readonly x: (value: number) => number
  readonly y: (value: number) => number
  readonly inner: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number }
}

interface Scale {
  (value: number): number
  ticks(count: number): number[]
}

function scale({ domain, log }: AxisSpec, range: [number, number]): Scale {
  const s = log === true ? scaleLog() : scaleLinear()
  return s.domain([...domain]).range(range) as unknown as Scale
}

/** A number for an axis: at most `digits` significant digits, no exponent between 0.001 and 100,000. */
export function tickText(value: number, digits = 4): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 0.001 || size >= 1e5))
    return value.toExponential(Math.max(1, digits - 3)).replace('e+', 'e')
  return String(Number(value.toPrecision(digits)))
}

/** Significant digits that tell neighbouring ticks apart, four at least: a deep zoom needs more. */
function digitsOf(ticks: readonly number[]): number {
  if (ticks.length < 2) return 4
  const step = Math.abs(ticks[1]! - ticks[0]!),
    size = Math.max(Math.abs(ticks[0]!), Math.abs(ticks.at(-1)!))
  return Math.min(15, Math.max(4, Math.ceil(Math.log10(size / step)) + 1))
}

/** Ticks as text; those of a linear axis with the same number of digits behind the point, but for zero. */
function ticksText(ticks: readonly number[], { log, text }: AxisSpec): readonly string[] {
  if (text !== undefined) return ticks.map(text)
  const digits = digitsOf(ticks)
  const texts = ticks.map((tick) => tickText(tick, digits))
  if (log === true || texts.some((one) => one.includes('e'))) return texts
  const places = Math.max(0, ...texts.map((one) => one.split('.')[1]?.length ?? 0))
  return ticks.map((tick) => (tick === 0 ? '0' : tick.toFixed(places)))
}

/** A domain around values with some room; never empty. */
export function paddedDomain(values: readonly number[], share = 0.06): [number, number] {
  const finite = values.filter(Number.isFinite)
  if (finite.length === 0) return [0, 1]
  const low = finite.reduce((a, b) => Math.min(a, b)),
    high = finite.reduce((a, b) => Math.max(a, b))
  const room = (high - low || Math.abs(high) || 1) * share
  return [low - room, high + room]
}

/** Leading digits of the ticks of a logarithmic axis, the densest first. */
const LEADS = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1, 3], [1]] as const

/** Round values about as many as wanted, or those given; on a logarithmic axis as dense as their texts allow. */
function ticksOf({ domain: [low, high], log, ticks }: AxisSpec, s: Scale, count: number, gap: number): number[] {
  const isApart = (values: readonly number[]): boolean =>
    values.every((value, i) => i === 0 || Math.abs(s(value) - s(values[i - 1]!)) >= gap)
  if (ticks !== undefined) {
    const inside = [...new Set(ticks)].filter((t) => t >= low && t <= high).sort((a, b) => a - b)
    const kept: number[] = []
    for (const t of inside) if (kept.length === 0 || Math.abs(s(t) - s(kept.at(-1)!)) >= gap) kept.push(t)
    return kept
  }
  // less than a decade: round numbers as on a linear axis
  if (log !== true || !(low > 0) || high / low < 10) {
    const linear = log === true ? scaleLinear().domain([low, high]).ticks(count) : s.ticks(count)
    return log === true && !isApart(linear) ? linear.filter((_, i) => i % 2 === 0) : linear
  }
  const from = Math.floor(Math.log10(low)),
    to = Math.ceil(Math.log10(high))
  const decades = Array.from({ length: to - from + 1 }, (_, i) => from + i)
  const of = (leads: readonly number[], step: number): number[] =>
    decades
      .filter((decade) => decade % step === 0)
      // a division is exact where a negative power is not
      .flatMap((decade) => leads.map((lead) => (decade < 0 ? lead / 10 ** -decade : lead * 10 ** decade)))
      .filter((t) => t >= low && t <= high)
  for (const leads of LEADS) {
    const found = of(leads, 1)
    if (isApart(found)) return found
  }
  let step = 2
  while (!isApart(of([1], step))) step++
  return of([1], step)
}

/** Thin axes with few ticks and titles that carry units. */
export function frame({ width, height, x, y, theme, margin = {} }: FrameOptions): Frame {
  const { top = 16, right = 16, bottom = 44, left = 56 } = margin
  const inner = { left, right: width - right, top, bottom: height - bottom }
  const sx = scale(x, [inner.left, inner.right]),
    sy = scale(y, [inner.bottom, inner.top])
  const xTicks = ticksOf(x, sx, Math.max(2, Math.round((inner.right - inner.left) / 90)), 44),
    yTicks = ticksOf(y, sy, Math.max(2, Math.round((inner.bottom - inner.top) / 55)), 18)
  const xTexts = ticksText(xTicks, x),
    yTexts = ticksText(yTicks, y)
  const text = { mark: 'text', fill: theme.quiet, size: 11 } as const
  const marks: Mark[] = [
    ...yTicks.map((t): Mark => ({
      mark: 'path',
      d: `M${inner.left},${sy(t)}H${inner.right}`,
      stroke: theme.line,
      width: 1,
    })),
    { mark: 'path', d: `M${inner.left},${inner.bottom}H${inner.right}`, stroke: theme.quiet, width: 1 },
    ...xTicks.map((t): Mark => ({ mark: 'path', d: `M${sx(t)},${inner.bottom}v4`, stroke: theme.quiet, width: 1 })),
    ...xTicks.map((t, i): Mark => ({
      ...text,
      x: sx(t),
      y: inner.bottom + 16,
      text: xTexts[i]!,
      anchor: 'middle',
    })),
    ...yTicks.map((t, i): Mark => ({
      ...text,
      x: inner.left - 8,
      y: sy(t) + 4,
      text: yTexts[i]!,
      anchor: 'end',
    })),
    {
      mark: 'text',
      x: (inner.left + inner.right) / 2,
      y: height - 8,
      text: x.label + (x.log === true ? ' (log)' : ''),
      fill: theme.ink,
      size: 12,
      anchor: 'middle',
    },
    {
      mark: 'text',
      x: 14,
      y: (inner.top + inner.bottom) / 2,
      text: y.label + (y.log === true ? ' (log)' : ''),
      fill: theme.ink,
      size: 12,
      anchor: 'middle',
      rotate: -90,
    },
  ]
  return { marks, x: sx, y: sy, inner }
}
