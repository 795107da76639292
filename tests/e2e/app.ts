// The served program and a browser on it, for tests that use Heddle as a user does. The program is a process of its own, with
// a library in a temporary folder; a page fails its test by any error that it logs.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Browser, Locator, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { onTestFailed } from 'vitest'
import { root } from '../../scripts/commands.ts'
import { ensureChromium } from '../helpers/chromium.ts'

export interface App {
  readonly url: string
  /** Folder of the project library. */
  readonly library: string
  readonly process: ChildProcess
  stop(): Promise<void>
}

export interface AppOptions {
  /** Folder of projects that outlives the program; a temporary one without. */
  readonly library?: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** How long a loaded machine may take for a thing that is quick. */
export const PATIENCE_MS = 20_000
/** ... and for a sign of life of work in the runner. */
export const WORK_MS = 120_000
/** ... and for all of such work: a test that waits by `outlast` may be slow as long as it goes on. */
export const LONG_MS = 900_000

/** Starts `heddle serve` on a free port. */
export async function startApp({ library, args = [], env = {} }: AppOptions = {}): Promise<App> {
  const folder = library ?? mkdtempSync(join(tmpdir(), 'heddle-e2e-'))
  const child = spawn(
    process.execPath,
    [join(root, 'src/main/cli.ts'), 'serve', '--json', '--port', '0', '--library', folder, ...args],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  let isStopped = false
  const ended = new Promise<void>((done) =>
    child.on('exit', (code, signal) => {
      // a test that ends the program itself kills it
      if (!isStopped && signal !== 'SIGKILL') console.log(`heddle serve ended: ${code ?? signal} ${complaints}`)
      done()
    }),
  )
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{"url"')) {
      complaints += `${line}\n`
      continue
    }
    const { url } = JSON.parse(line) as { readonly url: string }
    return {
      url,
      library: folder,
      process: child,
      async stop() {
        isStopped = true
        child.kill('SIGTERM')
        await ended
        if (library === undefined) rmSync(folder, { recursive: true, force: true })
      },
    }
  }
  throw new Error(`heddle serve ended without an address: ${complaints}`)
}

let browser: Browser | undefined

/** The browser of this test file. */
export async function openBrowser(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0
  browser ??= await chromium.launch({
    executablePath: ensureChromium((line) => console.log(line)),
    // Chromium refuses its sandbox as root
    args: isRoot ? ['--no-sandbox'] : [],
  })
  return browser
}

export async function closeBrowser(): Promise<void> {
  await browser?.close()
  browser = undefined
}

export interface PageOptions {
  readonly width?: number
  readonly height?: number
  readonly side?: 'light' | 'dark'
  /** Console errors that the test means to cause. */
  readonly expected?: RegExp
  /** Lets the test run its own scripts in the page. */
  readonly bypassCSP?: boolean
}

/** A page on the program, and what it complained about. */
export async function openPage(
  url: string,
  options: PageOptions = {},
): Promise<Page & { readonly complaints: string[] }> {
  const { width = 1440, height = 900, side = 'light', expected, bypassCSP = false } = options
  const context = await (
    await openBrowser()
  ).newContext({ viewport: { width, height }, colorScheme: side, reducedMotion: 'reduce', bypassCSP })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  const complaints: string[] = []
  const complain = (text: string): void => {
    if (expected?.test(text) !== true) complaints.push(text)
  }
  page.on('console', (message) => {
    if (message.type() === 'error') complain(message.text())
  })
  page.on('pageerror', (error) => complain(error.stack ?? error.message))
  page.on('dialog', (dialog) => {
    complain(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.goto(url)
  return Object.assign(page, { complaints })
}

/** Leaves a picture of the page behind when the running test fails. */
export function watch(page: Page): void {
  onTestFailed(async ({ task }) => {
    const file = join(tmpdir(), `heddle-e2e-${task.name.replace(/\W+/g, '-').slice(0, 60)}.png`)
    await page.screenshot({ path: file }).catch(() => {})
    console.log(`what the page showed: ${file}`)
  })
}

/** Goes to a place by the rail. */
export async function visit(page: Page, place: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: place }).click()
}

/** Makes a project in the library, empty or from a template. */
export async function createProject(page: Page, name: string, template = 'Empty'): Promise<void> {
  await page.getByRole('textbox', { name: 'Name' }).fill(name)
  await page.getByRole('radio', { name: new RegExp(`^${template}`) }).check()
  await page.getByRole('button', { name: 'Create project' }).click()
  await page.getByRole('treeitem').first().waitFor()
}

/** Drags with the mouse from the middle of one thing to a point. */
export async function dragTo(page: Page, from: Locator, to: { readonly x: number; readonly y: number }): Promise<void> {
  const box = (await from.boundingBox())!
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width / 2 + 12, box.y + box.height / 2 + 12, { steps: 3 })
  await page.mouse.move(to.x, to.y, { steps: 8 })
  await page.mouse.up()
}

/** Waits for work that shows how far it is: while that changes it is slow, not stuck. */
export async function outlast<T>(look: () => Promise<T>, isOver: (seen: T) => boolean): Promise<T> {
  let last: string | undefined
  let changedAt = Date.now()
  for (;;) {
    const seen = await look()
    if (isOver(seen)) return seen
    const text = JSON.stringify(seen)
    if (text !== last) changedAt = Date.now()
    last = text
    if (Date.now() - changedAt > WORK_MS) throw new Error(`nothing has happened for ${WORK_MS / 1000} s: ${text}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** Waits until no job runs. */
export async function idle(page: Page): Promise<void> {
  const jobs = page.getByRole('region', { name: 'Jobs' })
  await outlast(
    () => jobs.innerText(),
    (text) => !/\d running/.test(text),
  )
}

/** The text form of the stack on the canvas. */
export const stackText = (page: Page): Locator => page.getByRole('textbox', { name: 'Text' })
