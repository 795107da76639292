// From an empty project to a reviewed search, with the mouse, in a real browser against the real runner.

import { afterAll, beforeAll, expect, it } from 'vitest'
import type { App } from './app.ts'
import {
  closeBrowser,
  createProject,
  dragTo,
  idle,
  openPage,
  stackText,
  startApp,
  LONG_MS,
  outlast,
  visit,
  watch,
  WORK_MS,
} from './app.ts'

type OpenPage = Awaited<ReturnType<typeof openPage>>

const SMALL = '{dModel: 64, vocabSize: 257} d{nHeads: 2} f m2{headDim: 16, dState: 16} f a{headDim: 16} f'

let app: App
let page: OpenPage

beforeAll(async () => {
  app = await startApp()
  page = await openPage(app.url)
}, WORK_MS)
afterAll(async () => {
  await closeBrowser()
  await app.stop()
})

const step = (name: string, run: () => Promise<void>): void => {
  it(name, { timeout: LONG_MS }, async () => {
    watch(page)
    await run()
    expect(page.complaints).toEqual([])
  })
}

/** Numbers and units stand apart by a thin space. */
const plain = (text: string): string => text.replace(/\s/g, ' ')

const rows = () => page.getByRole('tree', { name: 'Stack' }).getByRole('treeitem')

step('makes a project and composes a stack by dragging', async () => {
  await createProject(page, 'journey')
  await rows().first().click()
  await page.keyboard.press('Control+a')
  await page.keyboard.press('Delete')
  expect(await rows().count()).toBe(0)
  for (const block of ['DeltaNet', 'Feed-forward', 'Mamba-2', 'Feed-forward', 'Attention', 'Feed-forward']) {
    const count = await rows().count()
    const under = count === 0 ? page.getByRole('tree', { name: 'Stack' }) : rows().nth(count - 1)
    const box = (await under.boundingBox())!
    const to = { x: box.x + 200, y: count === 0 ? box.y + box.height / 2 : box.y + box.height + 4 }
    await dragTo(page, page.getByRole('option', { name: block, exact: true }), to)
    await expect.poll(() => rows().count()).toBe(count + 1)
  }
  expect(await stackText(page).inputValue()).toContain('d f m2 f a f')
})

step('moves a block by dragging, and takes it back', async () => {
  const from = (await rows().nth(4).boundingBox())!
  await dragTo(page, rows().nth(4), { x: from.x + 200, y: (await rows().nth(0).boundingBox())!.y - 2 })
  await expect.poll(() => stackText(page).inputValue()).toContain('a d f m2 f f')
  await page.keyboard.press('Control+z')
  await expect.poll(() => stackText(page).inputValue()).toContain('d f m2 f a f')
})

step('groups it twice, undoes and redoes', async () => {
  await rows().first().click()
  await page.keyboard.press('Control+a')
  await page.getByRole('button', { name: 'Group and repeat' }).click()
  await expect.poll(() => stackText(page).inputValue()).toContain('(d f m2 f a f)x2')
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect.poll(() => stackText(page).inputValue()).not.toContain('x2')
  await page.keyboard.press('Control+Shift+z')
  await expect.poll(() => stackText(page).inputValue()).toContain('(d f m2 f a f)x2')
  expect(await page.getByRole('definition').first().innerText()).toBe('12')
})

step('follows the text form, and says where a text is wrong', async () => {
  await stackText(page).fill('d f nonsense f')
  await expect.poll(() => page.getByRole('alert').allInnerTexts()).not.toEqual([])
  expect((await page.getByRole('alert').allInnerTexts()).join(' ')).toContain('nonsense')
  await stackText(page).fill(SMALL)
  await expect.poll(() => rows().count()).toBe(6)
  await expect.poll(async () => (await page.getByRole('definition').allInnerTexts()).map(plain)).toContain('152 k')
})

step('trains it for 20 steps', async () => {
  await visit(page, 'Train')
  await page
    .getByRole('button', { name: /New run/ })
    .first()
    .click()
  const form = page.getByRole('complementary', { name: 'New run' })
  await form.getByRole('spinbutton', { name: 'steps', exact: true }).fill('20')
  await form.getByRole('button', { name: 'Train', exact: true }).click()
  await page.getByRole('grid', { name: 'Runs' }).getByRole('gridcell', { name: 'done' }).waitFor({ timeout: WORK_MS })
  await idle(page)
})

step('profiles it on this machine', async () => {
  await visit(page, 'Design')
  await page.getByRole('button', { name: 'Measure', exact: true }).click()
  await page
    .getByRole('region', { name: 'Jobs' })
    .getByText(/running/)
    .waitFor()
  await idle(page)
  await visit(page, 'Profile')
  await page.getByRole('gridcell', { name: 'decode' }).first().waitFor()
  await page.getByRole('gridcell', { name: 'prefill' }).first().waitFor()
})

/** What the point cloud tells those who do not see it. */
const cloud = () => page.getByRole('application', { name: /^Front of/ })
const measured = async (): Promise<number> =>
  Number(/([\d,]+) measured/.exec((await cloud().getAttribute('aria-label')) ?? '')?.[1] ?? 0)

step('searches around it: six trials arrive one by one', async () => {
  await visit(page, 'Design')
  await page.getByRole('button', { name: 'Search', exact: true }).click()
  await page.getByRole('menuitem', { name: 'New search around it' }).click()
  for (const [name, value] of [
    ['trials', '6'],
    ['populationSize', '3'],
    ['tournamentSize', '2'],
    ['steps', '10'],
  ] as const) {
    const field = page.getByRole('spinbutton', { name, exact: true })
    await field.fill(value)
    await field.press('Tab')
  }
  await page.getByRole('button', { name: 'Start search' }).click()
  await cloud().waitFor()
  const seen = new Set<number>()
  await outlast(
    async () => [...seen.add(await measured())].pop(),
    (count) => count === 6,
  )
  expect(seen.size).toBeGreaterThan(2)
  await idle(page)
  expect(await page.getByText('6 of 6 trials').isVisible()).toBe(true)
})

step('selects trials by brushing', async () => {
  const box = (await cloud().boundingBox())!
  await page.mouse.move(box.x + 60, box.y + 40)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width - 10, box.y + box.height - 50, { steps: 6 })
  await page.mouse.up()
  await expect
    .poll(() =>
      page
        .getByRole('grid', { name: /^Trials of/ })
        .locator('[role=row][aria-selected=true]')
        .count(),
    )
    .toBeGreaterThan(3)
})

step('replays a lineage', async () => {
  await page.getByRole('tab', { name: 'Lineage' }).click()
  const time = page.getByRole('slider', { name: 'After trial' })
  await time.focus()
  await page.keyboard.press('Home')
  const atFirst = await page.getByRole('tabpanel').innerText()
  await page.keyboard.press('End')
  await expect.poll(() => page.getByRole('tabpanel').innerText()).not.toBe(atFirst)
})

step('opens the best stack', async () => {
  await page.getByRole('tab', { name: 'Board' }).click()
  const trials = page.getByRole('grid', { name: /^Trials of/ })
  await trials
    .getByRole('columnheader', { name: /Bits per byte/ })
    .getByRole('button')
    .click()
  const best = trials.getByRole('rowgroup').last().getByRole('row').first()
  const stack = (await best.getByRole('img').getAttribute('aria-label'))!
  await best.click()
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Open stack in Design' }).click()
  await page.getByRole('tree', { name: 'Stack' }).waitFor()
  await expect.poll(() => page.getByRole('main').getByRole('img', { name: stack }).count()).toBeGreaterThan(0)
})

step('adds a stack of its own to the search', async () => {
  await stackText(page).fill(SMALL.replace('a{headDim: 16} f', 'f a{headDim: 16}'))
  await expect.poll(() => rows().count()).toBe(6)
  await page.getByRole('button', { name: 'Search', exact: true }).click()
  await page.getByRole('menuitem', { name: /^Add to Around a stack/ }).click()
  await cloud().waitFor()
  await outlast(measured, (count) => count === 7)
  await idle(page)
  await page.getByText('7 of 7 trials').waitFor()
})

step('finds everything again after closing and reopening', async () => {
  await visit(page, 'Library')
  await page.getByRole('button', { name: 'Close project' }).click()
  await page.getByRole('button', { name: 'journey', exact: false }).first().click()
  await page.getByRole('main').getByRole('heading', { level: 1, name: 'journey' }).waitFor()
  await visit(page, 'History')
  await page.getByRole('radio', { name: 'Trials (7)' }).click()
  await expect.poll(() => page.getByRole('main').getByRole('gridcell', { name: 'done' }).count()).toBe(7)
  await visit(page, 'Train')
  await expect
    .poll(() => page.getByRole('grid', { name: 'Runs' }).getByRole('gridcell', { name: 'done' }).count())
    .toBe(1)
})

step('reviews it for reading only', async () => {
  await visit(page, 'Library')
  await page.getByRole('button', { name: 'Close project' }).click()
  await page.getByRole('button', { name: 'Read only' }).first().click()
  await page.getByRole('banner').getByText('read only').waitFor()
  await visit(page, 'Search')
  await page.getByRole('gridcell', { name: 'Around a stack' }).dblclick()
  await expect.poll(measured).toBe(7)
  expect(await page.getByRole('button', { name: 'Extend' }).count()).toBe(0)
  await visit(page, 'Train')
  expect(await page.getByRole('button', { name: /New run/ }).count()).toBe(0)
})
