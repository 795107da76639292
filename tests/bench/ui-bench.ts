// How fast the screens are: `npm run bench:ui -- [--json] [--minutes 30] [--repeats 7] [--trials 20000] [--only edit,memory]`. Chromium on the
// served program; frames are timed in one that does not wait for the tick of a screen, so that their times are those of
// the work, and in an ordinary one, which says how many miss their tick. Projects and trials are made up (tests/bench/ui/project.ts; the runner of tests/api/fake-runner.ts); the door, the store, the carrier and the
// screens are the real ones.

import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { openWorkbench } from '#main/api/workbench/index.ts'
import type { Workbench } from '#main/api/workbench/index.ts'
import { buildPart, screensFolder } from '#main/serve/build.ts'
import { readPages } from '#main/serve/pages.ts'
import { serve } from '#main/serve/server.ts'
import { fakeRunner } from '../api/fake-runner.ts'
import { ensureChromium } from '../helpers/chromium.ts'
import { editTimes, frameTimes, timeUntil, watchFirstHeading } from './ui/page.ts'
import { makeEmpty, makeSearch } from './ui/project.ts'
import { reporter } from './ui/report.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '0.5' },
    repeats: { type: 'string', default: '7' },
    trials: { type: 'string', default: '20000' },
    only: { type: 'string', default: 'start,edit,open,frames,memory' },
  },
})
const minutes = Number(values.minutes)
const does = (what: string): boolean => values.only.split(',').includes(what)
const repeats = Number(values.repeats)
const trials = Number(values.trials)
const FRAMES = 240
const EDITS = 61
/** What the runner of the simulated search waits before each of its two answers a trial. */
const ANSWER_MS = 40
/** Frames follow each other at once. Without the last, one in which nothing changed waits for a tick of 16.7 ms. */
const UNTICKED = ['--disable-frame-rate-limit', '--disable-gpu-vsync', '--run-all-compositor-stages-before-draw']
const TICK_MS = 1000 / 60
const MIB = 2 ** 20
const PATIENCE_MS = 300_000
const { report, tell, end } = reporter(values.json)

/** Work in a page, and the processor time that its main thread took: other programs do not lengthen that. */
async function withCpu<T>(page: Page, work: () => Promise<T>): Promise<{ readonly value: T; readonly cpuMs: number }> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const taken = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics')
    return 1000 * metrics.find(({ name }) => name === 'TaskDuration')!.value
  }
  const before = await taken()
  const value = await work()
  const cpuMs = (await taken()) - before
  await session.detach()
  return { value, cpuMs }
}

/** A page of its own, with an empty cache. */
async function open(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' })
  // slow is what this program measures: a wait ends only where nothing comes at all
  context.setDefaultTimeout(PATIENCE_MS)
  await context.addInitScript(watchFirstHeading)
  const page = await context.newPage()
  await page.goto(url)
  await page.waitForFunction(() => 'interactiveMs' in window)
  return page
}
const shut = (page: Page): Promise<void> => page.context().close()

async function coldStarts(browser: Browser, url: string): Promise<void> {
  const times: number[] = []
  for (let n = 0; n < repeats; n++) {
    const page = await open(browser, url)
    times.push(await page.evaluate(() => (window as unknown as { interactiveMs: number }).interactiveMs))
    await shut(page)
  }
  report('cold start to interactive', times, { of: 'p95', ms: 1000 })
}

const shown = trials.toLocaleString('en')
const CLOUD = '[role=application]'
/** In the table under the front, which is drawn after it. */
const FIRST_ROW = '[aria-label^="Trials of"] [role=gridcell]'
/** All but the failed are measured: the count in the label of the points says that all are there. */
const measured = (trials - Math.floor(trials / 97)).toLocaleString('en')

/** Opens the search of the large project on a page. */
async function openPoints(page: Page, study: number): Promise<number> {
  const text = `${measured} measured`
  return page.evaluate(timeUntil, { hash: `#/search?study=${study}`, selector: CLOUD, text })
}

async function openings(browser: Browser, url: string, workbench: Workbench, study: number): Promise<void> {
  const project: number[] = []
  const search: number[] = []
  const both: number[] = []
  const whole: number[] = []
  const cpu: number[] = []
  for (let n = 0; n < repeats; n++) {
    await workbench.call('projects.close', {})
    const page = await open(browser, `${url}`)
    await page.getByRole('button', { name: 'large' }).first().waitFor()
    project.push(await page.evaluate(timeUntil, { click: 'large', selector: 'main h1', text: 'large' }))
    const opening = await withCpu(page, () =>
      Promise.all([openPoints(page, study), page.evaluate(timeUntil, { selector: FIRST_ROW, text: '' })]),
    )
    const [points, row] = opening.value
    search.push(points)
    whole.push(row)
    cpu.push(opening.cpuMs)
    both.push(project.at(-1)! + points)
    await shut(page)
  }
  report(`open a project of ${shown} trials`, project, { of: 'p95', ms: 1500 })
  report('... then its search, all points', search)
  report('... both', both, { of: 'p95', ms: 1500 })
  report('... the search with all beside it', whole)
  report('... main thread, CPU', cpu)
}

async function edits(browser: Browser, url: string, workbench: Workbench, path: string): Promise<void> {
  await workbench.call('projects.open', { path, access: 'write' })
  const page = await open(browser, url)
  await page.evaluate(() => (location.hash = '#/design'))
  await page.getByRole('textbox', { name: 'Text' }).waitFor()
  await page.waitForTimeout(500)
  const rest = Array.from({ length: 24 }, (_, i) => `d f{intermediateSize: ${512 + 256 * (i % 3)}} m2 f`).join(' ')
  const stackOf = (size: number): string => `{dModel: 256, vocabSize: 257} d f{intermediateSize: ${size}} m2 f ${rest}`
  const { value: times, cpuMs } = await withCpu(page, () =>
    page.evaluate(editTimes, { texts: [stackOf(512), stackOf(1536)], edits: EDITS }),
  )
  report('edit of 100 blocks to number', times.number, { of: 'p95', ms: 16 })
  report('... to the end of the frame', times.frame)
  tell('... main thread, CPU ms an edit', Number((cpuMs / EDITS).toFixed(2)))
  await shut(page)
}

/** Bytes of JavaScript objects that are in use. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.enable')
  for (let n = 0; n < 3; n++) await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = (await session.send('Runtime.getHeapUsage')) as { readonly usedSize: number }
  await session.detach()
  return usedSize
}

/** Memory of a page that watches a search, against one that opens the same search when it is over. */
async function memory(browser: Browser, url: string, workbench: Workbench, path: string): Promise<void> {
  await workbench.call('projects.close', {})
  await workbench.call('projects.open', { path, access: 'write' })
  const page = await open(browser, url)
  const start = await heapOf(page)
  const config = {
    searcher: 'aging-evolution',
    space: { mixers: ['attention', 'deltanet'], dModels: [32, 64], maxBlocks: 8 },
    goal: { objectives: ['bitsPerByte', 'tpotMs'], constraints: [{ metric: 'tpotMs', max: 1000 }] },
    trials: 1_000_000,
  }
  const job = (await workbench.call('search.start', { name: 'watched', config })) as { readonly id: number }
  await page.waitForFunction(() => document.querySelector('section[aria-label=Jobs]') !== null)
  await page.evaluate(() => (location.hash = '#/search?study=1'))
  await page.locator(CLOUD).waitFor()
  const heaps: [number, number][] = []
  const end = Date.now() + minutes * 60_000
  const count = async (): Promise<number> => {
    const [row] = (await workbench.call('studies.list', {})) as { readonly trials: number }[]
    return row!.trials
  }
  for (;;) {
    await page.waitForTimeout(Math.min((minutes * 60_000) / 6, 60_000))
    heaps.push([await count(), Number(((await heapOf(page)) / MIB).toFixed(1))])
    if (Date.now() >= end) break
  }
  await workbench.call('search.cancel', { study: 1 })
  for (;;) {
    const jobs = (await workbench.call('jobs.list', {})) as { readonly id: number; readonly state: string }[]
    if (jobs.find(({ id }) => id === job.id)?.state !== 'running') break
    await page.waitForTimeout(50)
  }
  await page.waitForTimeout(1000)
  const watched = await heapOf(page)
  await shut(page)
  const fresh = await open(browser, url)
  await fresh.evaluate(() => (location.hash = '#/search?study=1'))
  await fresh.locator(CLOUD).waitFor()
  await fresh.waitForTimeout(2000)
  const opened = await heapOf(fresh)
  await shut(fresh)
  const rows = await Promise.all([workbench.call('studies.trials', { study: 1 }), workbench.call('training.runs', {})])
  const bytes = JSON.stringify(rows).length
  const mib = (value: number): number => Number((value / MIB).toFixed(1))
  const ratio = (watched - start) / (opened - start)
  tell('live search: trials, heap MiB', heaps)
  tell('live search: growth of the heap', {
    minutes,
    trials: await count(),
    grownMiB: mib(watched - start),
    openedAfreshMiB: mib(opened - start),
    rowsAsJsonMiB: mib(bytes),
    watchedToFresh: Number(ratio.toFixed(2)),
  })
}

/** Frame by frame over the points, twice: as fast as they can be made, and as a screen of 60 Hz shows them. */
async function points(unticked: Browser, ticked: Browser, url: string, study: number): Promise<void> {
  for (const browser of [unticked, ticked]) {
    const page = await open(browser, url)
    await openPoints(page, study)
    await page.waitForTimeout(2000)
    for (const kind of ['pan', 'zoom', 'brush'] as const) {
      await page.evaluate(frameTimes, { kind, frames: 40 })
      const { value: times, cpuMs } = await withCpu(page, () => page.evaluate(frameTimes, { kind, frames: FRAMES }))
      if (browser === ticked) {
        const missed = times.filter((ms) => ms > 1.5 * TICK_MS).length
        tell(`... ${kind} at 60 Hz, frames late`, `${missed} of ${times.length}`)
        continue
      }
      report(`${shown} points: ${kind}, no tick`, times, { of: 'p95', ms: 16 })
      tell('... main thread, CPU ms a frame', Number((cpuMs / FRAMES).toFixed(2)))
    }
    await shut(page)
  }
}

const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-ui-'))
tell(
  'load',
  loadavg()
    .map((one) => one.toFixed(1))
    .join(' '),
)
await buildPart('screens', (line) => void (values.json || console.log(line)))
const small = join(folder, 'small.heddle')
makeEmpty(small)
const live = join(folder, 'live.heddle')
makeEmpty(live)
const large = join(folder, 'large.heddle')
const study = makeSearch(large, trials)
const pause = (): Promise<void> => new Promise((done) => setTimeout(done, ANSWER_MS))
const workbench = openWorkbench({ root: folder, project: small, start: () => fakeRunner({ onJob: pause }) })
const serving = await serve({ workbench, pages: readPages(screensFolder), port: 0, readonly: false })
const isRoot = process.getuid?.() === 0
const launch = (args: readonly string[]): Promise<Browser> =>
  chromium.launch({
    executablePath: ensureChromium((line) => void (values.json || console.log(line))),
    args: [...args, ...(isRoot ? ['--no-sandbox'] : [])],
  })
const browser = await launch([])
try {
  const { url } = serving
  tell('browser', browser.version())
  if (does('start')) await coldStarts(browser, url)
  if (does('edit')) await edits(browser, url, workbench, small)
  if (does('open')) await openings(browser, url, workbench, study)
  if (does('frames')) {
    await workbench.call('projects.close', {})
    await workbench.call('projects.open', { path: large, access: 'write' })
    const unticked = await launch(UNTICKED)
    await points(unticked, browser, url, study)
    await unticked.close()
  }
  if (does('memory') && minutes > 0) await memory(browser, url, workbench, live)
} finally {
  await browser.close()
  await serving.close()
  await workbench.close()
  rmSync(folder, { recursive: true, force: true })
}
end()
