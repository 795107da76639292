// A figure as TikZ source that a co-author can edit: one line for each mark, colours by name, text set by LaTeX.

import type { Mark, TextMark } from '../scene.ts'
import { texEscape } from '../tables/tex.ts'
import { makeLooks } from './looks.ts'
import { sourceWord } from './metadata.ts'
import type { FigureSource } from './metadata.ts'
import { pathParts } from './restyle.ts'
import type { Figure } from './restyle.ts'

/** A `tikzpicture` of the figure's size. It needs `\usepackage{tikz}` and `\usetikzlibrary{svg.path}`. */
export function figureToTikz(figure: Figure, source: FigureSource): string {
  const colors = new Map<string, string>()
  const colorOf = (color: string): string => {
    const hex = color.slice(1).toUpperCase()
    const known = colors.get(hex)
    if (known !== undefined) return known
    const name = `heddle${String.fromCharCode(97 + Math.floor(colors.size / 26), 97 + (colors.size % 26))}`
    colors.set(hex, name)
    return name
  }
  const looks = makeLooks()
  const body = figure.marks.map((mark) => markToTikz(mark, colorOf, (options) => `h${looks.nameOf(options)}`))
  const { width, height } = figure
  return [
    `% ${oneLine(source.name)}`,
    `% ${oneLine(figure.description)}`,
    `% ${sourceWord(source)}`,
    String.raw`% \usepackage{tikz} \usetikzlibrary{svg.path}`,
    ...[...colors].map(([hex, name]) => String.raw`\definecolor{${name}}{HTML}{${hex}}%`),
    String.raw`\begin{tikzpicture}[x=1bp,y=-1bp,line join=round,every node/.style={inner sep=0pt,outer sep=0pt}]`,
    ...looks.entries().map(([name, options]) => String.raw`\tikzset{h${name}/.style={${options}}}`),
    String.raw`\useasboundingbox (0,0) rectangle (${width},${height});`,
    ...body,
    // a line end behind a macro is a blank of the picture's line
    String.raw`\end{tikzpicture}%`,
    '',
  ].join('\n')
}

/** A file that LaTeX compiles to the figure alone. */
export const standaloneTex = (tikz: string): string =>
  [
    String.raw`\documentclass{standalone}`,
    String.raw`\usepackage[T1]{fontenc}`,
    String.raw`\usepackage{helvet}`,
    String.raw`\renewcommand{\familydefault}{\sfdefault}`,
    String.raw`\usepackage{tikz}`,
    String.raw`\usetikzlibrary{svg.path}`,
    String.raw`\begin{document}`,
    tikz + String.raw`\end{document}`,
    '',
  ].join('\n')

const oneLine = (text: string): string => text.replace(/[\u0000-\u001f]+/g, ' ').slice(0, 2000)

type ColorOf = (color: string) => string
/** The name of a style with some options. */
type StyleOf = (options: string) => string

function look(
  {
    fill,
    stroke,
    width,
    dash,
    opacity,
  }: { fill?: string; stroke?: string; width?: number; dash?: string; opacity?: number },
  colorOf: ColorOf,
): string {
  const isHex = (color: string | undefined): color is string => color !== undefined && /^#[0-9a-f]{6}$/i.test(color)
  const dashes = dash?.split(' ').map((length, i) => `${i % 2 === 0 ? 'on' : 'off'} ${length}bp`)
  return [
    ...(isHex(fill) ? [`fill=${colorOf(fill)}`] : []),
    ...(isHex(stroke) ? [`draw=${colorOf(stroke)}`, `line width=${width ?? 1}bp`] : []),
    ...(dashes === undefined ? [] : [`dash pattern=${dashes.join(' ')}`]),
    ...(opacity === undefined ? [] : [`opacity=${opacity}`]),
  ].join(',')
}

function markToTikz(mark: Mark, colorOf: ColorOf, styleOf: StyleOf): string {
  switch (mark.mark) {
    case 'path':
      return pathToTikz(mark.d, styleOf(look(mark, colorOf)))
    case 'circle':
      return String.raw`\path[${styleOf(look(mark, colorOf))}] (${mark.x},${mark.y}) circle[radius=${mark.r}bp];`
    case 'rect': {
      const corners = mark.radius === undefined || mark.radius === 0 ? '' : `,rounded corners=${mark.radius}bp`
      return String.raw`\path[${styleOf(look(mark, colorOf))}${corners}] (${mark.x},${mark.y}) rectangle (${round(mark.x + mark.w)},${round(mark.y + mark.h)});`
    }
    case 'text':
      return textToTikz(mark, colorOf, styleOf)
  }
}

const round = (value: number): number => Math.round(value * 100) / 100

/**
 * A path of lines is written out, so that its numbers can be edited; one with curves goes through the svg library,
 * whose unit is the TeX point.
 */
function pathToTikz(d: string, options: string): string {
  const parts = pathParts(d)
  if (parts.some(({ command }) => !'MmLlHhVvZz'.includes(command)))
    return String.raw`\path[${options},xscale=1.00375,yscale=-1.00375] svg "${d}";`
  let x = 0,
    y = 0,
    startX = 0,
    startY = 0
  const out: string[] = []
  for (const { command, numbers } of parts) {
    const isRelative = command === command.toLowerCase()
    const kind = command.toUpperCase()
    if (kind === 'Z') {
      out.push('-- cycle')
      x = startX
      y = startY
      continue
    }
    const step = kind === 'H' || kind === 'V' ? 1 : 2
    for (let i = 0; i + step <= numbers.length; i += step) {
      const value = numbers[i]!
      if (kind === 'H') x = isRelative ? x + value : value
      else if (kind === 'V') y = isRelative ? y + value : value
      else {
        x = isRelative ? x + value : value
        y = isRelative ? y + numbers[i + 1]! : numbers[i + 1]!
      }
      const isMove = kind === 'M' && i === 0
      if (isMove) {
        startX = x
        startY = y
      }
      out.push(`${isMove ? '' : '-- '}(${round(x)},${round(y)})`)
    }
  }
  return String.raw`\path[${options}] ${out.join(' ')};`
}

function textToTikz(
  { x, y, text, fill, size = 12, anchor = 'start', weight = 400, rotate, mono }: TextMark,
  colorOf: ColorOf,
  styleOf: StyleOf,
): string {
  const place = { start: 'base west', middle: 'base', end: 'base east' }[anchor]
  const font = String.raw`\fontsize{${size}bp}{${round(size * 1.2)}bp}\selectfont${mono === true ? String.raw`\ttfamily` : ''}${weight >= 600 ? String.raw`\bfseries` : ''}`
  const turn = rotate === undefined ? '' : `,rotate=${-rotate}`
  return String.raw`\node[${styleOf(`anchor=${place},text=${colorOf(fill)},font={${font}}${turn}`)}] at (${x},${y}) {${texEscape(text)}};`
}
