// What a figure's author should know before print: text too small, labels cut or on top of each other, axes without
// units, lines too faint, series that look alike without colour.

import type { Mark, TextMark } from '../scene.ts'
import { contrast, deuteranope, difference, lightness, linearOf } from './color.ts'
import { isLine, seriesOf } from './redundant.ts'
import { PAPER } from './restyle.ts'
import type { Figure } from './restyle.ts'

export type FindingKind = 'omitted' | 'small-text' | 'clipped' | 'overlap' | 'no-unit' | 'faint' | 'alike'

export interface Finding {
  readonly kind: FindingKind
  /** One sentence that names the place. */
  readonly text: string
}

/** Width of a text in the unit of its size. */
export type Measure = (mark: TextMark) => number

/** Points below which text is not read in print. */
export const LEAST_TEXT = 6
const LEAST_LINE = 0.35
const LEAST_CONTRAST = 1.25
/** Differences of lightness and of colour that tell series apart when they are small. */
const LEAST_LIGHTNESS = 12
const LEAST_DIFFERENCE = 15
/** Findings of a kind that are told one by one. */
const MOST = 5

/** Measures without a font: Inter's usual widths for digits, lower and upper case. */
export const roughMeasure: Measure = ({ text, size = 12, mono }) =>
  [...text].reduce(
    (sum, c) => sum + (mono === true ? 0.6 : /[il.,:;'|!·\s()]/.test(c) ? 0.3 : /[A-Zmw%]/.test(c) ? 0.72 : 0.58),
    0,
  ) * size

/** Everything found, the gravest first; empty where the figure is fit for print. */
export function checkFigure(figure: Figure, measure: Measure = roughMeasure): readonly Finding[] {
  const texts = figure.marks.filter((mark) => mark.mark === 'text' && mark.text.trim() !== '') as TextMark[]
  return [
    ...few(
      'omitted',
      (figure.omitted ?? []).map((what) => `${what} of the drawing are left out`),
    ),
    ...few('small-text', smallTexts(texts)),
    ...few('clipped', clipped(figure, texts, measure)),
    ...few('overlap', overlaps(texts, measure)),
    ...few('no-unit', withoutUnit(figure, texts)),
    ...few('faint', faint(figure.marks)),
    ...few('alike', alike(figure.marks)),
  ]
}

function few(kind: FindingKind, texts: readonly string[]): Finding[] {
  const different = [...new Set(texts)]
  const shown = different.slice(0, MOST).map((text) => ({ kind, text }))
  return different.length > MOST ? [...shown, { kind, text: `${different.length - MOST} more of this kind` }] : shown
}

const quoted = (text: string): string => `"${text.length > 40 ? `${text.slice(0, 39)}…` : text}"`

const smallTexts = (texts: readonly TextMark[]): string[] =>
  texts
    .filter(({ size = 12 }) => size < LEAST_TEXT)
    .map(({ text, size = 12 }) => `${quoted(text)} is ${size.toFixed(1)} pt, under ${LEAST_TEXT} pt`)

interface Box {
  readonly x0: number
  readonly y0: number
  readonly x1: number
  readonly y1: number
}

/** The box of a text; of a turned one that of its corners. */
export function boxOf(mark: TextMark, measure: Measure): Box {
  const { x, y, size = 12, anchor = 'start', rotate = 0 } = mark
  const width = measure(mark)
  const from = anchor === 'start' ? 0 : anchor === 'middle' ? -width / 2 : -width
  const turn = (rotate * Math.PI) / 180
  const corners = [
    [from, -0.74 * size],
    [from + width, -0.74 * size],
    [from, 0.2 * size],
    [from + width, 0.2 * size],
  ].map(([dx, dy]) => [
    x + dx! * Math.cos(turn) - dy! * Math.sin(turn),
    y + dx! * Math.sin(turn) + dy! * Math.cos(turn),
  ])
  const xs = corners.map(([px]) => px!),
    ys = corners.map(([, py]) => py!)
  return { x0: Math.min(...xs), x1: Math.max(...xs), y0: Math.min(...ys), y1: Math.max(...ys) }
}

function clipped({ width, height }: Figure, texts: readonly TextMark[], measure: Measure): string[] {
  return texts
    .filter((mark) => {
      const { x0, y0, x1, y1 } = boxOf(mark, measure)
      return x0 < -0.5 || y0 < -0.5 || x1 > width + 0.5 || y1 > height + 0.5
    })
    .map(({ text }) => `${quoted(text)} is cut by the edge of the figure`)
}

/** Pairs of texts whose boxes share more than a hair; a sweep over x, since a figure may hold thousands of labels. */
function overlaps(texts: readonly TextMark[], measure: Measure): string[] {
  const boxes = texts.map((mark) => ({ mark, ...boxOf(mark, measure) })).sort((a, b) => a.x0 - b.x0)
  const found: string[] = []
  boxes.forEach((a, i) => {
    for (let j = i + 1; j < boxes.length && boxes[j]!.x0 < a.x1; j++) {
      const b = boxes[j]!
      const across = Math.min(a.x1, b.x1) - b.x0,
        down = Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0)
      if (across > 0.8 && down > 1.2) found.push(`${quoted(a.mark.text)} and ${quoted(b.mark.text)} overlap`)
      if (found.length > 200) return
    }
  })
  return found
}

/** Quantities that have no unit, counts that name what they count, and texts that end in a unit. */
const UNITLESS =
  /\b(rank|correlation|hypervolume|gain|share|ratio|regret|recall|trials?|samples?|steps?|depth|width|copies|blocks?|tokens?|score|accuracy|parameters?|perplexity|heads?|stack|layers?|budget|relative|norm)\b/i
const UNIT =
  /(,\s*|\(\s*|\/\s*)(ms|s|µs|us|min|h|B|kB|KiB|MB|MiB|GB|GiB|bytes?|bits?|nats?|%|tokens?|steps?|blocks?|FLOPs?|GFLOPs?|W|J|px)\b|\bnats\b|%|\(log\)/i

function withoutUnit({ width, height }: Figure, texts: readonly TextMark[]): string[] {
  const size = Math.max(0, ...texts.map((mark) => mark.size ?? 12))
  const titles = texts.filter((mark) => mark.isTitle === true)
  const isPlacedAsTitle = ({ anchor, rotate, x, y, size: own = 12 }: TextMark): boolean =>
    anchor === 'middle' &&
    (rotate === -90 ? x < width * 0.2 : rotate === undefined && own === size && y > height - 1.6 * size)
  return (titles.length > 0 ? titles : texts.filter(isPlacedAsTitle))
    .filter(({ text }) => !UNIT.test(text.replace(/\s*\(log\)/, '')) && !UNITLESS.test(text))
    .map(({ text }) => `the axis ${quoted(text)} names no unit`)
}

function faint(marks: readonly Mark[]): string[] {
  const ground = linearOf(PAPER.ground)!
  return marks.flatMap((mark) => {
    if (mark.mark !== 'path' || mark.stroke === undefined || mark.stroke === PAPER.line) return []
    const opacity = mark.opacity ?? 1
    const color = linearOf(mark.stroke)
    if ((mark.width ?? 1) < LEAST_LINE)
      return [`a line is ${(mark.width ?? 1).toFixed(2)} pt wide, under ${LEAST_LINE} pt`]
    if (color === undefined) return []
    const seen = color.map((v, i) => v * opacity + ground[i]! * (1 - opacity)) as unknown as typeof color
    return contrast(seen, ground) < LEAST_CONTRAST ? [`a line of ${mark.stroke} hardly shows on paper`] : []
  })
}

/** What makes a mark belong to a series beside its colour. */
function formOf(mark: Mark): string | undefined {
  if (mark.mark === 'circle') return 'circle'
  if (isLine(mark)) return `line ${mark.dash ?? ''}`
  if (mark.mark !== 'path' || mark.fill === undefined || mark.fill === 'none') return undefined
  return `shape ${mark.d.replace(/[\d.\s,-]+/g, '')}`
}

function alike(marks: readonly Mark[]): string[] {
  const series = new Map<string, { readonly form: string; readonly color: string }>()
  for (const mark of marks) {
    if (mark.mark !== 'circle' && mark.mark !== 'path') continue
    const form = formOf(mark),
      color = seriesOf(mark, PAPER)
    if (form !== undefined && color !== undefined) series.set(`${form} ${color}`, { form, color })
  }
  const all = [...series.values()]
  return all.flatMap((a, i) =>
    all.slice(i + 1).flatMap((b) => {
      if (a.form !== b.form || a.color === b.color) return []
      const one = linearOf(a.color)!,
        other = linearOf(b.color)!
      const isGrey = Math.abs(lightness(one) - lightness(other)) < LEAST_LIGHTNESS
      const isBlind = difference(deuteranope(one), deuteranope(other)) < LEAST_DIFFERENCE
      if (!isGrey && !isBlind) return []
      return [`series ${a.color} and ${b.color} look alike ${isBlind ? 'without green cones' : 'in greyscale'}`]
    }),
  )
}
