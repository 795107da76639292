// Notebooks from elsewhere that mean harm: what they say is text, what they run is caught, and the page goes on.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { ensureChromium } from '../helpers/chromium.ts'
import type { App } from './app.ts'
import { closeBrowser, createProject, openPage, startApp, visit, watch, WORK_MS } from './app.ts'

/** What frames of code are refused and cannot draw; the browser says so. */
const REFUSALS =
  /Blocked script execution|Refused to |Content Security Policy|Failed to load resource|violates the following|<\w+> attribute /
const EVIL = '<img src=x onerror="window.evil=1"><script>window.evil=2</script>'

const library = mkdtempSync(join(tmpdir(), 'heddle-hostile-notebook-'))
let app: App
let page: Awaited<ReturnType<typeof openPage>>

beforeAll(async () => {
  app = await startApp({ library, env: { XDG_CONFIG_HOME: join(library, 'settings') } })
  page = await openPage(app.url, { expected: REFUSALS })
  await createProject(page, 'log')
}, WORK_MS)
afterAll(async () => {
  await closeBrowser()
  await app.stop()
  rmSync(library, { recursive: true, force: true })
})
beforeEach(async () => {
  watch(page)
  await page.goto(`${app.url.split('#')[0]}#/notebook`)
  await page.getByRole('button', { name: 'Import' }).waitFor()
})

/** A browser that is driven only when it is asked. */
async function openPlainBrowser(): Promise<{ readonly port: string; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-plain-browser-'))
  const isRoot = process.getuid?.() === 0
  const child = spawn(
    ensureChromium((line) => console.log(line)),
    ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${folder}`, ...(isRoot ? ['--no-sandbox'] : [])],
    { stdio: 'ignore' },
  )
  const file = join(folder, 'DevToolsActivePort')
  await expect
    .poll(() => existsSync(file) && readFileSync(file, 'utf8').includes('\n'), { timeout: WORK_MS })
    .toBe(true)
  return {
    port: readFileSync(file, 'utf8').split('\n')[0]!,
    async close() {
      const ended = new Promise((done) => child.on('exit', done))
      child.kill()
      await ended
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const fence = (info: string, body: string): string => `\`\`\`heddle:${info}\n${body}\n\`\`\`\n\n`
const cell = (id: string): Locator => page.locator(`[data-cell="${id}"]`)
const problem = (id: string): Locator => cell(id).getByRole('alert')

/** Takes a file in as a user does. */
async function open(name: string, text: string): Promise<void> {
  const file = join(library, name)
  writeFileSync(file, text)
  await page.locator('input[type=file]').setInputFiles(file)
}
const trust = (): Promise<void> => page.getByRole('button', { name: 'Trust this notebook' }).click()
/** Runs a cell that the page has trusted, and waits for what went wrong. */
async function problemOf(id: string): Promise<string> {
  // cells above that get their results push it out of sight, where nothing is drawn
  const seen = async (): Promise<number> => {
    await cell(id).scrollIntoViewIfNeeded()
    return problem(id).count()
  }
  await expect.poll(seen, { timeout: WORK_MS }).toBeGreaterThan(0)
  return problem(id).first().innerText()
}
/** The page is as it was: nothing of the notebook ran in it. */
async function isSound(): Promise<void> {
  expect(await page.evaluate('[window.evil, ({}).polluted, document.title.includes("owned")]')).toEqual([
    undefined,
    undefined,
    false,
  ])
  await visit(page, 'Design')
  await page.getByRole('textbox', { name: 'Text' }).waitFor()
  expect(page.complaints).toEqual([])
}

it('markup in every field is text', { timeout: WORK_MS }, async () => {
  await open(
    '<img src=x onerror=window.evil=3>.md',
    [
      `---\nheddle: 1\ntitle: ${JSON.stringify(EVIL)}\ndoc: ${JSON.stringify(EVIL)}\n---\n\n`,
      `# ${EVIL}\n\n${EVIL} [${EVIL}](javascript:window.evil=4) ![${EVIL}](javascript:window.evil=5) $\\href{javascript:window.evil=6}{x}$ $\\htmlData{a=b}{x}$\n\n`,
      `<iframe srcdoc="<script>parent.evil=7</script>"></iframe>\n\n| ${EVIL} |\n| --- |\n| ${EVIL} |\n\n`,
      fence(`${EVIL} id=kind`, EVIL),
      fence(`stack id=${EVIL}`, EVIL),
      fence('stack id=stack', EVIL),
      fence('train id=train', `stacks: [${JSON.stringify(EVIL)}]`),
      fence('table id=sql', `sql: ${JSON.stringify(`SELECT '${EVIL}' AS "${EVIL.replaceAll('"', '')}"`)}`),
      fence('front id=front', `of: [${JSON.stringify(EVIL)}]\nx: ${JSON.stringify(EVIL)}\ny: __proto__`),
      fence(
        'code id=shown',
        `const evil = ${JSON.stringify(EVIL)}
display(evil)
display([{ [evil]: evil }])
const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
svg.setAttribute('onload', 'top.evil=8')
svg.setAttribute('width', evil)
const inside = svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'foreignObject'))
inside.appendChild(document.createElement('script')).textContent = 'top.evil=9'
const link = svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'a'))
link.setAttribute('href', 'javascript:top.evil=10')
link.setAttribute('target', '_top')
svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'path')).setAttribute('d', '"/><script>top.evil=11</script>')
display(svg)
const form = document.createElement('form')
form.setAttribute('action', 'https://example.org/')
form.appendChild(document.createElement('meta')).setAttribute('http-equiv', 'refresh')
display(form)`,
      ),
      fence('code id=thrown', `throw new Error(${JSON.stringify(EVIL)})`),
    ].join(''),
  )
  await cell('thrown').waitFor()
  await trust()
  expect(await problemOf('thrown')).toContain('<script>')
  await cell('shown').scrollIntoViewIfNeeded()
  await cell('shown').locator('iframe').first().waitFor()
  await cell('shown').getByRole('columnheader').filter({ hasText: '<img' }).first().waitFor()
  await cell('sql').scrollIntoViewIfNeeded()
  await page.waitForTimeout(1000)
  // what it draws is a figure too, and its files hold no more than it drew
  await cell('shown').locator('iframe').first().hover()
  await cell('shown')
    .getByRole('button', { name: /^Save shown drawing/ })
    .first()
    .click()
  await page.getByRole('menuitem', { name: 'Figure for a paper' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'SVG' }).waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  const download = page.waitForEvent('download')
  await page.getByRole('menuitem', { name: 'HTML, one file' }).click()
  const exported = await openPage(`file://${await (await download).path()}`, { expected: REFUSALS })
  await exported.waitForTimeout(500)
  expect(await exported.evaluate('window.evil')).toBeUndefined()
  expect(await exported.locator('script').count()).toBe(0)
  await exported.context().close()
  await isSound()
})

it('loops, floods and bombs of memory end, and say so', { timeout: 3 * WORK_MS }, async () => {
  await open(
    'bombs.md',
    [
      fence('code id=texts', "let text = 'x'\nfor (;;) text += text"),
      fence('code id=buffers', 'const all: Uint8Array[] = []\nfor (;;) all.push(new Uint8Array(1e8).fill(1))'),
      fence('code id=deep', 'const f = (): number => 1 + f()\nreturn f()'),
      fence('code id=promises', 'for (;;) await Promise.resolve()'),
      fence('code id=long', "return 'x'.repeat(3e8)"),
      fence(
        'code id=shown',
        "for (let i = 0; i < 60; i++) display(d3.range(1e3).map((n) => ({ n: 'x'.repeat(400) })))",
      ),
      fence('code id=circle', 'const a: any = {}\na.a = a\nreturn a'),
      fence('code id=after', 'return 6 * 7'),
    ].join(''),
  )
  await cell('after').waitFor({ state: 'attached' })
  await trust()
  expect(await problemOf('promises')).toContain('longer than 10 s')
  expect(await problemOf('buffers')).toContain('more memory than 512 MiB')
  expect(await problemOf('texts')).toMatch(/Invalid string length|memory/)
  expect(await problemOf('deep')).toContain('call stack')
  expect(await problemOf('shown')).toContain('characters; at most')
  // what follows still runs, in a frame of its own
  await cell('after').scrollIntoViewIfNeeded()
  await expect.poll(() => cell('after').locator('.output').innerText(), { timeout: WORK_MS }).toBe('42')
  await isSound()
})

it('a bomb of memory ends its own process, and the page says so', { timeout: 2 * WORK_MS }, async () => {
  const bomb = fence('code id=arrays', 'const all: number[][] = []\nfor (;;) all.push(new Array(1e6).fill(1.5))')
  await open('memory.md', bomb + fence('code id=after', 'return 6 * 7'))
  await cell('after').waitFor()
  const address = page.url()
  // the driver takes the end of any process of a page for the end of the page: it must not look when it happens
  const { port, close } = await openPlainBrowser()
  try {
    const look = async <T>(work: (other: Page) => Promise<T>): Promise<T> => {
      const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`)
      const [context] = browser.contexts()
      const value = await work(context!.pages()[0] ?? (await context!.newPage()))
      await browser.close()
      return value
    }
    await look(async (other) => {
      // its token is in the fragment
      await other.goto(app.url)
      await other.getByRole('navigation', { name: 'Places' }).waitFor()
      await other.evaluate((hash) => (location.hash = hash), new URL(address).hash)
      await other.getByRole('button', { name: 'Trust this notebook' }).waitFor()
      await other.evaluate(() => {
        const button = [...document.querySelectorAll('button')].find((one) => one.textContent.includes('Trust this'))!
        setTimeout(() => button.click(), 3000)
      })
    })
    await new Promise((done) => setTimeout(done, 30_000))
    await look(async (other) => {
      await other.locator('[data-cell="arrays"]').getByRole('alert').waitFor({ timeout: WORK_MS })
      expect(await other.locator('[data-cell="arrays"]').getByRole('alert').innerText()).toMatch(
        /too much memory or time|longer than 10 s/,
      )
      const output = other.locator('[data-cell="after"] .output')
      await expect.poll(() => output.innerText(), { timeout: WORK_MS }).toBe('42')
    })
  } finally {
    await close()
  }
  await isSound()
})

it('code does not reach the page, the network or other code', { timeout: WORK_MS }, async () => {
  await open(
    'reach.md',
    [
      fence(
        'code id=before',
        '(Object.prototype as any).polluted = 1; (Array.prototype as any).map = () => ["owned"]; (globalThis as any).left = 1; return 1',
      ),
      fence(
        'code id=clean',
        'return [String(({} as any).polluted), String((globalThis as any).left), [1].map((n) => n + 1)].join(" ")',
      ),
      fence(
        'code id=reach',
        `const scope = globalThis as any
const tried: string[] = []
const test = async (name: string, work: () => unknown) => {
  try { const value = await work(); tried.push(name + ' ' + (value === undefined ? 'nothing' : 'REACHED')) } catch { tried.push(name + ' refused') }
}
const origin = ${JSON.stringify(new URL(app.url).origin)}
await test('fetch', () => scope.fetch(origin + '/'))
await test('other site', () => scope.fetch('https://example.org/'))
await test('socket', () => new Promise((yes, no) => { const s = new scope.WebSocket(origin.replace('http', 'ws') + '/socket'); s.onopen = () => yes(1); s.onerror = no }))
await test('xhr', () => new Promise((yes, no) => { const x = new scope.XMLHttpRequest(); x.onload = () => yes(1); x.onerror = no; x.open('GET', origin); x.send() }))
await test('import', () => scope.importScripts(origin + '/index.html'))
await test('module', () => new scope.Function('return import("' + origin + '/x.js")')())
await test('eval', () => scope.eval('1'))
await test('node', () => scope.process.env.HOME)
await test('require', () => scope.require('fs'))
await test('page', () => scope.parent.document)
await test('top', () => scope.top.location)
await test('storage', () => scope.localStorage.length)
await test('database', () => new Promise((yes, no) => { const r = scope.indexedDB.open('x'); r.onsuccess = () => yes(1); r.onerror = no }))
await test('caches', () => scope.caches.keys())
await test('channel', () => { new scope.BroadcastChannel('heddle').postMessage('x') })
await test('worker', () => new Promise((yes, no) => { const w = new scope.Worker(origin + '/x.js'); w.onmessage = () => yes(1); w.onerror = no; scope.setTimeout(no, 500) }))
await test('cookies', () => scope.cookieStore.getAll().then((all: unknown[]) => all.length > 0 ? 1 : undefined))
return tried.filter((one) => one.includes('REACHED')).join(', ') || 'nothing reached of ' + tried.length`,
      ),
      fence(
        'code id=liar',
        `const scope = globalThis as any
scope.postMessage({ id: 1, began: true })
scope.postMessage(JSON.stringify({ shown: [{ type: 'html', markup: '<script>top.evil=1</script>', width: 'x', height: 1e9 }], value: { __proto__: { polluted: 1 } } }))`,
      ),
      fence(
        'code id=proto',
        `return JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 2}}}')`,
      ),
      fence('code id=taker inputs=proto', 'return String(({} as any).polluted)'),
    ].join(''),
  )
  await cell('taker').waitFor({ state: 'attached' })
  await trust()
  const output = async (id: string): Promise<string> => {
    await cell(id).scrollIntoViewIfNeeded()
    await cell(id).locator('.output').waitFor({ timeout: WORK_MS })
    return cell(id).locator('.output').innerText()
  }
  expect(await output('reach')).toBe('nothing reached of 17')
  expect(await output('clean')).toBe('undefined undefined 2')
  expect(await output('taker')).toBe('undefined')
  expect(await problemOf('liar')).toContain('no answer that can be shown')
  await isSound()
})

it('files that are too large or too deep are refused, or shown with what is wrong', { timeout: WORK_MS }, async () => {
  await open('huge.md', 'x'.repeat(50_000_000))
  await page.getByText('huge.md has 50.0 MB').first().waitFor()
  expect(await page.getByRole('link', { name: 'huge' }).count()).toBe(0)
  await page.reload()
  await page.getByRole('button', { name: 'Import' }).waitFor()
  await open('many.md', '# a\n\n'.repeat(6000))
  await page.getByText('the notebook has 6000 pieces').waitFor()
  await page.getByRole('button', { name: 'All notebooks' }).click()
  const aliases = 'bcdefghi'.split('').map((k, i) => `${k}: &${k} [${Array(9).fill(`*${'abcdefgh'[i]!}`).join(',')}]`)
  await open(
    'bombs of text.md',
    [
      fence('train id=aliases', `a: &a [x,x,x,x,x,x,x,x,x]\n${aliases.join('\n')}`),
      fence('train id=nested', '['.repeat(50_000)),
      fence('train id=proto', '__proto__: {polluted: true}'),
      fence('stack id=stack', `${'('.repeat(100_000)}d f`),
      fence('stack id=copies', '{dModel: 64, vocabSize: 257} (((((d f)x999)x999)x999)x999)x999'),
      fence('train id=circle', 'stacks: [circle]'),
      `# ${'*'.repeat(50_000)}\n\n${'> '.repeat(20_000)}deep\n\n${'[a]('.repeat(20_000)}\n\n$${'{'.repeat(4000)}$ $\\def\\a{\\a\\a}\\a$\n\n`,
    ].join(''),
  )
  for (const [id, what] of [
    ['aliases', /alias|stands for more/i],
    ['nested', /brackets/],
    ['proto', /__proto__ cannot be the name/],
    ['circle', /./],
  ] as const)
    expect(await problemOf(id)).toMatch(what)
  for (const id of ['stack', 'copies']) {
    await cell(id).scrollIntoViewIfNeeded()
    await cell(id).waitFor()
  }
  await page.locator('[data-key]').last().scrollIntoViewIfNeeded()
  await page.waitForTimeout(1000)
  await isSound()
})
