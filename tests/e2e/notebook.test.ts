// A notebook from the quickstart: run, changed, stale, run again, edited as code, exported, and read a year later without a
// runner: the same figures, to the pixel.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { App } from './app.ts'
import { closeBrowser, createProject, openPage, PATIENCE_MS, startApp, visit, watch, WORK_MS } from './app.ts'

type OpenPage = Awaited<ReturnType<typeof openPage>>

const library = mkdtempSync(join(tmpdir(), 'heddle-notebook-'))
const env = { XDG_CONFIG_HOME: join(library, 'settings') }
const SMALLER = '{dModel: 64, vocabSize: 257} d{nHeads: 2} f m2{headDim: 16, dState: 16} f'
/** What frames of code are refused; the browser says so. */
const REFUSALS = /Blocked script execution|Refused to execute|Content Security Policy|Failed to load resource/

let app: App
let page: OpenPage
const pictures = new Map<string, Buffer>()

beforeAll(async () => {
  app = await startApp({ library, env })
  page = await openPage(app.url, { expected: REFUSALS })
}, WORK_MS)
afterAll(async () => {
  await closeBrowser()
  await app.stop()
  rmSync(library, { recursive: true, force: true })
})

const step = (name: string, run: () => Promise<void>): void => {
  it(name, { timeout: 3 * WORK_MS }, async () => {
    watch(page)
    await run()
    expect(page.complaints).toEqual([])
  })
}

const cell = (id: string): Locator => page.locator(`[data-cell="${id}"]`)
const stateOf = async (id: string): Promise<string> =>
  /, (\w*)$/.exec((await cell(id).getAttribute('aria-label'))!)![1]!
const states = async (...ids: string[]): Promise<string> => (await Promise.all(ids.map(stateOf))).join(' ')
const ready = async (id: string): Promise<void> => {
  await expect.poll(() => stateOf(id), { timeout: 2 * WORK_MS }).toBe('fresh')
}
/** Selects a cell by its header. */
const select = async (id: string): Promise<void> => {
  await cell(id).scrollIntoViewIfNeeded()
  await cell(id)
    .locator('header')
    .click({ position: { x: 4, y: 10 } })
}
const source = (id: string): Locator => cell(id).locator('textarea')

step('opens a copy of the quickstart and runs it', async () => {
  await createProject(page, 'log')
  await visit(page, 'Notebook')
  await page.locator('article', { hasText: 'Quickstart' }).getByRole('button', { name: 'Open a copy' }).click()
  await cell('runs').waitFor()
  expect(await states('hybrid', 'runs', 'learning', 'latency', 'summary')).toBe('fresh new waiting new waiting')
  for (const [id, from, to] of [
    ['runs', 'steps: 60', 'steps: 20'],
    ['latency', 'maxSeconds: 6', 'maxSeconds: 1'],
  ] as const) {
    await select(id)
    await page.keyboard.press('Enter')
    await source(id).fill((await source(id).inputValue()).replace(from, to))
    await page.keyboard.press('Escape')
  }
  await page.getByRole('button', { name: /^Run all/ }).click()
  for (const id of ['runs', 'learning', 'latency', 'summary']) await ready(id)
})

step('shows what it ran', async () => {
  await cell('summary').scrollIntoViewIfNeeded()
  await expect.poll(() => cell('summary').locator('tbody tr').count()).toBe(2)
  await cell('learning').scrollIntoViewIfNeeded()
  await cell('learning').frameLocator('iframe').locator('svg').first().waitFor()
})

step('a change of a stack makes what depends on it stale, and undo makes it fresh again', async () => {
  await select('hybrid')
  await page.keyboard.press('Enter')
  await source('hybrid').fill(SMALLER)
  await page.keyboard.press('Escape')
  await expect.poll(() => states('runs', 'learning', 'latency', 'summary')).toBe('stale stale stale stale')
  await select('runs')
  await expect.poll(() => cell('runs').locator('header').innerText()).toContain('hybrid changed')
  await page.keyboard.press('z')
  await expect.poll(() => states('runs', 'learning', 'latency', 'summary')).toBe('fresh fresh fresh fresh')
  await page.keyboard.press('Shift+Z')
  await expect.poll(() => stateOf('runs')).toBe('stale')
})

step('runs what is stale; cheap cells follow by themselves', async () => {
  await select('runs')
  await page.keyboard.press('Control+Enter')
  await ready('runs')
  await ready('learning')
  expect(await states('latency', 'summary')).toBe('stale stale')
  await select('latency')
  await page.keyboard.press('Shift+Enter')
  await ready('latency')
  await ready('summary')
})

step('finds its work again when the page is loaded anew', async () => {
  await select('runs')
  await page.keyboard.press('Enter')
  await source('runs').fill((await source('runs').inputValue()).replace('steps: 20', 'steps: 120'))
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+Enter')
  await cell('runs').getByRole('progressbar').first().waitFor()
  await expect.poll(() => page.getByRole('toolbar', { name: 'Notebook' }).innerText()).toContain('saved')
  await page.reload()
  await cell('runs').waitFor()
  await cell('runs').scrollIntoViewIfNeeded()
  await cell('runs').getByRole('button', { name: 'Stop runs' }).waitFor()
  await ready('runs')
  await ready('learning')
  await select('latency')
  await page.keyboard.press('Control+Enter')
  await ready('summary')
})

step('edits code with completion and shows errors in their line', async () => {
  await select('summary')
  await page.keyboard.press('Enter')
  const editor = cell('summary').locator('.monaco-editor')
  await editor.waitFor()
  await page.keyboard.press('Control+End')
  await page.keyboard.type('\nlatency[0].p')
  const row = page.locator('.suggest-widget .monaco-list-row').first()
  await row.waitFor({ timeout: WORK_MS })
  expect(await row.innerText()).toContain('p50Ms')
  await page.keyboard.press('Escape')
  await page.keyboard.type('50Ms\nconst wrong: number = "text"')
  await editor.locator('.squiggly-error').first().waitFor({ timeout: WORK_MS })
  await page.keyboard.press('Control+a')
  await page.keyboard.type('return latency.length')
  // an Escape might only close a list of completions
  await cell('summary').getByRole('button', { name: 'Done' }).click()
  await editor.waitFor({ state: 'detached' })
  await ready('summary')
  await expect.poll(() => cell('summary').locator('.output').innerText()).toBe('4')
})

step('names a cell and gives it inputs', async () => {
  await select('summary')
  await page.keyboard.press('b')
  await cell('code').locator('.monaco-editor').waitFor()
  await page.keyboard.press('Control+a')
  await page.keyboard.type('return runs.length > 0')
  await cell('code').getByLabel('takes from').fill('runs')
  await cell('code').getByLabel('takes from').press('Enter')
  await cell('code').getByLabel('name').fill('any')
  await cell('code').getByLabel('name').press('Enter')
  await cell('any').getByRole('button', { name: 'Done' }).click()
  await ready('any')
  await expect.poll(() => cell('any').locator('.output').innerText()).toBe('true')
  await select('any')
  await page.keyboard.press('d')
  await page.keyboard.press('d')
  await expect.poll(() => cell('any').count()).toBe(0)
})

step('exports every format', async () => {
  const take = async (label: string): Promise<Buffer> => {
    await page.getByRole('button', { name: 'Export' }).click()
    const download = page.waitForEvent('download')
    await page.getByRole('menuitem', { name: label }).click()
    return readFileSync(await (await download).path())
  }
  const html = (await take('HTML, one file')).toString()
  expect(html).not.toMatch(/<script/i)
  expect(html.match(/data:image\/svg\+xml/g)!.length).toBeGreaterThanOrEqual(5)
  const ipynb = JSON.parse((await take('Jupyter, .ipynb')).toString()) as {
    readonly cells: { readonly outputs?: unknown[] }[]
  }
  expect(ipynb.cells.flatMap(({ outputs = [] }) => outputs).length).toBeGreaterThanOrEqual(7)
  expect((await take('Markdown with images, .zip')).subarray(0, 4).toString('latin1')).toBe('PK\u0003\u0004')
  const text = (await take('The notebook itself, .md')).toString()
  expect(text).toContain('return latency.length')
  expect(text).not.toContain('p50Ms:')
})

const FIGURES = [
  ['runs', 'figure'],
  ['learning', 'iframe'],
  ['latency', 'figure'],
] as const

async function takePictures(from: OpenPage): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  await from.mouse.move(0, 0)
  for (const [id, what] of FIGURES) {
    const figure = from.locator(`[data-cell="${id}"] ${what}`).first()
    await from.locator(`[data-cell="${id}"]`).scrollIntoViewIfNeeded()
    await figure.scrollIntoViewIfNeeded({ timeout: PATIENCE_MS })
    await from.waitForTimeout(500)
    found.set(id, await figure.screenshot({ animations: 'disabled' }))
  }
  return found
}

step('is saved as it stands', async () => {
  await page.keyboard.press('Escape')
  for (const [id, picture] of await takePictures(page)) pictures.set(id, picture)
  await expect.poll(() => page.getByRole('toolbar', { name: 'Notebook' }).innerText()).toContain('saved')
})

it(
  'shows the same figures read-only, in another folder, for a user who does not trust it',
  { timeout: 2 * WORK_MS },
  async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'heddle-notebook-copy-'))
    await page.context().close()
    await app.stop()
    cpSync(join(library, 'log.heddle'), join(elsewhere, 'log.heddle'))
    const reader = await startApp({
      library: elsewhere,
      args: ['--project', join(elsewhere, 'log.heddle'), '--read-only'],
      env: { XDG_CONFIG_HOME: join(elsewhere, 'settings') },
    })
    try {
      const other = await openPage(reader.url)
      watch(other)
      await visit(other, 'Notebook')
      await other.getByRole('link', { name: 'Quickstart' }).click()
      await other.getByText('nothing in it runs until you trust it').waitFor()
      const seen = await takePictures(other)
      for (const [id] of FIGURES) expect(seen.get(id)!.equals(pictures.get(id)!), `figure of ${id}`).toBe(true)
      expect(other.complaints).toEqual([])
      await other.context().close()
    } finally {
      await reader.stop()
      rmSync(elsewhere, { recursive: true, force: true })
    }
  },
)

it(
  'a hostile notebook runs nothing until it is trusted, and reaches nothing after that',
  { timeout: 2 * WORK_MS },
  async () => {
    const fence = (info: string, body: string): string => `\`\`\`heddle:${info}\n${body}\n\`\`\`\n\n`
    const file = join(library, 'hostile.md')
    writeFileSync(
      file,
      [
        '# <img src=x onerror="window.evil=1"> [x](javascript:window.evil=2) <script>window.evil=3</script>\n\n',
        fence('code id=loop', 'for (;;) {}'),
        fence(
          'code id=reach',
          `const tried: Record<string, string> = {}
const test = async (name: string, work: () => unknown) => {
  try { tried[name] = 'reached ' + String(await work()) } catch { tried[name] = 'refused' }
}
const scope = globalThis as any
await test('network', () => scope.fetch(${JSON.stringify(app.url.split('#')[0])}))
await test('scripts', () => scope.importScripts('data:text/javascript,1'))
await test('evaluation', () => scope.eval('1'))
await test('page', () => scope.parent.document.title)
await test('database', () => scope.indexedDB.open('x'))
;(Object.prototype as any).polluted = true
return Object.values(tried).join(' ')`,
        ),
        fence(
          'code id=markup',
          `scope()
function scope() {
  const svg = '<svg onload="parent.evil=4"><script>top.evil=5</script></svg>'
  ;(globalThis as any).postMessage(JSON.stringify({ shown: [{ type: 'html', markup: svg + '<img src=x onerror="parent.evil=6">', width: 9, height: 50 }], value: null }))
}`,
        ),
        fence('table id=sql', 'sql: "SELECT 1; DROP TABLE runs"'),
        fence(
          'train id=bomb',
          'a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]',
        ),
      ].join(''),
    )
    app = await startApp({ library, env, args: ['--project', join(library, 'log.heddle')] })
    page = await openPage(app.url, { expected: REFUSALS })
    watch(page)
    await visit(page, 'Notebook')
    await page.locator('input[type=file]').setInputFiles(file)
    await cell('loop').waitFor()
    await page.waitForTimeout(1500)
    expect(await states('loop', 'reach', 'markup', 'sql', 'bomb')).toBe('new new new new broken')
    await page.getByRole('button', { name: 'Trust this notebook' }).click()
    await expect
      .poll(() => cell('loop').getByRole('alert').innerText(), { timeout: WORK_MS })
      .toContain('longer than 10 s')
    await ready('reach')
    await expect
      .poll(() => cell('reach').locator('.output').innerText())
      .toBe('refused refused refused refused refused')
    await ready('markup')
    await cell('markup').locator('iframe').waitFor()
    await cell('sql').scrollIntoViewIfNeeded()
    await expect.poll(() => cell('sql').getByRole('alert').innerText(), { timeout: WORK_MS }).toContain('SELECT')
    expect(await page.evaluate('[window.evil, ({}).polluted]')).toEqual([undefined, undefined])
    expect(page.complaints).toEqual([])
  },
)

it('300 pieces with 50 plots open at once: only what is in sight is drawn', { timeout: 3 * WORK_MS }, async () => {
  watch(page)
  const file = join(library, 'long.md')
  const plot = (i: number): string =>
    `\`\`\`heddle:plot id=p${i}\nreturn Plot.dot(d3.range(200).map((n) => [n, Math.sin(n / ${i + 3})])).plot()\n\`\`\`\n\n`
  const section = (i: number): string => `## Section ${i}\n\n${'Some *prose* with $x^2$. '.repeat(12)}\n\n`
  writeFileSync(file, Array.from({ length: 250 }, (_, i) => section(i) + (i % 5 === 0 ? plot(i) : '')).join(''))
  const open = async (): Promise<number> => {
    const started = await page.evaluate(() => performance.now())
    await page.getByRole('link', { name: 'long' }).click()
    return page.evaluate(async (from) => {
      while (document.querySelector('.notebook-prose') === null) await new Promise(requestAnimationFrame)
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
      return performance.now() - from
    }, started)
  }
  await visit(page, 'Notebook')
  await page.locator('input[type=file]').setInputFiles(file)
  await page.getByRole('button', { name: 'Trust this notebook' }).click()
  await page.getByRole('button', { name: 'Stop', exact: true }).waitFor()
  await page.getByRole('button', { name: 'All up to date' }).waitFor({ timeout: WORK_MS })
  await page.getByRole('button', { name: 'Notebooks' }).click()
  expect(await open()).toBeLessThan(1500)
  expect(await page.locator('[data-key]').count()).toBe(300)
  expect(await page.locator('[data-key] .content').count()).toBeLessThan(30)
  await page.locator('[data-cell="p245"]').scrollIntoViewIfNeeded()
  await page.locator('[data-cell="p245"]').frameLocator('iframe').locator('svg').waitFor()
  expect(page.complaints).toEqual([])
})
