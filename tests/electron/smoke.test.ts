// The real thing, wherever Electron's program is and a window can be shown.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { _electron } from 'playwright-core'
import { expect, it } from 'vitest'
import { hasDesktop } from '#main/serve/open-browser.ts'
import { run, root } from '../../scripts/commands.ts'
import { electronBinary } from '../../scripts/electron-binary.ts'

const executablePath = electronBinary()
const reason =
  executablePath === undefined
    ? 'Electron is not installed'
    : hasDesktop()
      ? process.getuid?.() === 0
        ? 'root has no sandbox'
        : undefined
      : 'there is no desktop'

it.skipIf(reason !== undefined)(`shows its window${reason === undefined ? '' : ` (skipped: ${reason})`}`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-electron-'))
  const { ok, output } = await run(['scripts/build.ts'], 'collect')
  expect(ok, output).toBe(true)
  const app = await _electron.launch({ executablePath: executablePath!, args: [root, join(folder, 'smoke.heddle')] })
  try {
    const page = await app.firstWindow()
    expect(page.url()).toContain('app://heddle/index.html')
    await page.getByRole('navigation').first().waitFor()
    expect(await page.evaluate('[typeof require, typeof process, typeof window.heddle]')).toEqual([
      'undefined',
      'undefined',
      'object',
    ])
  } finally {
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
