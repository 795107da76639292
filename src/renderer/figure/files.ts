// The files of a figure, made on this side but for the PDF, whose fonts the workbench embeds.

import { fromBase64 } from '#core/base64.ts'
import type { FigureSource } from '#core/plots/figure/metadata.ts'
import { withPngSource } from '#core/plots/figure/metadata.ts'
import { pngFile, pngRows } from '#core/plots/figure/png.ts'
import { PAPER } from '#core/plots/figure/restyle.ts'
import type { Figure } from '#core/plots/figure/restyle.ts'
import { figureToSvg } from '#core/plots/figure/svg.ts'
import { figureToTikz, standaloneTex } from '#core/plots/figure/tikz.ts'
import type { Mark, TextMark } from '#core/plots/scene.ts'
import { client } from '../client.ts'
import { drawMarks } from '../plots/draw-scene.ts'

export type FigureFormat = 'pdf' | 'svg' | 'png300' | 'png600' | 'tex'

export const FORMATS: readonly { readonly format: FigureFormat; readonly label: string; readonly ending: string }[] = [
  { format: 'pdf', label: 'PDF', ending: 'pdf' },
  { format: 'svg', label: 'SVG', ending: 'svg' },
  { format: 'png300', label: 'PNG, 300 dpi', ending: 'png' },
  { format: 'png600', label: 'PNG, 600 dpi', ending: 'png' },
  { format: 'tex', label: 'TikZ', ending: 'tex' },
]

/** The file of a figure. Throws HeddleError where the workbench refuses it. */
export async function fileOf(figure: Figure, source: FigureSource, format: FigureFormat): Promise<Blob> {
  switch (format) {
    case 'svg':
      return new Blob([figureToSvg(figure, source)], { type: 'image/svg+xml' })
    case 'tex':
      return new Blob([standaloneTex(figureToTikz(figure, source))], { type: 'application/x-tex' })
    case 'pdf': {
      const bytes = fromBase64(await client.figures.pdf({ figure: bare(figure), ...source }))
      if (bytes === undefined) throw new Error('the PDF came broken')
      return new Blob([bytes], { type: 'application/pdf' })
    }
    default:
      return await pngOf(figure, source, format === 'png300' ? 300 : 600)
  }
}

/** The figure without what a page cannot show. */
function bare({ axes: _axes, marks, ...rest }: Figure): Figure {
  return {
    ...rest,
    marks: marks.map((mark): Mark => {
      if (mark.mark === 'text') return mark
      const { key: _key, title: _title, ...shown } = mark
      return shown
    }),
  }
}

async function pngOf(figure: Figure, source: FigureSource, dots: number): Promise<Blob> {
  const scale = dots / 72
  const canvas = new OffscreenCanvas(Math.round(figure.width * scale), Math.round(figure.height * scale))
  const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true })!
  context.fillStyle = PAPER.ground
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.scale(scale, scale)
  drawMarks(context, figure.marks)
  const { width, height } = canvas
  const rows = pngRows(context.getImageData(0, 0, width, height).data, width, height)
  const packed = new Blob([rows]).stream().pipeThrough(new CompressionStream('deflate'))
  const png = pngFile(width, height, new Uint8Array(await new Response(packed).arrayBuffer()))
  const bytes = withPngSource(png, source, dots)
  return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'image/png' })
}

/** Widths of texts as the screen's fonts have them. */
export function textMeasure(): (mark: TextMark) => number {
  const context = new OffscreenCanvas(1, 1).getContext('2d')!
  return ({ text, size = 12, weight = 400, mono }) => {
    context.font = `${weight} 100px ${mono === true ? "'JetBrains Mono Variable'" : "'Inter Variable'"}, sans-serif`
    return (context.measureText(text).width * size) / 100
  }
}
