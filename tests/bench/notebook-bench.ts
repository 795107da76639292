// How fast a long notebook is: `npm run bench:notebook -- [--json] [--repeats 7]`. 300 pieces with 50 plots made by code; Chromium
// on the served program, without a limit on its frame rate, so that frame times are those of the work.

import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { openWorkbench } from '#main/api/workbench/index.ts'
import { buildPart, screensFolder } from '#main/serve/build.ts'
import { readPages } from '#main/serve/pages.ts'
import { serve } from '#main/serve/server.ts'
import { fakeRunner } from '../api/fake-runner.ts'
import { ensureChromium } from '../helpers/chromium.ts'
import { reporter } from './ui/report.ts'
import { openTime, scrollTimes } from './ui/notebook.ts'
import { longNotebook } from './ui/long-notebook.ts'
import { makeEmpty } from './ui/project.ts'

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, repeats: { type: 'string', default: '7' } },
})
const repeats = Number(values.repeats)
const FRAME_MS = 1000 / 60
const { report, tell, end } = reporter(values.json)
const log = (line: string): void => void (values.json || console.log(line))

async function open(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  await page.goto(url)
  await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Notebook' }).click()
  await page.getByRole('link', { name: 'long' }).waitFor()
  return page
}

/** Runs the cells once: from then on the project has what they show. */
async function fill(browser: Browser, url: string): Promise<void> {
  const page = await open(browser, url)
  await page.getByRole('link', { name: 'long' }).click()
  await page.getByRole('button', { name: 'All up to date' }).waitFor({ timeout: 300_000 })
  await page.context().close()
}

interface MainThread {
  /** Processor time of each frame, ms. */
  readonly frames: readonly number[]
  /** ... and of everything. */
  readonly total: number
}

/** Does something, and gives what it took of the processor in the page's main thread: unlike time it does not count other programs. */
async function traced<T>(browser: Browser, page: Page, work: () => Promise<T>): Promise<readonly [T, MainThread]> {
  await browser.startTracing(page, { categories: ['toplevel', 'cc', 'disabled-by-default-devtools.timeline'] })
  const value = await work()
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    readonly traceEvents: readonly {
      readonly name: string
      readonly pid: number
      readonly tid: number
      readonly tdur?: number
    }[]
  }
  const all = traceEvents.filter(({ tdur }) => tdur !== undefined)
  const frames = all.filter(({ name }) => name === 'ProxyMain::BeginMainFrame')
  // frames of code have processes of their own; the page draws most
  const [own = []] = [...Map.groupBy(frames, ({ pid }) => pid).values()].sort((a, b) => b.length - a.length)
  const [first] = own
  const tasks = all.filter(({ name, pid, tid }) => pid === first?.pid && tid === first.tid && name.endsWith('RunTask'))
  return [
    value,
    { frames: own.map(({ tdur }) => tdur! / 1000), total: tasks.reduce((sum, { tdur }) => sum + tdur! / 1000, 0) },
  ]
}

const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-notebook-'))
tell(
  'load',
  loadavg()
    .map((one) => one.toFixed(1))
    .join(' '),
)
await buildPart('screens', log)
const path = join(folder, 'log.heddle')
makeEmpty(path)
const workbench = openWorkbench({ root: folder, project: path, start: () => fakeRunner() })
await workbench.call('notebooks.save', { name: 'long', text: longNotebook(), isTrusted: true })
const serving = await serve({ workbench, pages: readPages(screensFolder), port: 0, readonly: false })
const browser = await chromium.launch({
  executablePath: ensureChromium(log),
  args: ['--disable-frame-rate-limit', '--disable-gpu-vsync', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
})
try {
  tell('browser', browser.version())
  await fill(browser, serving.url)
  const cold: number[] = []
  const coldOwn: number[] = []
  const again: number[] = []
  for (let n = 0; n < repeats; n++) {
    const page = await open(browser, serving.url)
    const [ms, { total }] = await traced(browser, page, () => page.evaluate(openTime, 'long'))
    cold.push(ms)
    coldOwn.push(total)
    await page.getByRole('button', { name: 'Notebooks' }).click()
    await page.getByRole('link', { name: 'long' }).waitFor()
    again.push(await page.evaluate(openTime, 'long'))
    if (n + 1 < repeats) {
      await page.context().close()
      continue
    }
    report('open 300 pieces with 50 plots', cold, { of: 'p95', ms: 1500 })
    report('... processor time of the main thread', coldOwn, { of: 'p95', ms: 1500 })
    report('... again in the same page', again, { of: 'p95', ms: 1500 })
    tell(
      'pieces, and those drawn',
      await page.evaluate(
        '[document.querySelectorAll("[data-key]").length, document.querySelectorAll("[data-key] .content").length]',
      ),
    )
    for (const [name, speed] of [
      ['scroll to the end, 40 px a frame', 40],
      ['... and 120 px a frame', 120],
    ] as const) {
      const [times, { frames: own }] = await traced(browser, page, () => page.evaluate(scrollTimes, speed))
      report(name, times, { of: 'p95', ms: FRAME_MS })
      report('... processor time of its frames', own, { of: 'p95', ms: FRAME_MS })
      tell('... frames over 1/60 s', `${own.filter((ms) => ms > FRAME_MS).length} of ${own.length} by processor time`)
    }
    await page.context().close()
  }
} finally {
  await browser.close()
  await serving.close()
  await workbench.close()
  rmSync(folder, { recursive: true, force: true })
}
end()
