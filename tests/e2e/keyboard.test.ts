// The main work by keyboard alone: the mouse is never touched.

import { afterAll, beforeAll, expect, it } from 'vitest'
import type { App } from './app.ts'
import { closeBrowser, idle, LONG_MS, openPage, outlast, stackText, startApp, watch, WORK_MS } from './app.ts'

type OpenPage = Awaited<ReturnType<typeof openPage>>

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

/** What has the focus, as a reader of the screen hears it. */
const focused = (): Promise<string> =>
  page.evaluate(() => {
    const at = document.activeElement as HTMLElement
    const content = at.cloneNode(true) as HTMLElement
    content.querySelectorAll('[aria-hidden=true]').forEach((part) => part.remove())
    const label =
      at.getAttribute('aria-label') ?? (at as HTMLInputElement).labels?.[0]?.textContent ?? content.textContent
    return `${at.getAttribute('role') ?? at.tagName.toLowerCase()} ${(label ?? '').trim().replace(/\s+/g, ' ')}`
  })

/** Presses Tab until the focus is on something, as a user without a mouse does. */
async function tabTo(what: RegExp, key = 'Tab'): Promise<void> {
  const passed: string[] = []
  for (let presses = 0; presses < 120; presses++) {
    const now = await focused()
    if (what.test(now)) return
    passed.push(now)
    await page.keyboard.press(key)
  }
  throw new Error(`Tab never reached ${what}; it passed ${passed.join(' | ')}`)
}

/** Runs a command of the palette. */
async function command(words: string): Promise<void> {
  await page.keyboard.press('Control+k')
  const palette = page.getByRole('dialog', { name: 'Command palette' })
  await expect.poll(focused).toBe('combobox Command')
  await page.keyboard.type(words)
  await palette.getByRole('option', { name: new RegExp(words, 'i'), selected: true }).waitFor()
  await page.keyboard.press('Enter')
  await palette.waitFor({ state: 'hidden' })
}

step('makes a project', async () => {
  // what a project may start with comes from the workbench
  await page.getByLabel('Name').first().waitFor()
  await tabTo(/^input Name/)
  await page.keyboard.type('by keyboard')
  await page.keyboard.press('Enter')
  await page.getByRole('treeitem').first().waitFor()
})

step('composes a stack', async () => {
  const tree = page.getByRole('tree', { name: 'Stack' })
  await tabTo(/^(tree|treeitem) /)
  await page.keyboard.press('Control+a')
  await page.keyboard.press('Delete')
  await expect.poll(() => tree.getByRole('treeitem').count()).toBe(0)
  await tabTo(/^(listbox|option) /, 'Shift+Tab')
  for (const letters of ['del', 'feed', 'mamba-2', 'feed', 'attention', 'feed']) {
    await page.keyboard.press('Home')
    const wanted = new RegExp(`^option ${letters}`, 'i')
    for (let moves = 0; moves < 12 && !wanted.test(await activeOption()); moves++)
      await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForTimeout(50)
  }
  await expect.poll(() => stackText(page).inputValue()).toContain('d f m2 f a f')
})

/** The option that keys act on. */
const activeOption = (): Promise<string> =>
  page.evaluate(() => {
    const at = document.activeElement!
    const id = at.getAttribute('aria-activedescendant')
    const option = id === null ? at : document.getElementById(id)!
    return `option ${option.querySelector('.title')?.textContent}`
  })

step('moves, copies, groups and undoes', async () => {
  await tabTo(/^(tree|treeitem) /)
  await page.keyboard.press('Home')
  await page.keyboard.press('Alt+ArrowDown')
  await expect.poll(() => stackText(page).inputValue()).toContain('f d m2 f a f')
  await page.keyboard.press('Control+z')
  await expect.poll(() => stackText(page).inputValue()).toContain('d f m2 f a f')
  await page.keyboard.press('Control+a')
  await page.keyboard.press('Control+g')
  await expect.poll(() => stackText(page).inputValue()).toContain('(d f m2 f a f)x2')
  await page.keyboard.press('Control+z')
  await expect.poll(() => stackText(page).inputValue()).not.toContain('x2')
  await page.keyboard.press('Control+y')
  await expect.poll(() => stackText(page).inputValue()).toContain('(d f m2 f a f)x2')
})

const SMALL = '{dModel: 64, vocabSize: 257} d{nHeads: 2} f m2{headDim: 16, dState: 16} f a{headDim: 16} f'

step('edits the text form', async () => {
  await tabTo(/^textarea Text/, 'Shift+Tab')
  await page.keyboard.press('Control+a')
  await page.keyboard.type(SMALL)
  await expect.poll(() => page.getByRole('treeitem').count()).toBe(6)
})

/** Puts a number into a field. */
async function enter(field: string, value: string, key = 'Tab'): Promise<void> {
  await tabTo(new RegExp(`^(spinbutton|input) ${field}`), key)
  await page.keyboard.press('Control+a')
  await page.keyboard.type(value)
}

step('measures it', async () => {
  await command('measure this stack')
  await page
    .getByRole('region', { name: 'Jobs' })
    .getByText(/running/)
    .waitFor()
  await idle(page)
  await command('go to profile')
  await page.getByRole('gridcell', { name: 'decode' }).first().waitFor()
})

step('trains it for 20 steps', async () => {
  await command('go to train')
  await page
    .getByRole('button', { name: /New run/ })
    .first()
    .waitFor()
  await tabTo(/^button New run/)
  await page.keyboard.press('Enter')
  await enter('steps', '20')
  await tabTo(/^button Train/)
  await page.keyboard.press('Enter')
  await page.getByRole('gridcell', { name: 'done' }).first().waitFor({ timeout: WORK_MS })
  await idle(page)
})

const cloud = () => page.getByRole('application', { name: /^Front of/ })

step('searches around it', async () => {
  await command('go to design')
  await page.getByRole('treeitem').first().waitFor()
  await command('new search around this stack')
  await page.getByRole('heading', { name: 'New search' }).waitFor()
  for (const [field, value] of [
    ['trials', '6'],
    ['populationSize', '3'],
    ['tournamentSize', '2'],
    ['steps', '10'],
  ] as const)
    await enter(field, value)
  await tabTo(/^button Start search/, 'Shift+Tab')
  await page.keyboard.press('Enter')
  await cloud().waitFor({ timeout: WORK_MS })
  await outlast(
    () => cloud().getAttribute('aria-label'),
    (label) => /\b6 measured/.test(label ?? ''),
  )
  await idle(page)
})

step('reads its points and selects some', async () => {
  await tabTo(/^application Front of/)
  for (const selected of [1, 2]) {
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press(' ')
    const rows = page.getByRole('grid', { name: /^Trials of/ }).locator('[role=row][aria-selected=true]')
    await expect.poll(() => rows.count()).toBe(selected)
  }
})

step('replays a lineage', async () => {
  await tabTo(/^tab Board/, 'Shift+Tab')
  await page.keyboard.press('ArrowRight')
  await page.getByRole('slider', { name: 'After trial' }).waitFor()
  await tabTo(/^input After trial/)
  await page.keyboard.press('Home')
  const atFirst = await page.getByRole('tabpanel').innerText()
  await page.keyboard.press('End')
  await expect.poll(() => page.getByRole('tabpanel').innerText()).not.toBe(atFirst)
})

step('opens the stack of the best trial', async () => {
  await tabTo(/^button Open stack in Design/)
  await page.keyboard.press('Enter')
  await page.getByRole('tree', { name: 'Stack' }).waitFor()
})

step('brushes the axes of the runs', async () => {
  await command('go to compare')
  await page.getByRole('group', { name: /^Stacks by their traits/ }).waitFor({ timeout: WORK_MS })
  const chosen = (): Promise<number> =>
    page
      .getByText(/^\d+ of \d+ selected$/)
      .innerText()
      .then((text) => Number.parseInt(text))
  expect(await chosen()).toBe(0)
  await tabTo(/^slider .*Blocks/)
  await page.keyboard.press('ArrowUp')
  await expect.poll(chosen).toBeGreaterThan(0)
  await page.keyboard.press('Escape')
  await expect.poll(chosen).toBe(0)
})

step('closes the project, opens it again, and reviews it for reading only', async () => {
  const close = async (): Promise<void> => {
    await command('go to library')
    await page.getByRole('button', { name: 'Close project' }).waitFor()
    await tabTo(/^button Close project/)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Close project' }).waitFor({ state: 'hidden' })
  }
  await close()
  await tabTo(/^button by keyboard/)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'by keyboard' }).waitFor()
  await close()
  await tabTo(/^button Read only/)
  await page.keyboard.press('Enter')
  await page.getByRole('banner').getByText('read only').waitFor()
  await command('go to history')
  await page.getByRole('grid', { name: 'Runs' }).getByRole('gridcell', { name: 'done' }).first().waitFor()
})
