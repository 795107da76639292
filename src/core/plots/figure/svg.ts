// A figure as an SVG file. Marks share their looks through classes, which keeps thousands of points small.

import { escapeXml } from '../scene.ts'
import type { Mark, TextMark } from '../scene.ts'
import { makeLooks } from './looks.ts'
import type { Looks } from './looks.ts'
import { sourceWord } from './metadata.ts'
import type { FigureSource } from './metadata.ts'
import type { Figure } from './restyle.ts'

const FONTS = { text: "Inter,'Helvetica Neue',Arial,sans-serif", mono: "'JetBrains Mono',Menlo,monospace" }

/** A figure as an SVG file of its size in print, with its description and the view that it came from. */
export function figureToSvg(figure: Figure, source: FigureSource): string {
  const { width, height, description, marks } = figure
  const inches = (points: number): string => `${Math.round((points / 72) * 1e5) / 1e5}in`
  const looks = makeLooks()
  const body = marks.map((mark) => markToSvg(mark, looks))
  const styles = looks.entries().map(([name, look]) => `.${name}{${look}}`)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${inches(width)}" height="${inches(height)}" viewBox="0 0 ${width} ${height}" role="img" fill="none" stroke-linejoin="round">`,
    `<title>${escapeXml(source.name)}</title>`,
    `<desc>${escapeXml(description)}</desc>`,
    `<metadata>${sourceWord(source)}</metadata>`,
    `<style>text{font-family:${FONTS.text};font-variant-numeric:tabular-nums}${styles.join('')}</style>`,
    ...body,
    '</svg>',
    '',
  ].join('\n')
}

function lookOf(mark: Exclude<Mark, TextMark>): string {
  const width = 'width' in mark ? (mark.width ?? 1) : 1
  return [
    ...(mark.fill === undefined || mark.fill === 'none' ? [] : [`fill:${mark.fill}`]),
    ...(mark.stroke === undefined || mark.stroke === 'none' ? [] : [`stroke:${mark.stroke}`, `stroke-width:${width}`]),
    ...('dash' in mark && mark.dash !== undefined ? [`stroke-dasharray:${mark.dash}`] : []),
    ...('opacity' in mark && mark.opacity !== undefined ? [`opacity:${mark.opacity}`] : []),
  ].join(';')
}

function textLook({ fill, size = 12, anchor = 'start', weight, mono }: TextMark): string {
  return [
    `fill:${fill}`,
    `font-size:${size}px`,
    ...(anchor === 'start' ? [] : [`text-anchor:${anchor}`]),
    ...(weight === undefined ? [] : [`font-weight:${weight >= 600 ? 600 : 400}`]),
    ...(mono === true ? [`font-family:${FONTS.mono}`] : []),
  ].join(';')
}

function markToSvg(mark: Mark, looks: Looks): string {
  // looks are made of colours and numbers of scenes, yet a style sheet is no place for a surprise
  const named = (look: string): string => `class="${looks.nameOf(look.replace(/[<>{}&]/g, ''))}"`
  switch (mark.mark) {
    case 'path':
      return `<path ${named(lookOf(mark))} d="${escapeXml(mark.d)}"/>`
    case 'circle':
      return `<circle ${named(lookOf(mark))} cx="${mark.x}" cy="${mark.y}" r="${mark.r}"/>`
    case 'rect': {
      const radius = (mark.radius ?? 0) > 0 ? ` rx="${mark.radius}"` : ''
      return `<rect ${named(lookOf(mark))} x="${mark.x}" y="${mark.y}" width="${mark.w}" height="${mark.h}"${radius}/>`
    }
    case 'text': {
      const turn = mark.rotate === undefined ? '' : ` transform="rotate(${mark.rotate} ${mark.x} ${mark.y})"`
      return `<text ${named(textLook(mark))} x="${mark.x}" y="${mark.y}"${turn}>${escapeXml(mark.text)}</text>`
    }
  }
}
