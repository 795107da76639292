// Legends: HTML beside a picture, with a small picture for each series.

import { roughMeasure } from '../figure/checks.ts'
import { isLine, seriesOf } from '../figure/redundant.ts'
import { elementsIn, textIn } from './markup.ts'
import type { MarkupNode } from './markup.ts'
import { drawSvg, sideOf } from './marks.ts'
import type { Sheet } from './marks.ts'
import { paintOf, PLAIN } from './style.ts'

const ROW = 20
const GAP = 6
const TEXT = 10

export const isLegend = (node: MarkupNode): boolean => /-swatches(?:-|\s|$)/.test(node.attributes.get('class') ?? '')

/** A legend in rows as wide as the page; `draw` is called when all other marks are there. */
export function legendOf(
  node: MarkupNode,
  sheet: Sheet,
  top: number,
  across: number,
): { readonly height: number; readonly draw: () => void } {
  let x = 0,
    y = top
  const draws = elementsIn(node, 'span').map((item) => {
    const [svg] = elementsIn(item, 'svg')
    const side = svg === undefined ? 0 : sideOf(svg, 'width', 15)
    const text = { mark: 'text', x: 0, y: 0, text: textIn(item).trim(), fill: sheet.theme.ink, size: TEXT } as const
    const width = side + GAP + roughMeasure(text) + 2 * GAP
    if (x > 0 && x + width > across) {
      x = 0
      y += ROW
    }
    const left = x,
      middle = y + ROW / 2
    x += width
    return () => {
      if (svg !== undefined) drawSample(svg, sheet, left, middle, side)
      sheet.marks.push({ ...text, x: left + side + GAP, y: middle + 0.35 * TEXT })
    }
  })
  return { height: y + ROW + GAP - top, draw: () => draws.forEach((draw) => draw()) }
}

/** A square of a colour becomes a piece of line or a point where the series is one: those have dashes and shapes in print. */
function drawSample(svg: MarkupNode, sheet: Sheet, x: number, y: number, side: number): void {
  const fill = paintOf(svg.attributes.get('fill') ?? '', sheet.theme)
  const isSquare = elementsIn(svg, 'rect').length > 0 && fill !== 'none'
  const { theme, marks } = sheet
  const isOfSeries = (mark: (typeof marks)[number]): boolean =>
    (mark.mark === 'path' || mark.mark === 'circle') && seriesOf(mark, theme) === fill
  const line = marks.find((mark) => isLine(mark) && isOfSeries(mark))
  const point = marks.find((mark) => mark.mark === 'circle' && isOfSeries(mark))
  if (!isSquare || (line === undefined && point === undefined))
    return drawSvg(svg, [1, 0, 0, 1, x, y - side / 2], PLAIN, sheet)
  const middle = x + side / 2
  if (line?.mark === 'path') marks.push({ ...line, d: `M${x},${y}L${middle},${y}L${x + side},${y}` })
  if (point?.mark === 'circle') marks.push({ ...point, x: middle, y, r: Math.min(point.r, side / 3) })
}
