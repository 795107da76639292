// `npm run gallery -- [--project FILE] [--out FOLDER] [--only WORD]`: pictures of every screen with real data, light and dark, in two
// sizes. Without a project it takes that of the quickstart, which it runs first where there is none, and measures on this
// machine what the quickstart does not. It works on a copy.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import type { Page } from 'playwright-core'
import { parseSpecText } from '#core/model/text.ts'
import { openWorkbench } from '#main/api/workbench/index.ts'
import type { JobRow } from '#main/api/workbench/jobs.ts'
import { serveUntil } from '#main/serve/host.ts'
import { ensureChromium } from '../tests/helpers/chromium.ts'
import { root } from './commands.ts'

const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 700 },
]
/** Fonts, data and first drawing. */
const SETTLE_MS = 1500
/** Of the blocks that the quickstart measures. */
const HYBRID = '{dModel: 128, vocabSize: 257} (d{nHeads: 4} f m2{headDim: 32, dState: 32} f)x2 a{headDim: 32} f'
const DESIGNS = { Hybrid: HYBRID, Transformer: '{dModel: 128, vocabSize: 257} (a{headDim: 32} f)x5' }

const { values } = parseArgs({
  options: { project: { type: 'string' }, out: { type: 'string', default: 'gallery' }, only: { type: 'string' } },
})
const out = resolve(values.out)
mkdirSync(out, { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'heddle-gallery-'))

/** A copy of the project with a design, a notebook and latencies over contexts; returns the searches in it. */
async function prepare(): Promise<{ readonly project: string; readonly searches: readonly number[] }> {
  const source = resolve(values.project ?? join(root, 'quickstart/quickstart.heddle'))
  if (!existsSync(source)) {
    if (values.project !== undefined) throw new Error(`there is no project ${source}`)
    spawnSync(process.execPath, [join(root, 'src/main/quickstart.ts'), dirname(source)], { stdio: 'inherit' })
  }
  const project = join(folder, basename(source))
  cpSync(source, project)
  if (existsSync(`${source}.blobs`)) cpSync(`${source}.blobs`, `${project}.blobs`, { recursive: true })
  const workbench = openWorkbench({ root: folder, project })
  const specs = Object.values(DESIGNS).map((text) => JSON.parse(JSON.stringify(parseSpecText(text))) as object)
  for (const [i, name] of Object.keys(DESIGNS).entries())
    await workbench.call('documents.save', { kind: 'design', name, body: { spec: { ...specs[i], name } } })
  await workbench.call('notebooks.create', { name: 'Quickstart', template: 'quickstart' })
  const options = { maxSeconds: 20 }
  const job = (await workbench.call('profile.contexts', { specs, contexts: [128, 512, 2048], options })) as JobRow
  for (;;) {
    const now = ((await workbench.call('jobs.list', {})) as JobRow[]).find(({ id }) => id === job.id)!
    if (now.state !== 'running') break
    await new Promise((done) => setTimeout(done, 500))
  }
  const rows = (await workbench.call('studies.list', {})) as { readonly id: number; readonly kind: string }[]
  await workbench.close()
  return { project, searches: rows.filter(({ kind }) => kind === 'search').map(({ id }) => id) }
}

const { project, searches } = await prepare()
const [first = 0] = searches

/** Address and what is done there before the picture. */
const SCREENS: Readonly<Record<string, readonly [address: string, act?: (page: Page) => Promise<void>]>> = {
  library: ['library'],
  notebook: ['notebook'],
  design: [
    'design',
    async (page) => {
      await page.getByRole('textbox', { name: 'Text' }).fill(HYBRID)
      await page.getByRole('treeitem').nth(1).click()
    },
  ],
  'design-compare': ['design?with=Transformer'],
  'profile-latencies': ['profile', (page) => page.locator('[role=row][aria-selected]').first().click()],
  'profile-contexts': ['profile?tab=contexts'],
  'profile-depth': ['profile?tab=depth'],
  'profile-operators': ['profile?tab=operators'],
  'profile-additivity': ['profile?tab=additivity'],
  train: ['train'],
  'train-new': ['train', (page) => page.getByRole('button', { name: 'New run' }).first().click()],
  'search-list': ['search'],
  'search-new': ['search?new=1'],
  'search-board': [`search?study=${first}`],
  'search-trial': [`search?study=${first}&trial=20`],
  'search-lineage': [`search?study=${first}&tab=lineage`],
  'search-what-if': [`search?study=${first}&tab=what-if`],
  'search-fronts': [`search?studies=${searches.join(',')}`],
  compare: ['compare'],
  'compare-stored': ['compare?tab=stored'],
  'compare-studies': ['compare?tab=studies'],
  'history-runs': ['history?of=runs'],
  'history-trials': ['history?of=trials'],
  palette: ['design', (page) => page.keyboard.press('Control+k')],
}

const complaints: string[] = []
function fail(text: string): void {
  console.error(text)
  process.exitCode = 1
}

const stop = new AbortController()
const address = Promise.withResolvers<string>()
const served = serveUntil(stop.signal, {
  project,
  port: 0,
  readonly: false,
  open: false,
  print: address.resolve,
  note: console.log,
})
const isRoot = process.getuid?.() === 0
const browser = await chromium.launch({
  executablePath: ensureChromium(console.log),
  args: isRoot ? ['--no-sandbox'] : [],
})
try {
  const url = await Promise.race([address.promise, served.then(() => Promise.reject(new Error('nothing was served')))])
  for (const colorScheme of ['light', 'dark'] as const)
    for (const viewport of SIZES) {
      const page = await (await browser.newContext({ viewport, colorScheme })).newPage()
      page.on('pageerror', (error) => complaints.push(error.message))
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text())
      })
      await page.goto(url)
      await page.getByRole('navigation', { name: 'Places' }).getByRole('link').nth(1).waitFor()
      for (const [screen, [where, act]] of Object.entries(SCREENS)) {
        if (values.only !== undefined && !screen.includes(values.only)) continue
        await page.goto(`${url.split('#')[0]!}#/${where}`)
        await page.locator('main h1').first().waitFor()
        await act?.(page)
        await page.waitForFunction('document.querySelector("[aria-busy=true]") === null')
        await page.waitForTimeout(SETTLE_MS)
        const file = join(out, `${screen}-${colorScheme}-${viewport.width}.png`)
        await page.screenshot({ path: file })
        console.log(file)
        for (const text of complaints.splice(0)) fail(`${screen}: ${text}`)
        await page.keyboard.press('Escape')
      }
      await page.context().close()
    }
} finally {
  await browser.close()
  stop.abort()
  await served
  rmSync(folder, { recursive: true, force: true })
}
