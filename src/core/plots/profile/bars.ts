// Horizontal bars: a name on the left, the value with its unit at the end, the interval over it. Solid where measured,
// hollow where predicted, a dashed outline for what a sum does not explain.

import { frame } from '../axes.ts'
import type { Mark, Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'

export interface Bar {
  readonly key: string
  readonly name: string
  readonly value: number
  readonly low?: number
  readonly high?: number
  /** Of a block kind; ink without. */
  readonly color?: string
  readonly look?: 'measured' | 'predicted' | 'rest'
  /** Behind the value, as `fused, CPU`. */
  readonly note?: string
}

export interface BarsOptions {
  readonly width: number
  readonly theme: Theme
  /** What is drawn, with its unit. */
  readonly label: string
  /** Behind each value. */
  readonly unit: string
  /** Height of a row in pixels; default 22. */
  readonly row?: number
}

/** Below this width the hollow bar alone says that a value is predicted. */
const NARROW = 400
/** How far intervals may reach beyond the bars, as a share of their extent. */
const INTERVAL_ROOM = 0.35

/** As high as its bars need. Bars of values that are not finite keep their row and say so. */
export function barsScene(bars: readonly Bar[], { width, theme, label, unit, row = 22 }: BarsOptions): Scene {
  const top = 8
  const height = top + bars.length * row + 44
  const nameWidth = Math.min(0.32 * width, Math.max(0, ...bars.map((b) => b.name.length)) * 6.8 + 16)
  const textOf = (b: Bar): string => valueText(width < NARROW ? { ...b, look: 'measured' } : b, unit)
  const noteWidth = Math.max(0, ...bars.map((b) => (textOf(b) + (b.note ?? '')).length)) * 6.2 + 24
  const values = bars.map((b) => b.value).filter(Number.isFinite)
  const least = values.reduce((a, b) => Math.min(a, b), 0),
    most = values.reduce((a, b) => Math.max(a, b), 0)
  // an interval of few samples may be far wider than any bar: it is cut at the edge with an arrow, not squeezed in
  const room = INTERVAL_ROOM * (most - least)
  const ends = bars.flatMap((b) => [b.low ?? b.value, b.high ?? b.value]).filter(Number.isFinite)
  const low = Math.max(
      least - room,
      ends.reduce((a, b) => Math.min(a, b), least),
    ),
    high = Math.min(
      most + room,
      ends.reduce((a, b) => Math.max(a, b), most),
    )
  const f = frame({
    width,
    height,
    theme,
    margin: { top, bottom: 44, left: nameWidth, right: Math.min(0.5 * width, noteWidth) },
    x: { domain: [low, high === low ? low + 1 : high], label },
    y: { domain: [bars.length, 0], label: '' },
  })
  // ticks of the rows would only count them
  const axis = f.marks.filter(
    (m) => !(m.mark === 'text' && (m.anchor === 'end' || m.text === '')) && !isRowLine(m, f.inner.left, f.inner.bottom),
  )
  const zero = f.x(0)
  const inside = (value: number): number => Math.max(low, Math.min(high, value))
  const marks = bars.flatMap((b, i): Mark[] => {
    const y = top + i * row
    const middle = y + row / 2
    const text = (x: number, content: string, fill: string, anchor: 'start' | 'end'): Mark => ({
      mark: 'text',
      x,
      y: middle + 4,
      text: content,
      fill,
      size: 12,
      anchor,
    })
    const name = text(nameWidth - 8, clip(b.name, (nameWidth - 12) / 6.4), theme.ink, 'end')
    if (!Number.isFinite(b.value)) return [name, text(zero + 6, 'no value', theme.quiet, 'start')]
    const color = b.color ?? theme.ink
    const x = Math.min(zero, f.x(b.value)),
      w = Math.abs(f.x(b.value) - zero)
    const isSolid = (b.look ?? 'measured') === 'measured'
    const bar: Mark = {
      mark: 'rect',
      x,
      y: y + 4,
      w: Math.max(1, w),
      h: row - 8,
      fill: isSolid ? color : theme.ground,
      radius: 2,
      key: b.key,
      title: `${b.name}: ${valueText(b, unit)}${b.note === undefined ? '' : `, ${b.note}`}`,
      ...(b.look === 'predicted' && { stroke: color }),
      ...(isSolid && b.color === undefined && { opacity: 0.55 }),
    }
    const outline: Mark[] =
      b.look === 'rest'
        ? [
            {
              mark: 'path',
              d: `M${x},${y + 4}h${Math.max(1, w)}v${row - 8}h${-Math.max(1, w)}z`,
              stroke: theme.ink,
              width: 1,
              dash: '3 3',
            },
          ]
        : []
    const interval: Mark[] =
      Number.isFinite(b.low) && Number.isFinite(b.high)
        ? [
            {
              mark: 'path',
              d: `M${f.x(inside(b.low!))},${middle}H${f.x(inside(b.high!))}${b.low! < low ? arrow(f.x(low), middle, 1) : ''}${b.high! > high ? arrow(f.x(high), middle, -1) : ''}`,
              stroke: theme.ink,
              width: 1.5,
            },
          ]
        : []
    const end = Math.max(f.x(b.value), zero, Number.isFinite(b.high) ? f.x(inside(b.high!)) : 0)
    const value = text(end + 6, textOf(b), theme.ink, 'start')
    const note: Mark[] =
      b.note === undefined ? [] : [text(end + 14 + textOf(b).length * 6.6, b.note, theme.quiet, 'start')]
    return [name, bar, ...outline, ...interval, value, ...note]
  })
  return {
    width,
    height,
    marks: [...axis, ...marks],
    description: `${label}: ${bars.map((b) => `${b.name} ${valueText(b, unit)}`).join(', ')}`,
  }
}

/** A head at the end of a line that goes on; `back` is the direction of its wings. */
const arrow = (x: number, y: number, back: 1 | -1): string =>
  `M${x + 4 * back},${y - 3}L${x},${y}L${x + 4 * back},${y + 3}`

const valueText = ({ value, look }: Bar, unit: string): string =>
  Number.isFinite(value)
    ? `${Number(value.toPrecision(3))} ${unit}${look === 'predicted' ? ' predicted' : ''}`
    : 'no value'

/** A horizontal grid line that is not the axis itself. */
function isRowLine(mark: Mark, left: number, bottom: number): boolean {
  return (
    mark.mark === 'path' &&
    mark.d.startsWith(`M${left},`) &&
    mark.d.includes('H') &&
    !mark.d.startsWith(`M${left},${bottom}H`)
  )
}

const clip = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, Math.max(1, Math.floor(most) - 1))}…`
