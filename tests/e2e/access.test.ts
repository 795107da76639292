// Every view with data in it: what axe-core finds, in light and dark, and whether anything scrolls sideways or is lost in a
// small window.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLACES } from '../../src/renderer/shell/places.ts'
import type { App, PageOptions } from './app.ts'
import { closeBrowser, openPage, startApp, watch, WORK_MS } from './app.ts'
import { fillProject } from './filled.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'heddle-access-'))
let app: App

/** Addresses beside the first screen of each view, and something that only that screen shows. */
const MORE: readonly (readonly [address: string, shows: string])[] = [
  ['design?with=design%201', '[aria-label="Comparison with design 1"]'],
  ['profile?measurement=1', 'aside[aria-label="Measurement 1"]'],
  ['profile?form=measure', 'aside[aria-label="Measure stacks"]'],
  ['profile?tab=contexts', '[role=radio][aria-checked=true]:text("Contexts")'],
  ['profile?tab=depth', '[role=radio][aria-checked=true]:text("Depth")'],
  ['profile?tab=operators', '[role=grid]'],
  ['profile?tab=additivity', '[role=radio][aria-checked=true]:text("Additivity")'],
  ['train?runs=25,26,27', 'aside'],
  ['search?study=1', '[role=application][aria-label^="Front of"]'],
  ['search?study=1&trial=3', 'aside[aria-label="Trial 3"]'],
  ['search?study=1&tab=lineage', 'main input[type=range]'],
  ['search?study=1&tab=what-if', '[role=tab][aria-selected=true]:text("What if")'],
  ['search?studies=1,2', 'main h1:text("fronts")'],
  ['search?new=1', 'main h1:text("New search")'],
  ['compare?tab=stored', '[role=tab][aria-selected=true]:text("Stored")'],
  ['compare?tab=studies', '[role=tab][aria-selected=true]:text("Study")'],
  ['history?of=studies', '[role=grid][aria-label=Studies]'],
  ['history?of=trials', '[role=grid][aria-label=Trials]'],
  ['history?of=measurements', '[role=grid][aria-label=Measurements]'],
  ['history?of=stacks', '[role=grid][aria-label=Stacks]'],
  ['notebook?name=log', 'main'],
]
const ADDRESSES = [...PLACES.map(({ view }) => [view, 'main h1'] as const), ...MORE]

type OpenPage = Awaited<ReturnType<typeof openPage>>

/** Goes to an address; returns when what it shows is there and nothing is read any more. */
async function visitAddress(page: OpenPage, address: string, shows: string): Promise<void> {
  watch(page)
  page.complaints.length = 0
  await page.evaluate((hash) => (location.hash = hash), `#/${address}`)
  await page.locator(shows).first().waitFor()
  await page.waitForFunction(() => document.querySelector('[aria-busy=true]') === null)
  // what comes after the first drawing
  await page.waitForTimeout(300)
}

/** One page for the tests of a group. */
function pageOf(options: PageOptions): () => OpenPage {
  let page: OpenPage
  beforeAll(async () => {
    page = await openPage(app.url, options)
    await page.evaluate(() => document.fonts.ready)
  }, WORK_MS)
  afterAll(() => page.context().close())
  return () => page
}

/** What axe-core finds that keeps people out. */
async function seriousOf(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const results = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResults
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ''}`).join('\n')}`,
    )
}

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
  const open = pageOf({ side, bypassCSP: true })

  it.each(ADDRESSES)('%s has no serious violation', { timeout: WORK_MS }, async (address, shows) => {
    const page = open()
    await visitAddress(page, address, shows)
    expect(await seriousOf(page)).toEqual([])
    await expect.poll(() => page.getByRole('heading', { level: 1 }).count()).toBe(1)
    expect(page.complaints).toEqual([])
  })

  it('what opens over a view has none either', { timeout: WORK_MS }, async () => {
    const page = open()
    await visitAddress(page, 'design', '[role=tree]')
    const tray = page.getByRole('region', { name: 'Jobs' }).getByRole('button').first()
    await tray.click()
    expect(await seriousOf(page)).toEqual([])
    await tray.click()
    await page.getByRole('button', { name: 'Presets' }).click()
    await page.getByRole('menu').waitFor()
    expect(await seriousOf(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog', { name: 'Command palette' }).waitFor()
    expect(await seriousOf(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('textbox', { name: 'Text' }).fill('d f nonsense')
    await page.getByRole('alert').first().waitFor()
    expect(await seriousOf(page)).toEqual([])
  })
})

describe.each([
  [1024, 700],
  [2560, 1440],
] as const)('at %i x %i', (width, height) => {
  const open = pageOf({ width, height })

  it.each(ADDRESSES)('%s fits', { timeout: WORK_MS }, async (address, shows) => {
    const page = open()
    await visitAddress(page, address, shows)
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
          at !== null && (/(auto|scroll|hidden|clip)/.test(getComputedStyle(at).overflowX) || scrolls(at.parentElement))
        return isIn || scrolls(element.parentElement) ? [] : [element.outerHTML.slice(0, 120)]
      }),
    )
    expect(lost).toEqual([])
  })
})
