// A figure tells the view that it came from, whatever kind of file it is; nothing else is taken for one.

import { deflateSync } from 'node:zlib'
import { Resvg } from '@resvg/resvg-js'
import { describe, expect, it } from 'vitest'
import { decodeUtf8, encodeUtf8 } from '#core/utf8.ts'
import { readSource, sourceIn, sourceText, withPngSource } from '#core/plots/figure/metadata.ts'
import type { FigureSource } from '#core/plots/figure/metadata.ts'
import { pngFile, pngRows } from '#core/plots/figure/png.ts'
import { PRESETS } from '#core/plots/figure/presets.ts'
import { figureOf } from '#core/plots/figure/restyle.ts'
import { figureToSvg } from '#core/plots/figure/svg.ts'
import { figureToTikz, standaloneTex } from '#core/plots/figure/tikz.ts'
import { figureToPdf } from '#main/api/figures/pdf.ts'
import { PLOTS, SOURCE } from './samples.ts'

const PLACES = ['search', 'notebook']
const figure = figureOf(PLOTS['front']!, { preset: PRESETS[0]!, span: 'full', aspect: 'golden' })
const CELL: FigureSource = {
  name: 'learning) \\ <b>&amp; 학습 ]]> */ "',
  address: '#/notebook?name=Quick+start&cell=learning',
  spec: '```heddle:plot id=learning\nreturn Plot.dot([1, 2]).plot() // ü –\n```\n',
}

/** A PNG as other programs leave it. */
const png = (): Uint8Array =>
  new Resvg(figureToSvg(figure, SOURCE).replace(/<metadata>.*<\/metadata>/, '')).render().asPng()

it.each([SOURCE, CELL])('comes back from every kind of file', async (source) => {
  expect(sourceIn(encodeUtf8(figureToSvg(figure, source)), PLACES)).toEqual(source)
  expect(sourceIn(encodeUtf8(standaloneTex(figureToTikz(figure, source))), PLACES)).toEqual(source)
  expect(sourceIn(await figureToPdf(figure, source), PLACES)).toEqual(source)
  expect(sourceIn(withPngSource(png(), source, 300), PLACES)).toEqual(source)
})

it('is an attachment: the PNG shows the same picture at its resolution', () => {
  const before = png(),
    after = withPngSource(before, SOURCE, 600)
  const shown = (bytes: Uint8Array): Uint8Array => {
    const href = `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`
    return new Resvg(
      `<svg xmlns="http://www.w3.org/2000/svg" width="50" height="30"><image width="50" height="30" href="${href}"/></svg>`,
    ).render().pixels
  }
  expect(shown(after)).toEqual(shown(before))
  const at = Buffer.from(after).indexOf('pHYs')
  expect(Buffer.from(after).readUInt32BE(at + 4)).toBe(Math.round(600 / 0.0254))
  expect(() => withPngSource(encodeUtf8('no picture'), SOURCE, 300)).toThrow('not a PNG')
})

it('is written as other programs read it', () => {
  const width = 3,
    height = 2
  const rgba = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256))
  const file = pngFile(width, height, deflateSync(pngRows(rgba, width, height)))
  const href = `data:image/png;base64,${Buffer.from(file).toString('base64')}`
  const { pixels } = new Resvg(
    `<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"><image width="3" height="2" image-rendering="pixelated" href="${href}"/></svg>`,
  ).render()
  expect([...pixels]).toEqual([...rgba])
})

describe('what is no figure of Heddle', () => {
  it.each([
    ['another version', { 'heddle-figure': 2, name: 'n', address: '#/search' }],
    ['a place that does not exist', { 'heddle-figure': 1, name: 'n', address: '#/elsewhere' }],
    ['another site', { 'heddle-figure': 1, name: 'n', address: 'https://example.org/#/search' }],
    ['a script', { 'heddle-figure': 1, name: 'n', address: 'javascript:alert(1)' }],
    ['markup', { 'heddle-figure': 1, name: 'n', address: '#/search?x=<img>' }],
    ['no name', { 'heddle-figure': 1, address: '#/search' }],
    ['a list', []],
    ['too long a name', { 'heddle-figure': 1, name: 'n'.repeat(201), address: '#/search' }],
  ])('%s', (_, record) => {
    expect(readSource(JSON.stringify(record), PLACES)).toBeUndefined()
  })

  it('keeps of a record what is sound', () => {
    const record = {
      'heddle-figure': 1,
      name: 'n',
      address: '#/search?a=1',
      project: 7,
      selection: ['a', 1, 'b'],
      spec: 9,
    }
    expect(readSource(JSON.stringify(record), PLACES)).toEqual({
      name: 'n',
      address: '#/search?a=1',
      selection: ['a', 'b'],
    })
  })

  it('has bounds, and files may be broken anywhere', () => {
    const huge = {
      name: 'x'.repeat(1000),
      address: '#/search',
      spec: 'y'.repeat(50_000),
      selection: Array(5000).fill('k'),
    }
    expect(readSource(sourceText(huge), PLACES)).toMatchObject({ spec: 'y'.repeat(20_000), name: 'x'.repeat(200) })
    const bytes = withPngSource(png(), SOURCE, 300)
    for (let cut = 0; cut < bytes.length; cut += 97) sourceIn(bytes.subarray(0, cut), PLACES)
    expect(sourceIn(encodeUtf8('heddle-figure:AAAA'), PLACES)).toBeUndefined()
    expect(sourceIn(new Uint8Array(0), PLACES)).toBeUndefined()
    expect(decodeUtf8(encodeUtf8(sourceText(CELL)))).toBe(sourceText(CELL))
  })
})
