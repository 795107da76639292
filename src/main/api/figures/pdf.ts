// A figure as a PDF page of its own size: vectors, and text in embedded TrueType fonts. The same figure gives the same bytes.

import PDFDocument from 'pdfkit'
import { sourceWord } from '#core/plots/figure/metadata.ts'
import type { FigureSource } from '#core/plots/figure/metadata.ts'
import type { Figure } from '#core/plots/figure/restyle.ts'
import type { Mark, TextMark } from '#core/plots/scene.ts'
import { runsOf } from './fonts.ts'
import type { Face } from './fonts.ts'

/** The PDF file of a figure. */
export async function figureToPdf(figure: Figure, source: FigureSource): Promise<Uint8Array> {
  const { width, height, marks, description } = figure
  const document = new PDFDocument({
    size: [width, height],
    margin: 0,
    pdfVersion: '1.5',
    // without a first font the document would name Helvetica, which is not embedded
    font: undefined as never,
    info: {
      Title: source.name,
      Subject: description.slice(0, 1000),
      Creator: 'Heddle',
      Producer: 'Heddle',
      Keywords: sourceWord(source),
      // the file's id is made from these fields, so a fixed date keeps the bytes the same
      CreationDate: new Date(0),
    },
  })
  const chunks: Uint8Array[] = []
  const ended = new Promise<void>((resolve, reject) => {
    document.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    document.on('end', resolve)
    document.on('error', reject)
  })
  document.lineJoin('round')
  for (const mark of marks) drawMark(document, mark)
  document.end()
  await ended
  return Buffer.concat(chunks)
}

type Page = PDFKit.PDFDocument

function drawMark(page: Page, mark: Mark): void {
  if (mark.mark === 'text') return drawText(page, mark)
  const fill = paint(mark.fill),
    stroke = paint(mark.stroke)
  if (fill === undefined && stroke === undefined) return
  const opacity = 'opacity' in mark ? (mark.opacity ?? 1) : 1
  const isPlain = opacity === 1 && (mark.mark !== 'path' || mark.dash === undefined)
  if (!isPlain) page.save()
  if (opacity !== 1) page.opacity(opacity)
  if (mark.mark === 'path') page.path(mark.d)
  else if (mark.mark === 'circle') page.circle(mark.x, mark.y, mark.r)
  else if ((mark.radius ?? 0) > 0) page.roundedRect(mark.x, mark.y, mark.w, mark.h, mark.radius)
  else page.rect(mark.x, mark.y, mark.w, mark.h)
  if (stroke !== undefined) page.lineWidth('width' in mark ? (mark.width ?? 1) : 1)
  if (mark.mark === 'path' && mark.dash !== undefined) {
    const lengths = mark.dash.split(' ').map(Number)
    if (lengths.length > 0 && lengths.every((length) => length > 0)) page.dash(lengths as never, {})
  }
  if (fill !== undefined && stroke !== undefined) page.fillAndStroke(fill, stroke)
  else if (fill !== undefined) page.fill(fill)
  else page.stroke(stroke)
  if (!isPlain) page.restore()
}

const paint = (color: string | undefined): string | undefined =>
  color === undefined || color === 'none' ? undefined : color

function drawText(
  page: Page,
  { x, y, text, fill, size = 12, anchor = 'start', weight = 400, rotate, mono }: TextMark,
): void {
  const face: Face = mono === true ? 'mono' : weight >= 600 ? 'semibold' : 'regular'
  const runs = runsOf(text, face).map((run) => ({
    ...run,
    width: page.font(run.file).fontSize(size).widthOfString(run.text, { features: FEATURES }),
  }))
  const width = runs.reduce((sum, run) => sum + run.width, 0)
  if (rotate !== undefined) page.save().rotate(rotate, { origin: [x, y] })
  let at = x - (anchor === 'start' ? 0 : anchor === 'middle' ? width / 2 : width)
  for (const run of runs) {
    page
      .font(run.file)
      .fontSize(size)
      .fillColor(fill)
      .text(run.text, at, y, { lineBreak: false, baseline: 'alphabetic', features: FEATURES })
    at += run.width
  }
  if (rotate !== undefined) page.restore()
}

/** Digits of one width, as on the screen. */
const FEATURES: PDFKit.Mixins.OpenTypeFeatures[] = ['tnum', 'kern']
