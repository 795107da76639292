// A project from elsewhere with script in every text: it is shown as text, whatever the view.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { closeProject, openProject } from '#main/store/db.ts'
import { putSpec } from '#main/store/specs.ts'
import { startRun, finishRun } from '#main/store/runs.ts'
import { createStudy } from '#main/store/studies.ts'
import { saveDocument } from '#main/store/authored/documents.ts'
import { PLACES } from '../../src/renderer/shell/places.ts'
import type { App } from './app.ts'
import { closeBrowser, openPage, startApp, watch, WORK_MS } from './app.ts'
import { fillProject } from './filled.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-hostile-'))
const SCRIPT = '"><img src=x onerror="window.hacked=1"><script>window.hacked=2</script>{{7*7}}\u202e'
let app: App

beforeAll(async () => {
  const path = join(folder, 'hostile.heddle')
  await fillProject(path, { name: (what) => `${what} ${SCRIPT}` })
  const project = openProject(path)
  try {
    const broken = { __proto__: { polluted: true }, heddle: 99, name: SCRIPT, blocks: [{ kind: SCRIPT }] }
    putSpec(project, { hash: 'badbadbad', name: SCRIPT, text: SCRIPT, json: broken, counts: { params: 1 } })
    const run = startRun(project, {
      name: SCRIPT,
      spec: 'badbadbad',
      config: { spec: broken, run: { steps: SCRIPT }, constructor: { prototype: { polluted: 1 } } },
      seed: 1,
    })
    finishRun(project, run, { state: 'failed', error: { code: 'train-diverged', message: SCRIPT } })
    createStudy(project, {
      name: SCRIPT,
      kind: 'search',
      searcher: 'random',
      config: { space: SCRIPT, goal: null },
      objectives: [SCRIPT],
      seed: 1,
    })
    saveDocument(project, { kind: 'design', name: SCRIPT, body: broken })
  } finally {
    closeProject(project)
  }
  app = await startApp({ library: folder, args: ['--project', path, '--read-only'] })
}, WORK_MS)
afterAll(async () => {
  await closeBrowser()
  await app.stop()
  rmSync(folder, { recursive: true, force: true })
})

it.each([
  ...PLACES.map(({ view }) => view),
  'search?study=1',
  'search?study=3',
  'train?runs=1,2,31',
  'design?stack=javascript:alert(1)',
  `history?q=${encodeURIComponent(SCRIPT)}`,
])('%s shows it as text', { timeout: WORK_MS }, async (address) => {
  const page = await openPage(app.url)
  watch(page)
  const violations: string[] = []
  await page.exposeFunction('violated', (text: string) => violations.push(text))
  await page.addInitScript(() =>
    addEventListener('securitypolicyviolation', (event) => {
      void (window as unknown as { violated(text: string): void }).violated(event.blockedURI + event.violatedDirective)
    }),
  )
  try {
    await page.reload()
    await page.goto(`${app.url.split('#')[0]!}#/${address}`)
    await page.getByRole('main').waitFor()
    await page.waitForTimeout(600)
    const found = await page.evaluate(() => ({
      hacked: (window as unknown as { hacked?: number }).hacked ?? null,
      polluted: ({} as { polluted?: unknown }).polluted ?? null,
      images: document.querySelectorAll('img[src="x"], main script').length,
      scripts: [...document.querySelectorAll('a')].filter((a) => a.protocol === 'javascript:').length,
    }))
    expect(found).toEqual({ hacked: null, polluted: null, images: 0, scripts: 0 })
    expect(violations).toEqual([])
    expect(page.complaints.filter((text) => !/heddle|HeddleError/.test(text))).toEqual([])
    // the rest of the application works
    expect(await page.getByRole('navigation', { name: 'Places' }).isVisible()).toBe(true)
  } finally {
    await page.context().close()
  }
})
