// Every view with data in it: what axe-core finds, in light and dark, and whether anything scrolls sideways or is lost in a
// small window.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLACES } from '../../src/renderer/shell/places.ts'
import type { App } from './app.ts'
import { closeBrowser, openPage, startApp, watch, WORK_MS } from './app.ts'
import { fillProject } from './filled.ts'

const VIEWS = PLACES.map(({ view }) => view)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'heddle-access-'))
let app: App

/** Addresses beside the first screen of each view. */
const MORE = [
  'search?study=1',
  'search?study=1&view=lineage',
  'search?study=1&view=what-if',
  'search?new=1',
  'train?runs=25,26,27',
  'history?of=studies',
  'notebook?name=log',
]

beforeAll(async () => {
  const project = join(folder, 'filled.heddle')
  await fillProject(project)
  app = await startApp({ library: folder, args: ['--project', project] })
}, WORK_MS)
afterAll(async () => {
  await closeBrowser()
  await app.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe.each(['light', 'dark'] as const)('in %s', (side) => {
  it.each([...VIEWS, ...MORE])('%s has no serious violation', { timeout: WORK_MS }, async (address) => {
    const page = await openPage(app.url, { side, bypassCSP: true })
    watch(page)
    try {
      await page.goto(`${app.url.split('#')[0]!}#/${address}`)
      await page.getByRole('main').waitFor()
      await page.waitForFunction(() => document.querySelector('[aria-busy=true]') === null)
      await page.waitForTimeout(300)
      await page.evaluate(axe)
      const results = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResults
      const serious = results.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      expect(
        serious.map(
          ({ id, nodes }) =>
            `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ''}`).join('\n')}`,
        ),
      ).toEqual([])
      await expect.poll(() => page.getByRole('heading', { level: 1 }).count()).toBe(1)
      expect(page.complaints).toEqual([])
    } finally {
      await page.context().close()
    }
  })
})

describe.each([
  [1024, 700],
  [2560, 1440],
] as const)('at %i x %i', (width, height) => {
  it.each([...VIEWS, ...MORE])('%s fits', { timeout: WORK_MS }, async (address) => {
    const page = await openPage(app.url, { width, height })
    watch(page)
    try {
      await page.goto(`${app.url.split('#')[0]!}#/${address}`)
      await page.getByRole('main').waitFor()
      await page.waitForTimeout(400)
      const { scroll, client } = await page.evaluate(() => ({
        scroll: document.documentElement.scrollWidth,
        client: document.documentElement.clientWidth,
      }))
      expect(scroll).toBeLessThanOrEqual(client)
      // controls stand inside the window, or inside something that scrolls
      const lost = await page.evaluate(() =>
        [...document.querySelectorAll('button, input, select, a[href]')].flatMap((element) => {
          const { left, right, width: wide } = element.getBoundingClientRect()
          const isIn = wide === 0 || (left >= -1 && right <= innerWidth + 1)
          const scrolls = (at: Element | null): boolean =>
            at !== null &&
            (/(auto|scroll|hidden|clip)/.test(getComputedStyle(at).overflowX) || scrolls(at.parentElement))
          return isIn || scrolls(element.parentElement) ? [] : [element.outerHTML.slice(0, 120)]
        }),
      )
      expect(lost).toEqual([])
    } finally {
      await page.context().close()
    }
  })
})
