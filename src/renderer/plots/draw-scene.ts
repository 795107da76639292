// A scene on a canvas: the same marks as on the screen and in the report. Used where there are too many marks for
// elements, and for PNG files, because the content policy keeps images of our own making from being loaded.

import type { Stroke } from '#core/plots/interactive/run-curves.ts'
import type { Mark, TextMark } from '#core/plots/scene.ts'

const FONT = "'Inter Variable', Inter, 'Helvetica Neue', Arial, sans-serif"
const MONO = "'JetBrains Mono Variable', 'JetBrains Mono', Menlo, monospace"

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D

/** Draws marks in CSS pixels; the caller scales the context to the screen's. */
export function drawMarks(context: Context, marks: readonly Mark[]): void {
  context.lineJoin = 'round'
  for (const mark of marks) {
    if (mark.mark === 'text') drawText(context, mark)
    else drawShape(context, mark)
  }
}

function drawShape(context: Context, mark: Exclude<Mark, TextMark>): void {
  context.globalAlpha = 'opacity' in mark ? (mark.opacity ?? 1) : 1
  const path = new Path2D(mark.mark === 'path' ? mark.d : undefined)
  if (mark.mark === 'circle') path.arc(mark.x, mark.y, mark.r, 0, 2 * Math.PI)
  if (mark.mark === 'rect') path.roundRect(mark.x, mark.y, mark.w, mark.h, mark.radius ?? 0)
  if (mark.fill !== undefined && mark.fill !== 'none') {
    context.fillStyle = mark.fill
    context.fill(path)
  }
  if (mark.stroke !== undefined) {
    context.strokeStyle = mark.stroke
    context.lineWidth = 'width' in mark ? (mark.width ?? 1) : 1
    context.setLineDash('dash' in mark && mark.dash !== undefined ? mark.dash.split(/[ ,]+/).map(Number) : [])
    context.stroke(path)
  }
  context.globalAlpha = 1
}

function drawText(
  context: Context,
  { x, y, text, fill, size = 12, anchor = 'start', weight = 400, rotate, mono }: TextMark,
): void {
  context.font = `${weight} ${size}px ${mono === true ? MONO : FONT}`
  context.fillStyle = fill
  context.textAlign = anchor === 'middle' ? 'center' : anchor
  if (rotate === undefined) return context.fillText(text, x, y)
  context.save()
  context.translate(x, y)
  context.rotate((rotate * Math.PI) / 180)
  context.fillText(text, 0, 0)
  context.restore()
}

/** Draws a line through pixels, x and y in turn; NaN lifts the pen. */
export function drawStroke(context: Context, { points, width, opacity, dash }: Stroke, color: string): void {
  context.beginPath()
  let isDown = false
  for (let i = 0; i < points.length; i += 2) {
    const x = points[i]!
    if (Number.isNaN(x)) isDown = false
    else if (isDown) context.lineTo(x, points[i + 1]!)
    else {
      context.moveTo(x, points[i + 1]!)
      isDown = true
    }
  }
  context.globalAlpha = opacity
  context.strokeStyle = color
  context.lineWidth = width
  // mitred corners of noisy lines would reach far beyond their values
  context.lineJoin = 'bevel'
  context.setLineDash(dash === undefined ? [] : dash.split(/[ ,]+/).map(Number))
  context.stroke()
  context.globalAlpha = 1
}

/** Fits a canvas to its box at the screen's resolution and returns its context, scaled to CSS pixels. */
export function fitted(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = devicePixelRatio
  const columns = Math.max(1, Math.round(width * ratio)),
    rows = Math.max(1, Math.round(height * ratio))
  if (canvas.width !== columns || canvas.height !== rows) {
    canvas.width = columns
    canvas.height = rows
  }
  const context = canvas.getContext('2d')!
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  return context
}
