// A notebook from the quickstart: run, changed, stale, run again, edited as code, exported, and read a year later without a
// runner: the same figures, to the pixel.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sourceIn } from '#core/plots/figure/metadata.ts'
import { largestDifference } from '../helpers/pixels.ts'
import type { App } from './app.ts'
import {
  closeBrowser,
  createProject,
  openBrowser,
  openPage,
  PATIENCE_MS,
  startApp,
  visit,
  watch,
  WORK_MS,
} from './app.ts'

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

/** What a press on something saves. */
async function saved(press: Locator): Promise<Buffer> {
  const download = page.waitForEvent('download')
  await press.click()
  return readFileSync(await (await download).path())
}
const openExport = async (label: string): Promise<Locator> => {
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  return page.getByRole('menuitem', { name: label })
}

step('exports every format', async () => {
  const take = async (label: string): Promise<Buffer> => saved(await openExport(label))
  const html = (await take('HTML, one file')).toString()
  expect(html).not.toMatch(/<script/i)
  expect(html.match(/data:image\/svg\+xml/g)!.length).toBeGreaterThanOrEqual(5)
  const ipynb = JSON.parse((await take('Jupyter, .ipynb')).toString()) as {
    readonly cells: { readonly outputs?: unknown[] }[]
  }
  expect(ipynb.cells.flatMap(({ outputs = [] }) => outputs).length).toBeGreaterThanOrEqual(7)
  const schema = readFileSync(join(import.meta.dirname, '../core/notebook/fixtures/nbformat.v4.5.schema.json'), 'utf8')
  const { $schema: _, ...nbformat } = JSON.parse(schema) as Record<string, unknown>
  const validate = new Ajv({ strict: false }).compile(nbformat)
  validate(ipynb)
  expect(validate.errors).toBeNull()
  expect((await take('Markdown with images, .zip')).subarray(0, 4).toString('latin1')).toBe('PK\u0003\u0004')
  const text = (await take('The notebook itself, .md')).toString()
  expect(text).toContain('return latency.length')
  expect(text).not.toContain('p50Ms:')
})

step('prints the notebook as PDF', async () => {
  // a browser without a window has no dialog: the page that would be printed is kept instead
  await page.evaluate(() => {
    const own = window as unknown as { printed?: Promise<string> }
    own.printed = new Promise((done) =>
      document.addEventListener(
        'load',
        ({ target }) => {
          if (!(target instanceof HTMLIFrameElement) || target.title !== 'Page to print') return
          target.contentWindow!.print = () => done(target.srcdoc)
        },
        true,
      ),
    )
  })
  await (await openExport('PDF, by printing')).click()
  const html = await page.evaluate(() => (window as unknown as { printed: Promise<string> }).printed)
  const sheet = await (await openBrowser()).newPage()
  await sheet.goto(app.url.split('#')[0]!)
  await sheet.setContent(html, { waitUntil: 'load' })
  await sheet.evaluate('document.fonts.ready')
  const file = join(library, 'notebook.pdf')
  writeFileSync(file, await sheet.pdf({ format: 'A4' }))
  await sheet.close()
  const { error, stdout } = spawnSync('pdffonts', [file], { encoding: 'utf8' })
  // without poppler-utils the fonts of the page are not looked at
  if (error !== undefined) return console.log('pdffonts is not installed: fonts of the printed notebook not checked')
  const fonts = stdout.trim().split('\n').slice(2)
  expect(fonts.length).toBeGreaterThan(1)
  expect(stdout).toContain('KaTeX')
  for (const font of fonts) expect(font).toMatch(/(TrueType|Type 1C?)\s.*\syes\s+(yes|no)\s+(yes|no)\s+\d/)
})

step('a plot of code is a figure for a paper in every format, and opens its cell again', async () => {
  await cell('learning').scrollIntoViewIfNeeded()
  await cell('learning').frameLocator('iframe').locator('svg').first().waitFor()
  await cell('learning').locator('iframe').hover()
  await cell('learning').getByRole('button', { name: 'Save learning drawing' }).click()
  await page.getByRole('menuitem', { name: 'Figure for a paper' }).click()
  const dialog = page.getByRole('dialog')
  const take = (label: string): Promise<Buffer> => saved(dialog.getByRole('button', { name: label, exact: true }))
  await dialog.getByText('5.50 in wide').waitFor()
  await dialog.getByText('are fit for print').waitFor()
  const pdf = await take('PDF')
  expect(/MediaBox \[0 0 ([\d.]+) /.exec(pdf.toString('latin1'))![1]).toBe('396')
  const png = await take('PNG, 600 dpi')
  expect(png.readUInt32BE(16)).toBe(3300)
  const tex = await take('TikZ')
  expect(tex.toString()).toContain(String.raw`\begin{tikzpicture}`)
  const svg = await take('SVG')
  expect(svg.toString()).toContain('width="5.5in"')
  expect((await take('CSV')).toString()).toMatch(/^run,stack,metric,step,value\n\d+,hybrid,loss,1,/)
  expect((await take('BibTeX')).toString()).toContain('eprint = {2511.18890}')
  await dialog.getByRole('button', { name: 'Close' }).click()
  for (const bytes of [pdf, png, tex, svg]) {
    expect(sourceIn(bytes, ['notebook'])).toMatchObject({
      address: '#/notebook?name=Quickstart&cell=learning',
      project: 'log',
      spec: expect.stringContaining('Plot.lineY(loss') as string,
    })
    expect(bytes.length).toBeLessThan(300_000)
  }
  // from another place, the file alone leads back
  await visit(page, 'Design')
  await page.evaluate((data) => {
    const transfer = new DataTransfer()
    transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], 'figure.pdf'))
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }))
  }, pdf.toString('base64'))
  await cell('learning').frameLocator('iframe').locator('svg').first().waitFor()
  expect(await cell('learning').evaluate((element) => element.getBoundingClientRect().top)).toBeLessThan(900)
})

step('a table of a cell is a table of a paper', async () => {
  await cell('latency').scrollIntoViewIfNeeded()
  await cell('latency').locator('table').hover()
  await cell('latency')
    .getByRole('button', { name: /^Export latency/ })
    .click()
  const tex = (await saved(page.getByRole('menuitem', { name: 'Save LaTeX' }))).toString()
  expect(tex).toContain(String.raw`decode latency (ms/token) $\downarrow$`)
  expect(tex).toMatch(/\\textbf\{[\d.]+\} \{\\scriptsize \[[\d.]+, [\d.]+\]\}/)
})

const FIGURES = [
  ['runs', 'figure'],
  ['learning', 'iframe'],
  ['latency', 'figure'],
] as const

/** Lines are smoothed anew where the browser divides a page into tiles: differences of a channel, of 255, that nobody sees. */
const SAME = 16

async function takePictures(from: OpenPage): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  await from.mouse.move(0, 0)
  for (const [id, what] of FIGURES) {
    const figure = from.locator(`[data-cell="${id}"] ${what}`).first()
    await from.locator(`[data-cell="${id}"]`).scrollIntoViewIfNeeded()
    await figure.scrollIntoViewIfNeeded({ timeout: PATIENCE_MS })
    // blanks above it have whole heights and pieces have not: it must begin at a pixel to be drawn alike
    await figure.evaluate((element) => {
      const piece = element.closest<HTMLElement>('[data-cell]')!
      piece.style.paddingTop = `${1 - (element.getBoundingClientRect().top % 1)}px`
    })
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
      for (const [id] of FIGURES) {
        if (largestDifference(seen.get(id)!, pictures.get(id)!) <= SAME) continue
        const files = [pictures, seen].map((from, i) => {
          const file = join(tmpdir(), `heddle-e2e-figure-${id}-${i === 0 ? 'before' : 'after'}.png`)
          writeFileSync(file, from.get(id)!)
          return file
        })
        expect.fail(`the figure of ${id} is another: ${files.join(', ')}`)
      }
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
