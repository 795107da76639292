// What the journeys pass by: long stacks, stacks from elsewhere, several searches at once, and what people keep beside
// their results. On a project whose numbers are made up; each thing is looked at on the page and in the file.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Project } from '#main/store/db.ts'
import { listAnnotations } from '#main/store/authored/annotations.ts'
import { listDocuments } from '#main/store/authored/documents.ts'
import { listRuns } from '#main/store/runs.ts'
import { listStudies } from '#main/store/studies.ts'
import { countTrials } from '#main/store/trials.ts'
import { QWEN3 } from '../core/model/hf/samples.ts'
import type { App } from './app.ts'
import { closeBrowser, LONG_MS, openPage, stackText, startApp, visit, watch } from './app.ts'
import { fillProject } from './filled.ts'

let library: string
let app: App
let page: Awaited<ReturnType<typeof openPage>>

beforeAll(async () => {
  library = mkdtempSync(join(tmpdir(), 'heddle-details-'))
  await fillProject(join(library, 'details.heddle'))
  app = await startApp({ library })
  page = await openPage(app.url)
  await page.getByRole('button', { name: /^details/ }).click()
  await page.getByRole('main').getByRole('heading', { level: 1, name: 'details' }).waitFor()
}, LONG_MS)
afterAll(async () => {
  await closeBrowser()
  await app.stop()
  rmSync(library, { recursive: true, force: true })
})

const step = (name: string, run: () => Promise<void>): void => {
  it(name, { timeout: LONG_MS }, async () => {
    watch(page)
    await run()
    expect(page.complaints).toEqual([])
  })
}

/** What the file says, beside the program that has it open. */
function stored<T>(read: (project: Project) => T): T {
  const project = openProject(join(library, 'details.heddle'), { readonly: true })
  try {
    return read(project)
  } finally {
    closeProject(project)
  }
}

const rows = (): Locator => page.getByRole('tree', { name: 'Stack' }).getByRole('treeitem')
const blockCount = async (): Promise<string> => page.getByRole('definition').first().innerText()

step('finds the way through a long stack by its map', async () => {
  await visit(page, 'Design')
  const stack = Array.from({ length: 48 }, (_, i) => (i < 24 ? 'd f' : 'm2 f')).join(' ')
  await stackText(page).fill(`{dModel: 64, vocabSize: 257} ${stack}`)
  await expect.poll(blockCount).toBe('96')
  const sight = page.locator('[data-part=sight]')
  const map = sight.locator('..')
  const atTop = (await sight.boundingBox())!
  const box = (await map.boundingBox())!
  expect(atTop.x).toBeLessThan(box.x + 8)
  expect(await rows().first().innerText()).toContain('DeltaNet')
  await page.mouse.click(box.x + 0.9 * (await map.getByRole('img').boundingBox())!.width, box.y + 10)
  await expect.poll(async () => (await sight.boundingBox())!.x).toBeGreaterThan(atTop.x + atTop.width)
  await expect.poll(async () => (await rows().allInnerTexts()).join()).not.toContain('DeltaNet')
  expect((await rows().allInnerTexts()).join()).toContain('Mamba-2')
})

step('collapses a group, and keeps what is in it', async () => {
  await stackText(page).fill('{dModel: 64, vocabSize: 257} (d f m2 f)x3 a f')
  await expect.poll(() => rows().count()).toBe(7)
  await rows().first().click()
  await page.keyboard.press('ArrowLeft')
  await expect.poll(() => rows().count()).toBe(3)
  expect(await rows().first().getAttribute('aria-expanded')).toBe('false')
  expect(await blockCount()).toBe('14')
  await page.keyboard.press('ArrowRight')
  await expect.poll(() => rows().count()).toBe(7)
  expect(await stackText(page).inputValue()).toContain('(d f m2 f)x3 a f')
})

step('disables a block, which then counts for nothing, and stores it so', async () => {
  const parameters = async (): Promise<string> => page.getByRole('definition').nth(2).innerText()
  const before = await parameters()
  await rows().last().click()
  await page.keyboard.press('0')
  await expect.poll(blockCount).toBe('13')
  expect(await parameters()).not.toBe(before)
  expect(await rows().last().innerText()).toContain('disabled')
  await page.keyboard.press('Escape')
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('without its end')
  const design = (): unknown =>
    stored((project) => listDocuments(project, 'design').find(({ name }) => name === 'without its end')?.body)
  await expect.poll(design).toMatchObject({
    spec: { blocks: [{ repeat: 3 }, { kind: 'attention' }, { kind: 'ffn', disabled: true }] },
  })
  await rows().last().click()
  await page.keyboard.press('0')
  await expect.poll(blockCount).toBe('14')
  expect(await parameters()).toBe(before)
})

step('imports the configuration of a Hugging Face model', async () => {
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Import' }).click()
  await (
    await chooser
  ).setFiles({ name: 'config.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(QWEN3.config)) })
  await expect.poll(() => stackText(page).inputValue()).toContain('dModel: 16')
  expect(await stackText(page).inputValue()).toMatch(/a\{.*nKvHeads: 2.*\} f\{.*intermediateSize: 24/)
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect.poll(() => stackText(page).inputValue()).toContain('(d f m2 f)x3')
})

step('says what cannot be imported', async () => {
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Import' }).click()
  const buffer = Buffer.from(JSON.stringify({ ...QWEN3.config, model_type: 'mixtral' }))
  await (await chooser).setFiles({ name: 'config.json', mimeType: 'application/json', buffer })
  await expect.poll(async () => (await page.getByRole('alert').allInnerTexts()).join()).toContain('mixtral')
  expect(await stackText(page).inputValue()).toContain('(d f m2 f)x3')
})

step('compares searches of several seeds by what they attain', async () => {
  const [first, second] = stored((project) => listStudies(project).filter(({ kind }) => kind === 'search'))
  expect({ ...first!.config, seed: 0 }).toEqual({ ...second!.config, seed: 0 })
  const ended = stored((project) =>
    [first!, second!].reduce((sum, { id }) => sum + countTrials(project, id, { state: 'done' }), 0),
  )
  expect(ended).toBeGreaterThan(12)
  await visit(page, 'Search')
  const searches = page.getByRole('grid', { name: 'Searches' })
  await searches.getByRole('gridcell', { name: 'first search' }).click()
  await searches.getByRole('gridcell', { name: 'second search' }).click({ modifiers: ['Control'] })
  await page.getByRole('button', { name: 'Compare fronts' }).click()
  await page.getByRole('heading', { name: 'Fronts of 2 searches' }).waitFor()
  const cloud = page.getByRole('application', { name: /^Fronts/ })
  await expect.poll(() => cloud.getAttribute('aria-label')).toContain(`${ended} measured`)
  await page.getByText('Bands: the middle 95 % over runs').waitFor()
  // the figure is the scene of the screen: one group with a band, and the line that half of its searches attain
  await page.getByRole('button', { name: 'Save Fronts' }).click()
  const download = page.waitForEvent('download')
  await page.getByRole('menuitem', { name: 'Save SVG' }).click()
  const svg = readFileSync(await (await download).path(), 'utf8')
  expect(svg.match(/opacity:0\.14/g)).toHaveLength(1)
  expect(svg.match(/stroke-dasharray:0\.75 2\.25/g)).toHaveLength(1)
})

step('keeps a selection of runs in Compare, and takes it again', async () => {
  const named = stored((project) => listRuns(project).filter(({ name }) => /^run [0-4]$/.test(name))).map(
    ({ id }) => id,
  )
  expect(named).toHaveLength(5)
  await page.evaluate((runs) => (location.hash = `#/compare?runs=${runs}`), named.join(','))
  await page.getByText('0 of 5 selected').waitFor()
  const traits = page.getByRole('grid', { name: 'Runs by their traits' })
  await traits.getByRole('gridcell', { name: 'run 1', exact: true }).click()
  await traits.getByRole('gridcell', { name: 'run 3', exact: true }).click({ modifiers: ['Control'] })
  await page.getByText('2 of 5 selected').waitFor()
  await page.getByRole('button', { name: 'Save selection…' }).click()
  await page.getByRole('textbox', { name: 'Name of the selection' }).fill('odd ones')
  await page.keyboard.press('Enter')
  const kept = (): unknown => stored((project) => listDocuments(project, 'selection'))
  await expect.poll(kept).toMatchObject([{ name: 'odd ones', body: { of: 'run', ids: [named[1], named[3]] } }])
  await page.getByRole('button', { name: 'Clear', exact: true }).click()
  await page.getByText('0 of 5 selected').waitFor()
  // as somebody who comes later
  await page.reload()
  await page.getByText('0 of 5 selected').waitFor()
  await page.getByRole('combobox', { name: 'Saved selections' }).selectOption('odd ones (2)')
  await page.getByText('2 of 5 selected').waitFor()
  await expect.poll(() => traits.locator('[role=row][aria-selected=true]').allInnerTexts()).toHaveLength(2)
  await page.getByRole('button', { name: 'Delete the selection odd ones' }).click()
  await expect.poll(kept).toEqual([])
})

step('keeps tags and a note on a run, and finds it by them', async () => {
  const run = stored((project) => listRuns(project).find(({ name }) => name === 'run 2'))!
  await visit(page, 'History')
  const runs = page.getByRole('grid', { name: 'Runs' })
  await page.getByRole('radio', { name: /^Runs \(/ }).click()
  await runs.getByRole('gridcell', { name: 'run 2', exact: true }).click()
  const tags = page.getByRole('group', { name: 'Tags' })
  await tags.getByRole('combobox', { name: 'Add to Tags' }).fill('promising')
  await tags.getByRole('combobox', { name: 'Add to Tags' }).press('Enter')
  await tags.getByText('promising').waitFor()
  await page.getByRole('textbox', { name: 'Note' }).fill('Train it for longer.')
  await page.keyboard.press('Tab')
  const kept = (): unknown =>
    stored((project) => listAnnotations(project).filter(({ subjectId }) => subjectId === run.id))
  await expect.poll(kept).toMatchObject([{ subject: 'run', tags: ['promising'], note: 'Train it for longer.' }])
  // as somebody who comes later
  await page.reload()
  await page.getByRole('combobox', { name: 'Tag' }).selectOption('promising')
  await expect.poll(() => runs.getByRole('gridcell', { name: /^run \d$/ }).allInnerTexts()).toEqual(['run 2'])
  await runs.getByRole('gridcell', { name: 'run 2', exact: true }).click()
  expect(await page.getByRole('textbox', { name: 'Note' }).inputValue()).toBe('Train it for longer.')
  await page.getByRole('button', { name: 'Remove promising' }).click()
  await expect.poll(kept).toMatchObject([{ tags: [], note: 'Train it for longer.' }])
})
