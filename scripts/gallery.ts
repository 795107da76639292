// `npm run gallery -- --project FILE [--out FOLDER]`: pictures of every view of a project, light and dark, in two sizes.

import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { serveUntil } from '#main/serve/host.ts'
import { ensureChromium } from '../tests/helpers/chromium.ts'

const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 700 },
]
/** Fonts, data and first drawing. */
const SETTLE_MS = 1500

const { values } = parseArgs({ options: { project: { type: 'string' }, out: { type: 'string', default: 'gallery' } } })
if (values.project === undefined) throw new Error('name a project: npm run gallery -- --project FILE')
const out = resolve(values.out)
mkdirSync(out, { recursive: true })

const stop = new AbortController()
const address = Promise.withResolvers<string>()
const served = serveUntil(stop.signal, {
  project: resolve(values.project),
  port: 0,
  readonly: true,
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
      await page.goto(url)
      const rail = page.getByRole('navigation', { name: 'Places' }).getByRole('link')
      await rail.nth(1).waitFor()
      for (const place of await rail.all()) {
        await place.click()
        await page.waitForTimeout(SETTLE_MS)
        const name = `${(await place.innerText()).trim().toLowerCase()}-${colorScheme}-${viewport.width}.png`
        await page.screenshot({ path: join(out, name) })
        console.log(join(out, name))
      }
      await page.context().close()
    }
} finally {
  await browser.close()
  stop.abort()
  await served
}
