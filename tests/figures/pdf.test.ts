// PDF figures as poppler reads them: the size of the preset, every font embedded, none Type 3.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sourceIn } from '#core/plots/figure/metadata.ts'
import { PRESETS } from '#core/plots/figure/presets.ts'
import type { FigureSpan } from '#core/plots/figure/presets.ts'
import { figureOf } from '#core/plots/figure/restyle.ts'
import { figureToSvg } from '#core/plots/figure/svg.ts'
import { figureToTikz } from '#core/plots/figure/tikz.ts'
import { figureToPdf } from '#main/api/figures/pdf.ts'
import { readFigure } from '#main/api/figures/reader.ts'
import { frontOf, PLOTS, SOURCE } from './samples.ts'

const hasPoppler = spawnSync('pdffonts', ['-v']).error === undefined
const folder = mkdtempSync(join(tmpdir(), 'heddle-pdf-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const CASES = PRESETS.flatMap((preset) =>
  (Object.entries(preset.widths) as [FigureSpan, number][]).map(([span, inches]) => ({ preset, span, inches })),
)

function poppler(tool: string, file: string): string {
  const { status, stdout, stderr } = spawnSync(tool, [file], { encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  return stdout
}

describe.skipIf(!hasPoppler)('as poppler reads it (skipped where poppler-utils is not installed)', () => {
  it.each(Object.entries(PLOTS))('%s fits every preset and embeds its fonts', async (name, make) => {
    for (const { preset, span, inches } of CASES) {
      const bytes = await figureToPdf(figureOf(make, { preset, span, aspect: 'golden' }), SOURCE)
      const file = join(folder, `${name}-${preset.kind}-${span}.pdf`)
      writeFileSync(file, bytes)
      const size = /Page size:\s+([\d.]+) x ([\d.]+) pts/.exec(poppler('pdfinfo', file))!
      expect(Math.abs(Number(size[1]) - 72 * inches)).toBeLessThan(0.1)
      expect(Math.abs(Number(size[2]) - 72 * 0.618 * inches)).toBeLessThan(0.1)
      const fonts = poppler('pdffonts', file).trim().split('\n').slice(2)
      expect(fonts.length).toBeGreaterThan(0)
      // name, type, encoding, embedded, subset, unicode
      for (const font of fonts) expect(font).toMatch(/^\S+\s+(CID TrueType|TrueType|Type 1C?)\s+\S+\s+yes yes yes /)
    }
  })

  it('keeps text as text', async () => {
    const figure = figureOf(PLOTS['front']!, { preset: PRESETS[0]!, span: 'full', aspect: 'golden' })
    const file = join(folder, 'text.pdf')
    writeFileSync(file, await figureToPdf(figure, SOURCE))
    const { stdout } = spawnSync('pdftotext', [file, '-'], { encoding: 'utf8' })
    expect(stdout).toContain('latency, ms')
    expect(stdout).toContain('nats/token')
  })
})

const figure2000 = figureOf(frontOf(2000), { preset: PRESETS[1]!, span: 'full', aspect: 'golden' })

it('holds 2,000 points in 300 kB, the same bytes every time, and tells its view', async () => {
  const bytes = await figureToPdf(figure2000, SOURCE)
  expect(bytes.length).toBeLessThan(300_000)
  expect(figureToSvg(figure2000, SOURCE).length).toBeLessThan(300_000)
  expect(figureToTikz(figure2000, SOURCE).length).toBeLessThan(300_000)
  expect(await figureToPdf(figure2000, SOURCE)).toEqual(bytes)
  expect(sourceIn(bytes, ['search'])).toEqual(SOURCE)
})

it('reads figures as it gets them and refuses what is no colour, path or number', () => {
  const sent: unknown = JSON.parse(JSON.stringify(figure2000))
  expect(readFigure(sent, 'figure').marks).toHaveLength(figure2000.marks.length)
  const withMark = (mark: unknown): unknown => ({ width: 10, height: 10, description: '', marks: [mark] })
  const refused = (mark: unknown, path: string) =>
    expect(() => readFigure(withMark(mark), 'figure')).toThrowError(
      expect.objectContaining({ code: 'param-invalid', path: `figure.marks[0]${path}` }) as Error,
    )
  refused({ mark: 'path', d: 'M0,0 url(x)' }, '.d')
  refused({ mark: 'circle', x: 0, y: 0, r: -1, fill: '#000000' }, '.r')
  refused({ mark: 'circle', x: Number.NaN, y: 0, r: 1, fill: '#000000' }, '.x')
  refused({ mark: 'rect', x: 0, y: 0, w: 1, h: 1, fill: 'javascript:1' }, '.fill')
  refused({ mark: 'text', x: 0, y: 0, fill: '#000000', text: 'x'.repeat(2001) }, '.text')
  refused({ mark: 'image' }, '.mark')
  refused(null, '')
})
