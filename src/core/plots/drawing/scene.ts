// A drawing as a scene: pictures and legends that code made become marks, so that they print as every other plot does.

import type { Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'
import { isLegend, legendOf } from './legend.ts'
import { elementsIn, readMarkup, textIn } from './markup.ts'
import type { MarkupNode } from './markup.ts'
import { drawSvg, sideOf } from './marks.ts'
import type { Sheet } from './marks.ts'
import { PLAIN } from './style.ts'

/**
 * The scene of markup: an SVG element, or HTML with titles, a legend and pictures below each other. What a scene cannot hold
 * is named in `omitted`.
 */
export function drawingScene(markup: string, theme: Theme): Scene {
  const root = readMarkup(markup)
  const sheet: Sheet = { marks: [], omitted: new Set(), theme }
  const top = root.children.filter((child) => typeof child !== 'string')
  let width = 0,
    height = 0
  const legends: (() => void)[] = []
  const place = (node: MarkupNode): void => {
    if (isLegend(node)) {
      const legend = legendOf(node, sheet, height, widestOf(root))
      legends.push(legend.draw)
      height += legend.height
      return
    }
    const block = blockOf(node, sheet, height)
    if (block === undefined) {
      for (const child of node.children) if (typeof child !== 'string') place(child)
      return
    }
    width = Math.max(width, block.width)
    height += block.height
  }
  top.forEach(place)
  // a legend looks like the marks that it explains
  for (const draw of legends) draw()
  const label = elementsIn(root, 'svg').flatMap((svg) => svg.attributes.get('aria-label') ?? [])[0]
  const names = ['h2', 'h3', 'figcaption'].flatMap((name) => elementsIn(root, name).map(textIn))
  return {
    width: Math.max(1, width),
    height: Math.max(1, height),
    marks: sheet.marks,
    description: (label ?? (names.join('. ') || 'Drawing of a notebook')).slice(0, 2000),
    ...(sheet.omitted.size > 0 && { omitted: [...sheet.omitted] }),
  }
}

const widestOf = (root: MarkupNode): number =>
  Math.max(...elementsIn(root, 'svg').map((svg) => sideOf(svg, 'width', 640)), 160)

/** Draws what stands by itself on the page at a height; undefined for what only holds other things. */
function blockOf(
  node: MarkupNode,
  sheet: Sheet,
  top: number,
): { readonly width: number; readonly height: number } | undefined {
  const { ink, quiet } = sheet.theme
  const line = (size: number, fill: string, weight: number): { width: number; height: number } => {
    sheet.marks.push({ mark: 'text', x: 0, y: top + size, text: textIn(node).trim(), fill, size, weight })
    return { width: 0, height: size * 1.4 }
  }
  if (node.name === 'svg') {
    drawSvg(node, [1, 0, 0, 1, 0, top], PLAIN, sheet)
    return { width: sideOf(node, 'width', 640), height: sideOf(node, 'height', 400) }
  }
  if (node.name === 'h2') return line(14, ink, 600)
  if (node.name === 'h3') return line(12, ink, 400)
  if (node.name === 'figcaption') return line(11, quiet, 400)
  return node.name === 'style' ? { width: 0, height: 0 } : undefined
}
