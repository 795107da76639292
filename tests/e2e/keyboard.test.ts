// The main work by keyboard alone: the mouse is never touched.

import { afterAll, beforeAll, expect, it } from 'vitest'
import type { App } from './app.ts'
import { closeBrowser, idle, openPage, stackText, startApp, watch, WORK_MS } from './app.ts'

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
  it(name, { timeout: 2 * WORK_MS }, async () => {
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
  for (const letters of ['del', 'feed', 'mamba-2', 'feed']) {
    await page.keyboard.press('Home')
    const wanted = new RegExp(`^option ${letters}`, 'i')
    for (let moves = 0; moves < 12 && !wanted.test(await activeOption()); moves++)
      await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForTimeout(50)
  }
  await expect.poll(() => stackText(page).inputValue()).toContain('d f m2 f')
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
  await expect.poll(() => stackText(page).inputValue()).toContain('f d m2 f')
  await page.keyboard.press('Control+z')
  await expect.poll(() => stackText(page).inputValue()).toContain('d f m2 f')
  await page.keyboard.press('Control+a')
  await page.keyboard.press('Control+g')
  await expect.poll(() => stackText(page).inputValue()).toContain('(d f m2 f)x2')
  await page.keyboard.press('Control+z')
  await expect.poll(() => stackText(page).inputValue()).not.toContain('x2')
  await page.keyboard.press('Control+y')
  await expect.poll(() => stackText(page).inputValue()).toContain('(d f m2 f)x2')
})

step('trains it', async () => {
  await command('go to train')
  await page
    .getByRole('heading', { name: 'Train' })
    .or(page.getByRole('button', { name: /New run/ }))
    .first()
    .waitFor()
  await tabTo(/^button New run/)
  await page.keyboard.press('Enter')
  await tabTo(/^(spinbutton|input) steps/)
  await page.keyboard.press('Control+a')
  await page.keyboard.type('5')
  await tabTo(/^button Train/)
  await page.keyboard.press('Enter')
  await page.getByRole('gridcell', { name: 'done' }).first().waitFor({ timeout: WORK_MS })
  await idle(page)
})

step('reads the front of a search', async () => {
  await command('go to search')
  await tabTo(/^button Run a 12-trial search/)
  await page.keyboard.press('Enter')
  const cloud = page.getByRole('application', { name: /^Front of/ })
  await cloud.waitFor()
  await expect.poll(() => cloud.getAttribute('aria-label'), { timeout: WORK_MS }).toMatch(/12 measured|1[01] measured/)
  await idle(page)
  await tabTo(/^application Front of/)
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Enter')
  await page
    .getByRole('complementary', { name: /Trial/ })
    .getByRole('button', { name: 'Open stack in Design' })
    .waitFor()
})
