// The elements of a picture as marks.

import type { Mark } from '../scene.ts'
import type { Theme } from '../theme.ts'
import { elementsIn, textIn } from './markup.ts'
import type { MarkupNode } from './markup.ts'
import { apply, IDENTITY, movedPath, readTransform, scaleOf, times, turnOf } from './matrix.ts'
import type { Matrix } from './matrix.ts'
import { lengthOf, readerOf, styleOf } from './style.ts'
import type { Style } from './style.ts'

/** Where marks are put. */
export interface Sheet {
  readonly marks: Mark[]
  /** What no mark can hold. */
  readonly omitted: Set<string>
  readonly theme: Theme
}

/** Elements that only group, and those that draw nothing themselves. */
const GROUPS = new Set(['g', 'a', 'switch', 'symbol'])
const SILENT = new Set([
  'style',
  'title',
  'desc',
  'defs',
  'metadata',
  'script',
  'marker',
  'clipPath',
  'linearGradient',
  'radialGradient',
  'mask',
])

/** A side of a picture, bounded. */
export const sideOf = (node: MarkupNode, name: 'width' | 'height', otherwise: number): number =>
  Math.min(10_000, lengthOf(node.attributes.get(name), 12, otherwise, otherwise))

/** Draws a picture into the place that a transform gives it. */
export function drawSvg(node: MarkupNode, outer: Matrix, parent: Style, sheet: Sheet): void {
  const box = (node.attributes.get('viewBox')?.match(/[-+]?[\d.]+(?:e[-+]?\d+)?/gi) ?? []).map(Number)
  const [left = 0, top = 0, wide = 0, high = 0] = box
  const width = sideOf(node, 'width', wide || 640),
    height = sideOf(node, 'height', high || 400)
  const scale = wide > 0 && high > 0 ? Math.min(width / wide, height / high) : 1
  const inner: Matrix =
    wide > 0 && high > 0
      ? [scale, 0, 0, scale, (width - wide * scale) / 2 - left * scale, (height - high * scale) / 2 - top * scale]
      : IDENTITY
  const at: Matrix = [
    1,
    0,
    0,
    1,
    lengthOf(node.attributes.get('x'), 12, width),
    lengthOf(node.attributes.get('y'), 12, height),
  ]
  const style = styleOf(node, parent, sheet.theme)
  const page = { ...sheet, width: wide || width, height: high || height }
  for (const child of node.children)
    if (typeof child !== 'string') draw(child, times(outer, times(at, inner)), style, page)
}

interface Page extends Sheet {
  /** What lengths in percent are of. */
  readonly width: number
  readonly height: number
}

function draw(node: MarkupNode, outer: Matrix, parent: Style, page: Page): void {
  if (SILENT.has(node.name)) return
  const own = styleOf(node, parent, page.theme)
  // Plot's grid is ink that hardly shows; here it is the line that every grid has
  const style = isGrid(node) ? { ...own, stroke: page.theme.line, strokeOpacity: 1 } : own
  if (style.isHidden) return
  const read = readerOf(node)
  const matrix = times(outer, readTransform(read('transform') ?? ''))
  for (const name of ['clip-path', 'mask', 'filter', 'marker-start', 'marker-mid', 'marker-end'])
    if ((read(name) ?? 'none') !== 'none') page.omitted.add(name.startsWith('marker') ? 'markers of lines' : name)
  for (const name of ['fill', 'stroke']) if (read(name)?.startsWith('url(') === true) page.omitted.add('gradients')
  if (GROUPS.has(node.name)) {
    const isTitle = /^[xy]-axis label$|^f[xy]-axis label$/.test(node.attributes.get('aria-label') ?? '')
    const inside = isTitle ? { ...page, marks: [] as Mark[] } : page
    for (const child of node.children) if (typeof child !== 'string') draw(child, matrix, style, inside)
    if (isTitle) page.marks.push(...inside.marks.map(asTitle))
    return
  }
  if (node.name === 'svg') return drawSvg(node, matrix, style, page)
  if (node.name === 'text') return drawText(node, matrix, style, page)
  const shape = shapeOf(node, page)
  if (shape === undefined) {
    page.omitted.add(node.name === 'image' || node.name === 'foreignObject' ? `${node.name}s` : node.name)
    return
  }
  page.marks.push(...shapeMarks(node, shape, matrix, style))
}

const isGrid = (node: MarkupNode): boolean => /^f?[xy]-grid$/.test(node.attributes.get('aria-label') ?? '')

/** The title of an axis without the arrow that says which way it grows: papers go without. */
const asTitle = (mark: Mark): Mark =>
  mark.mark === 'text' ? { ...mark, text: mark.text.replace(/^[↑↓←→]\s*|\s*[↑↓←→]$/g, ''), isTitle: true } : mark

/** The outline of a shape as a path; undefined for what is none. */
function shapeOf(node: MarkupNode, { width, height }: Page): string | undefined {
  const { attributes } = node
  const x = (name: string, otherwise = 0): number => lengthOf(attributes.get(name), 12, width, otherwise)
  const y = (name: string, otherwise = 0): number => lengthOf(attributes.get(name), 12, height, otherwise)
  switch (node.name) {
    case 'path':
      return attributes.get('d') ?? ''
    case 'line':
      return `M${x('x1')},${y('y1')}L${x('x2')},${y('y2')}`
    case 'polyline':
    case 'polygon': {
      const points = attributes.get('points') ?? ''
      return points.trim() === '' ? '' : `M${points}${node.name === 'polygon' ? 'Z' : ''}`
    }
    case 'rect':
      return `M${x('x')},${y('y')}h${x('width')}v${y('height')}h${-x('width')}Z`
    case 'circle':
    case 'ellipse': {
      const rx = x(node.name === 'circle' ? 'r' : 'rx'),
        ry = node.name === 'circle' ? rx : y('ry')
      return `M${x('cx') - rx},${y('cy')}a${rx},${ry} 0 1 0 ${2 * rx},0a${rx},${ry} 0 1 0 ${-2 * rx},0Z`
    }
    default:
      return undefined
  }
}

const titleIn = (node: MarkupNode): { title?: string } => {
  const [title] = elementsIn(node, 'title')
  return title === undefined ? {} : { title: textIn(title).slice(0, 500) }
}

function shapeMarks(node: MarkupNode, d: string, matrix: Matrix, style: Style): Mark[] {
  const { fill, stroke, strokeWidth, dash, opacity, fillOpacity, strokeOpacity } = style
  const width = strokeWidth * scaleOf(matrix)
  const hasStroke = stroke !== 'none' && width > 0
  const shown = node.name === 'line' ? 'none' : fill
  if (shown === 'none' && !hasStroke) return []
  const title = titleIn(node)
  const inside = opacity * fillOpacity,
    around = opacity * strokeOpacity
  const { attributes } = node
  if (node.name === 'circle' && (shown === 'none' || inside === 1) && (!hasStroke || (around === 1 && dash === ''))) {
    const number = (name: string): number => Number.parseFloat(attributes.get(name) ?? '') || 0
    const [x, y] = apply(matrix, number('cx'), number('cy'))
    const r = number('r') * scaleOf(matrix)
    return [{ mark: 'circle', x, y, r, fill: shown, ...(hasStroke && { stroke, width }), ...title }]
  }
  const path = { mark: 'path', d: movedPath(d, matrix), ...title } as const
  const line = { stroke, width, ...(dash !== '' && { dash: scaledDash(dash, scaleOf(matrix)) }) }
  if (hasStroke && shown !== 'none' && inside === around)
    return [{ ...path, fill: shown, ...line, ...(inside < 1 && { opacity: inside }) }]
  return [
    ...(shown === 'none' ? [] : [{ ...path, fill: shown, ...(inside < 1 && { opacity: inside }) }]),
    ...(hasStroke ? [{ ...path, fill: 'none', ...line, ...(around < 1 && { opacity: around }) }] : []),
  ]
}

const scaledDash = (dash: string, scale: number): string =>
  dash
    .split(' ')
    .map((length) => Math.round(Number(length) * scale * 100) / 100)
    .join(' ')

/** Text with its lines: a `tspan` with a place of its own begins one. */
function drawText(node: MarkupNode, matrix: Matrix, style: Style, page: Page): void {
  const lines: { x: number; y: number; text: string; style: Style }[] = []
  let x = 0,
    y = 0
  const walk = (one: MarkupNode, own: Style): void => {
    const read = readerOf(one)
    const has = (name: string): boolean => read(name) !== undefined
    const isPlaced = one === node || has('x') || has('y') || has('dy')
    if (has('x') || one === node) x = lengthOf(read('x'), own.size, page.width, 0)
    if (has('y') || one === node) y = lengthOf(read('y'), own.size, page.height, 0)
    x += lengthOf(read('dx'), own.size, page.width)
    y += lengthOf(read('dy'), own.size, page.height) + BASELINES[read('dominant-baseline') ?? '']! * own.size || 0
    if (isPlaced) lines.push({ x, y, text: '', style: own })
    for (const child of one.children) {
      if (typeof child === 'string') lines.at(-1)!.text += child
      else if (child.name === 'tspan') walk(child, styleOf(child, own, page.theme))
    }
  }
  walk(node, style)
  const turn = turnOf(matrix)
  for (const line of lines) {
    if (line.text.trim() === '' || line.style.fill === 'none') continue
    const [left, base] = apply(matrix, line.x, line.y)
    const { fill, size, weight, anchor, isMono } = line.style
    page.marks.push({
      ...{ mark: 'text', x: left, y: base, text: line.text, fill, size: size * scaleOf(matrix), anchor },
      ...(weight >= 600 && { weight: 600 }),
      ...(turn !== 0 && { rotate: turn }),
      ...(isMono && { mono: true }),
    })
  }
}

const BASELINES: Readonly<Record<string, number>> = { '': 0, middle: 0.32, central: 0.32, hanging: 0.71 }
