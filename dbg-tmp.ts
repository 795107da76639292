import { serveUntil } from '#main/serve/host.ts'
import { chromium } from 'playwright-core'
const stop = new AbortController(); const a = Promise.withResolvers<string>()
const served = serveUntil(stop.signal, { project: '/tmp/proj/quickstart.heddle', port: 0, readonly: false, open: false, print: a.resolve, note: console.log })
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
const page = await b.newPage()
page.on('console', m => console.log('C', m.type(), m.text()))
page.on('pageerror', e => console.log('E', e.stack))
const url = await a.promise
await page.goto(url); await page.waitForTimeout(1500)
await page.evaluate(h => { location.hash = h }, process.argv[2] ?? '#/profile?tab=additivity')
await page.waitForTimeout(2500)
console.log((await page.locator('main').innerText()).slice(0, 300))
await b.close(); stop.abort(); await served
