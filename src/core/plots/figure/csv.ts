import type { Scene } from '../scene.ts'
import { csvCell } from '../tables/table.ts'

/** The marks of a scene that stand for things, as CSV: their names and, where the scene has axes, their values. */
export function sceneToCsv({ marks, axes }: Scene): string {
  const rows = marks.flatMap((mark) => {
    if (mark.mark === 'text' || (mark.key === undefined && !('title' in mark && mark.title !== undefined))) return []
    const place = mark.mark === 'circle' ? [mark.x, mark.y] : mark.mark === 'path' ? startOf(mark.d) : undefined
    const [x, y] =
      axes === undefined || place === undefined
        ? [undefined, undefined]
        : [
            valueAt((place[0]! - axes.inner.left) / (axes.inner.right - axes.inner.left), axes.x),
            valueAt((axes.inner.bottom - place[1]!) / (axes.inner.bottom - axes.inner.top), axes.y),
          ]
    return [[mark.key, 'title' in mark ? mark.title : undefined, x, y]]
  })
  return [['key', 'what', 'x', 'y'], ...rows].map((row) => row.map(csvCell).join(',')).join('\n')
}

function startOf(d: string): [number, number] | undefined {
  const match = /^M(-?[\d.]+)[ ,](-?[\d.]+)/.exec(d)
  return match === null ? undefined : [Number(match[1]), Number(match[2])]
}

function valueAt(
  share: number,
  { domain: [low, high], log }: { domain: readonly [number, number]; log?: boolean },
): number {
  const value = log === true ? low * (high / low) ** share : low + share * (high - low)
  return Number(value.toPrecision(6))
}
