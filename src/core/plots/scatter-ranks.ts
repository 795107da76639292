// A short metric against the final one, each item with its two ranks. The line is where every item would lie if the
// short metric put them in the true order: the sorted short values against the sorted final ones.

import { ranks } from '../stats/rank.ts'
import { frame, paddedDomain } from './axes.ts'
import type { Mark, Scene } from './scene.ts'
import type { Theme } from './theme.ts'

export interface RankedPoint {
  readonly key: string
  readonly name: string
  readonly short: number
  readonly final: number
  /** Of a block kind; ink without. */
  readonly color?: string
  /** Intervals over seeds. */
  readonly shortLow?: number
  readonly shortHigh?: number
  readonly finalLow?: number
  readonly finalHigh?: number
}

export interface ScatterRanksOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly xLabel: string
  readonly yLabel: string
  /** Of both metrics; rank 1 is the best. Default `lower`. */
  readonly better?: 'lower' | 'higher'
  /** Axes of ranks instead of values. */
  readonly byRank?: boolean
}

/** Most points that carry their ranks as text. */
const MOST_LABELS = 40

/** Points without a finite value in both metrics are left out and counted in the description. */
export function scatterRanksScene(points: readonly RankedPoint[], options: ScatterRanksOptions): Scene {
  const { width, height, theme, xLabel, yLabel, better = 'lower', byRank = false } = options
  const finite = points.filter((p) => Number.isFinite(p.short) && Number.isFinite(p.final))
  const sign = better === 'lower' ? 1 : -1
  const shortRanks = ranks(finite.map((p) => sign * p.short)),
    finalRanks = ranks(finite.map((p) => sign * p.final))
  const xs = byRank ? [...shortRanks] : finite.map((p) => p.short),
    ys = byRank ? [...finalRanks] : finite.map((p) => p.final)
  const lows = byRank ? [] : finite.flatMap((p) => [p.shortLow, p.shortHigh].filter((v) => v !== undefined))
  const highs = byRank ? [] : finite.flatMap((p) => [p.finalLow, p.finalHigh].filter((v) => v !== undefined))
  const across = { domain: paddedDomain([...xs, ...lows], 0.1), label: byRank ? `rank by ${xLabel}` : xLabel }
  const up = { domain: paddedDomain([...ys, ...highs], 0.1), label: byRank ? `rank by ${yLabel}` : yLabel }
  const f = frame({ width, height, theme, x: across, y: up })
  const marks: Mark[] = [agreement(xs, ys, f, theme)]
  if (!byRank) marks.push(...finite.flatMap((p) => intervals(p, f, theme)))
  const taken: Box[] = finite.map((_, i) => ({ x: f.x(xs[i]!) - 5, y: f.y(ys[i]!) - 5, w: 10, h: 10 }))
  const isTied = tied(shortRanks)
  const isTiedLast = tied(finalRanks)
  finite.forEach((p, i) => {
    const pair = `${rankText(shortRanks[i]!, isTied(i))} → ${rankText(finalRanks[i]!, isTiedLast(i))}`
    const color = p.color ?? theme.ink
    const x = f.x(xs[i]!),
      y = f.y(ys[i]!)
    marks.push({
      mark: 'circle',
      x,
      y,
      r: 4.2,
      fill: color,
      stroke: theme.ground,
      width: 1,
      key: p.key,
      title: `${p.name}: ${p.short.toPrecision(4)} then ${p.final.toPrecision(4)}, rank ${pair} of ${finite.length}`,
    })
    if (finite.length > MOST_LABELS) return
    const place = freePlace(x, y, pair.length * 6.2, taken, f.inner)
    if (place === undefined) return
    taken.push(place)
    marks.push({ mark: 'text', x: place.x, y: place.y + 11, text: pair, fill: theme.quiet, size: 11 })
  })
  const dropped = points.length - finite.length
  const left = dropped > 0 ? `; ${dropped} without both values` : ''
  return {
    width,
    height,
    marks: [...f.marks, ...marks],
    axes: { x: across, y: up, inner: f.inner },
    description: `${yLabel} against ${xLabel} with ranks of ${finite.length} stacks${left}`,
  }
}

interface Box {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

/** A place for a text beside a point where it covers nothing; undefined where there is none: pointing shows it then. */
function freePlace(
  x: number,
  y: number,
  w: number,
  taken: readonly Box[],
  inner: ReturnType<typeof frame>['inner'],
): Box | undefined {
  const h = 14
  const corners = [
    { x: x + 7, y: y - h - 1 },
    { x: x - 7 - w, y: y - h - 1 },
    { x: x + 7, y: y + 1 },
    { x: x - 7 - w, y: y + 1 },
  ]
  const isFree = (a: Box): boolean =>
    a.x >= inner.left &&
    a.x + w <= inner.right + 10 &&
    taken.every((b) => a.x >= b.x + b.w || b.x >= a.x + a.w || a.y >= b.y + b.h || b.y >= a.y + a.h)
  return corners.map((corner) => ({ ...corner, w, h })).find(isFree)
}

/** Mid-ranks of ties carry an equals sign. */
const rankText = (rank: number, isTied: boolean): string =>
  `${isTied ? '=' : ''}${Number.isInteger(rank) ? rank : rank.toFixed(1)}`

function tied(all: ArrayLike<number>): (index: number) => boolean {
  const counts = new Map<number, number>()
  for (let i = 0; i < all.length; i++) counts.set(all[i]!, (counts.get(all[i]!) ?? 0) + 1)
  return (index) => counts.get(all[index]!)! > 1
}

type Scales = Pick<ReturnType<typeof frame>, 'x' | 'y'>

function agreement(xs: readonly number[], ys: readonly number[], { x, y }: Scales, theme: Theme): Mark {
  const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b)
  const across = ascending(xs),
    up = ascending(ys)
  const d = across.map((value, i) => `${i === 0 ? 'M' : 'L'}${x(value)},${y(up[i]!)}`).join('')
  return { mark: 'path', d, stroke: theme.quiet, width: 1, dash: '4 4' }
}

function intervals(p: RankedPoint, { x, y }: Scales, theme: Theme): Mark[] {
  const look = { mark: 'path', stroke: p.color ?? theme.ink, width: 1.2, opacity: 0.6 } as const
  const { shortLow, shortHigh, finalLow, finalHigh } = p
  const has = (low: number | undefined, high: number | undefined): boolean =>
    Number.isFinite(low) && Number.isFinite(high)
  return [
    ...(has(shortLow, shortHigh) ? [{ ...look, d: `M${x(shortLow!)},${y(p.final)}H${x(shortHigh!)}` }] : []),
    ...(has(finalLow, finalHigh) ? [{ ...look, d: `M${x(p.short)},${y(finalLow!)}V${y(finalHigh!)}` }] : []),
  ]
}
