// What a user sees when the runner is killed, the connection drops, the project is locked or the disk is full, and that
// nothing recorded is lost.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, expect, it } from 'vitest'
import { closeProject, openProject } from '#main/store/db.ts'
import { connect } from '#main/store/file/sql.ts'
import type { Sql } from '#main/store/file/sql.ts'
import { readCurve } from '#main/store/metrics.ts'
import { listRuns } from '#main/store/runs.ts'
import { listTrials } from '#main/store/trials.ts'
import type { App, AppOptions } from './app.ts'
import {
  closeBrowser,
  createProject,
  idle,
  LONG_MS,
  openPage,
  outlast,
  startApp,
  stackText,
  visit,
  watch,
  WORK_MS,
} from './app.ts'

const DROPPED = /WebSocket|ERR_CONNECTION/
const apps: App[] = []
const start = async (options?: AppOptions): Promise<App> => {
  const app = await startApp(options)
  apps.push(app)
  return app
}
afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop()
})
afterAll(closeBrowser)

/** Process ids of the runners of a program. */
const runnersOf = ({ process: { pid } }: App): number[] => {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n')
  const rows = lines.map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)).filter((row) => row !== null)
  const below = (parent: number): number[] =>
    rows.filter((row) => Number(row[2]) === parent).flatMap((row) => [Number(row[1]), ...below(Number(row[1]))])
  const children = new Set(below(pid!))
  return rows.filter((row) => children.has(Number(row[1])) && /runner\.ts/.test(row[3]!)).map((row) => Number(row[1]))
}

const SMALL = '{dModel: 64, vocabSize: 257} d{nHeads: 2} f m2{headDim: 16, dState: 16} f'

it.skipIf(process.platform === 'win32')(
  'says that the runner died, and trains again',
  { timeout: WORK_MS },
  async () => {
    const app = await start()
    const page = await openPage(app.url)
    watch(page)
    await createProject(page, 'killed')
    await stackText(page).fill(SMALL)
    await expect.poll(() => page.getByRole('treeitem').count()).toBe(4)
    await page.getByRole('button', { name: 'Train', exact: true }).click()
    const runs = page.getByRole('grid', { name: 'Runs' })
    await runs.getByRole('gridcell', { name: 'running' }).waitFor()
    await expect.poll(() => runnersOf(app).length).toBeGreaterThan(0)
    for (const pid of runnersOf(app)) process.kill(pid, 'SIGKILL')
    await runs.getByRole('gridcell', { name: 'interrupted' }).waitFor()
    await expect.poll(() => page.locator('body').innerText()).toContain('the runner process ended by signal SIGKILL')
    await visit(page, 'Design')
    await page.getByRole('button', { name: 'Train', exact: true }).click()
    await runs.getByRole('gridcell', { name: 'done' }).waitFor({ timeout: WORK_MS })
    expect(page.complaints).toEqual([])
    await page.context().close()
  },
)

it('comes back after the connection dropped while a search is on', { timeout: LONG_MS }, async () => {
  const library = mkdtempSync(join(tmpdir(), 'heddle-dropped-'))
  const app = await start({ library })
  const page = await openPage(app.url, { expected: DROPPED })
  watch(page)
  // the page's own socket, cut from outside as a tunnel would be
  await page.routeWebSocket(/\/socket$/, (socket) => {
    const server = socket.connectToServer()
    sockets.push({ cut: () => void Promise.all([socket.close({ code: 1011 }), server.close()]) })
  })
  const sockets: { cut(): void }[] = []
  await page.reload()
  await createProject(page, 'dropped')
  await visit(page, 'Search')
  await page.getByRole('button', { name: 'Run a 12-trial search' }).click()
  const cloud = page.getByRole('application', { name: /^Front of/ })
  await expect.poll(() => cloud.getAttribute('aria-label'), { timeout: WORK_MS }).toMatch(/[1-9] measured/)
  for (let cuts = 0; cuts < 3; cuts++) {
    sockets.at(-1)!.cut()
    const known = sockets.length
    await expect.poll(() => sockets.length).toBeGreaterThan(known)
  }
  await expect.poll(() => page.getByText('The connection to Heddle was lost').count()).toBe(0)
  await idle(page)
  await page.getByText('12 of 12 trials').waitFor()
  expect(await cloud.getAttribute('aria-label')).toMatch(/1[012] measured/)
  expect(page.complaints).toEqual([])
  await page.context().close()
  await app.stop()
  const project = openProject(join(library, 'dropped.heddle'), { readonly: true })
  expect(listTrials(project, 1).filter(({ state }) => state === 'done' || state === 'failed')).toHaveLength(12)
  closeProject(project)
  rmSync(library, { recursive: true, force: true })
})

it('says that the connection is lost while the program is gone', { timeout: WORK_MS }, async () => {
  const app = await start()
  const page = await openPage(app.url, { expected: DROPPED })
  watch(page)
  await createProject(page, 'gone')
  app.process.kill('SIGKILL')
  await page.getByText('The connection to Heddle was lost').waitFor()
  expect(await stackText(page).inputValue()).toContain('d f m2 f a f')
  await page.context().close()
})

it('says that another program has the project, and opens it for reading', { timeout: WORK_MS }, async () => {
  const library = mkdtempSync(join(tmpdir(), 'heddle-locked-'))
  const path = join(library, 'shared.heddle')
  const holder = openProject(path, { create: true })
  const app = await start({ library })
  const page = await openPage(app.url)
  watch(page)
  await page.getByRole('button', { name: /^shared/ }).click()
  await expect.poll(() => page.getByRole('alert').allInnerTexts()).not.toEqual([])
  expect((await page.getByRole('alert').allInnerTexts()).join(' ')).toMatch(
    /process \d+ .* open for writing\s+open the project for reading only/,
  )
  await page.getByRole('button', { name: 'Read only' }).click()
  await page.getByRole('banner').getByText('read only').waitFor()
  closeProject(holder)
  await page.context().close()
  await app.stop()
  rmSync(library, { recursive: true, force: true })
})

/** How many trials of the search on the page have a result. */
const measuredOn = async (page: Page): Promise<number> => {
  const label = await page.getByRole('application', { name: /^Front of/ }).getAttribute('aria-label')
  return Number(/(\d+) measured/.exec(label ?? '')?.[1] ?? 0)
}

/** Numbers and metrics of the trials of the first search that have a result, read from the file. */
function resultsIn(path: string): ReadonlyMap<number, unknown> {
  const project = openProject(path, { readonly: true })
  const rows = listTrials(project, 1, { state: 'done' })
  closeProject(project)
  return new Map(rows.map(({ number, metrics }) => [number, metrics]))
}

interface Fault {
  readonly act: (path: string, app: App) => void
  /** What the page must say of it. */
  readonly says: RegExp
  readonly mend?: () => void
}

/** Breaks a search after its first results, mends it and goes on: what was there is there, and more comes. */
async function breakSearch(library: string, { act, says, mend }: Fault): Promise<void> {
  const app = await start({ library })
  const page = await openPage(app.url)
  watch(page)
  const path = join(library, 'broken.heddle')
  await createProject(page, 'broken')
  await visit(page, 'Search')
  await page.getByRole('button', { name: 'Run a 12-trial search' }).click()
  await page.getByRole('application', { name: /^Front of/ }).waitFor({ timeout: WORK_MS })
  const grownTo = (wanted: number): Promise<number> =>
    outlast(
      () => measuredOn(page),
      (count) => count >= wanted,
    )
  await grownTo(2)
  const before = resultsIn(path)
  act(path, app)
  await expect.poll(() => page.locator('body').innerText(), { timeout: WORK_MS }).toMatch(says)
  mend?.()
  const resume = page.getByRole('button', { name: 'Resume' })
  if (await resume.isVisible()) await resume.click()
  await grownTo(before.size + 2)
  await page.getByRole('button', { name: 'Stop' }).click()
  await idle(page)
  const after = resultsIn(path)
  for (const [number, metrics] of before) expect(after.get(number)).toEqual(metrics)
  expect(after.size).toBeGreaterThan(before.size)
  expect(page.complaints).toEqual([])
  await page.context().close()
  await app.stop()
}

it.skipIf(process.platform === 'win32')(
  'goes on with a search whose runner was killed, and shows the trial that it took along',
  { timeout: LONG_MS },
  async () => {
    const library = mkdtempSync(join(tmpdir(), 'heddle-killed-'))
    await breakSearch(library, {
      act: (_, app) => {
        for (const pid of runnersOf(app)) process.kill(pid, 'SIGKILL')
      },
      says: /the runner process ended by signal SIGKILL/,
    })
    rmSync(library, { recursive: true, force: true })
  },
)

it('says that another program locks the project while a search is on, and goes on', { timeout: LONG_MS }, async () => {
  const library = mkdtempSync(join(tmpdir(), 'heddle-busy-'))
  let other: Sql | undefined
  await breakSearch(library, {
    act(path) {
      other = connect(path, { timeoutMs: WORK_MS })
      other.exec('BEGIN IMMEDIATE')
    },
    says: /another program keeps .* locked/,
    mend: () => other!.close(),
  })
  rmSync(library, { recursive: true, force: true })
})

it('says that the disk is full while a search is on, and goes on', { timeout: LONG_MS }, async (test) => {
  const library = mkdtempSync(join(tmpdir(), 'heddle-full-search-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', library])
  if (status !== 0) return test.skip('mounting a small disk is not permitted here')
  const ballast = join(library, 'ballast')
  try {
    await breakSearch(library, {
      act() {
        try {
          writeFileSync(ballast, Buffer.alloc(8_000_000))
        } catch {
          // it is full now
        }
      },
      says: /the disk is full/,
      mend: () => rmSync(ballast),
    })
  } finally {
    spawnSync('umount', ['-l', library])
    rmSync(library, { recursive: true, force: true })
  }
})

it('ends a training under a foreign lock as interrupted, on screen and in the file', { timeout: LONG_MS }, async () => {
  const library = mkdtempSync(join(tmpdir(), 'heddle-busy-run-'))
  const path = join(library, 'busy.heddle')
  const app = await start({ library })
  const page = await openPage(app.url)
  watch(page)
  await createProject(page, 'busy')
  await stackText(page).fill(SMALL)
  await expect.poll(() => page.getByRole('treeitem').count()).toBe(4)
  await page.getByRole('button', { name: 'Train', exact: true }).click()
  const runs = page.getByRole('grid', { name: 'Runs' })
  await runs.getByRole('gridcell', { name: 'running' }).waitFor()
  const storedPoints = (): number => {
    const project = openProject(path, { readonly: true })
    const { length } = readCurve(project, 1, 'loss').values
    closeProject(project)
    return length
  }
  await expect.poll(storedPoints, { timeout: WORK_MS }).toBeGreaterThan(0)
  const other = connect(path, { timeoutMs: WORK_MS })
  other.exec('BEGIN IMMEDIATE')
  await runs.getByRole('gridcell', { name: 'interrupted' }).waitFor({ timeout: WORK_MS })
  await expect.poll(() => page.locator('body').innerText()).toMatch(/another program keeps .* locked/)
  // who comes now sees the same
  await page.reload()
  await runs.getByRole('gridcell', { name: 'interrupted' }).waitFor({ timeout: WORK_MS })
  other.close()
  const storedState = (): string => {
    const project = openProject(path, { readonly: true })
    const [run] = listRuns(project)
    closeProject(project)
    return run!.state
  }
  await expect.poll(storedState, { timeout: WORK_MS }).toBe('interrupted')
  expect(page.complaints).toEqual([])
  await page.context().close()
  await app.stop()
  rmSync(library, { recursive: true, force: true })
})

it('says that the disk is full, and loses nothing', { timeout: WORK_MS }, async (test) => {
  const library = mkdtempSync(join(tmpdir(), 'heddle-full-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', library])
  if (status !== 0) return test.skip('mounting a small disk is not permitted here')
  const app = await start({ library })
  try {
    const page = await openPage(app.url)
    watch(page)
    await createProject(page, 'tight')
    await stackText(page).fill(SMALL)
    await expect.poll(() => page.getByRole('treeitem').count()).toBe(4)
    await page.getByRole('button', { name: 'Train', exact: true }).click()
    await page.getByRole('gridcell', { name: 'done' }).first().waitFor({ timeout: WORK_MS })
    try {
      writeFileSync(join(library, 'ballast'), Buffer.alloc(4_000_000))
    } catch {
      // it is full now
    }
    await page
      .getByRole('button', { name: /New run/ })
      .first()
      .click()
    await page
      .getByRole('complementary', { name: 'New run' })
      .getByRole('button', { name: 'Train', exact: true })
      .click()
    await expect.poll(() => page.locator('body').innerText(), { timeout: WORK_MS }).toMatch(/the disk is full/)
    rmSync(join(library, 'ballast'))
    await visit(page, 'Train')
    expect(await page.getByRole('gridcell', { name: 'done' }).count()).toBe(1)
    await page.context().close()
  } finally {
    await app.stop()
    spawnSync('umount', ['-l', library])
    rmSync(library, { recursive: true, force: true })
  }
})
