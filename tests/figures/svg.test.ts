// The same SVG in Chromium and in resvg, with the same font files: two renderers that share no code must show the same figure.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Resvg } from '@resvg/resvg-js'
import type { Browser } from 'playwright-core'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PRESETS } from '#core/plots/figure/presets.ts'
import { figureOf } from '#core/plots/figure/restyle.ts'
import { figureToSvg } from '#core/plots/figure/svg.ts'
import { fontFile } from '#main/api/figures/fonts.ts'
import { ensureChromium } from '../helpers/chromium.ts'
import { pixelsOf } from '../helpers/pixels.ts'
import { PLOTS, SOURCE } from './samples.ts'
import { trueTypeOf } from './woff.ts'

/** Edges are smoothed differently: a pixel differs beyond this, of 255, ... */
const TOLERANCE = 96
/** ... and so many of them may. */
const MOST_DIFFERENT = 0.01
const SCALE = 2

const folder = mkdtempSync(join(tmpdir(), 'heddle-svg-'))
const faces = (['regular', 'semibold', 'mono'] as const).map((face) => ({
  face,
  woff: readFileSync(fontFile(face)),
  file: join(folder, `${face}.ttf`),
}))
let browser: Browser

beforeAll(async () => {
  for (const { woff, file } of faces) writeFileSync(file, trueTypeOf(woff))
  browser = await chromium.launch({
    executablePath: ensureChromium((line) => console.log(line)),
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
})
afterAll(async () => {
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
})

function inResvg(svg: string): { readonly pixels: Uint8Array; readonly width: number; readonly height: number } {
  const { pixels, width, height } = new Resvg(svg, {
    font: { loadSystemFonts: false, fontFiles: faces.map(({ file }) => file), defaultFontFamily: 'Inter' },
    background: '#ffffff',
    fitTo: { mode: 'zoom', value: SCALE },
  }).render()
  return { pixels, width, height }
}

/** The picture of the same size, red, green, blue and opacity in turn. */
async function inChromium(svg: string, width: number, height: number): Promise<Uint8Array> {
  const page = await browser.newPage({
    viewport: { width: Math.ceil(width / SCALE), height: Math.ceil(height / SCALE) },
    deviceScaleFactor: SCALE,
  })
  const fonts = faces.map(({ face, woff }) => {
    const family = face === 'mono' ? 'JetBrains Mono' : 'Inter'
    return `@font-face{font-family:'${family}';font-weight:${face === 'semibold' ? 600 : 400};src:url(data:font/woff;base64,${woff.toString('base64')})}`
  })
  await page.setContent(`<style>${fonts.join('')}body{margin:0}svg{display:block}</style>${svg}`)
  await page.evaluate('document.fonts.ready')
  const png = await page.screenshot()
  await page.close()
  return pixelsOf(png, { width, height }).pixels
}

it.each(Object.entries(PLOTS))('%s looks the same in both', async (_, make) => {
  for (const preset of [PRESETS[0]!, PRESETS[1]!]) {
    const svg = figureToSvg(figureOf(make, { preset, span: 'column', aspect: 'golden' }), SOURCE)
    const { pixels, width, height } = inResvg(svg)
    const other = await inChromium(svg, width, height)
    expect(other.length).toBe(pixels.length)
    let different = 0,
      inked = 0
    for (let i = 0; i < pixels.length; i += 4) {
      const distance = Math.max(...[0, 1, 2].map((c) => Math.abs(pixels[i + c]! - other[i + c]!)))
      if (distance > TOLERANCE) different++
      if (pixels[i]! + pixels[i + 1]! + pixels[i + 2]! < 600) inked++
    }
    const share = (4 * different) / pixels.length
    console.log(`${preset.kind}: ${(100 * share).toFixed(2)} % of pixels differ`)
    expect(inked).toBeGreaterThan(500)
    expect(share).toBeLessThan(MOST_DIFFERENT)
  }
})
