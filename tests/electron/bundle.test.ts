// The built desktop program, run by Node with a stand-in for Electron: its files find each other, the resources and the runner.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { runDesktop } from '#main/electron.ts'
import { run, root } from '../../scripts/commands.ts'
import { standIn, Window } from './stand-in.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-bundle-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeAll(async () => {
  const { ok, output } = await run(['scripts/build.ts', 'desktop'], 'collect')
  expect(ok, output).toBe(true)
})

it('has a preload script that a sandboxed window can read', () => {
  const text = readFileSync(join(root, 'out/preload/index.cjs'), 'utf8')
  expect(text).toContain('require("electron")')
  expect(text).not.toMatch(/^(import|export) /m)
})

it('trains in a runner of its own', { timeout: 60_000 }, async () => {
  const built = (await import(pathToFileURL(join(root, 'out/main/electron.js')).href)) as {
    readonly runDesktop: typeof runDesktop
  }
  const { electron, app, ipcMain, asked } = standIn({ documents: folder })
  await built.runDesktop(electron, { pages: new Map(), preload: '', args: [join(folder, 'built.heddle')] })
  const { webContents } = Window.all[0]!
  const send = (channel: string, text?: string): void => {
    ipcMain.emit(channel, { sender: webContents, senderFrame: webContents.mainFrame }, text)
  }
  send('heddle.open')
  const config = {
    spec: { heddle: 1, model: { dModel: 32, vocabSize: 257 }, blocks: [{ kind: 'ffn' }] },
    data: { kind: 'corpus', path: null, tokenizer: 'bytes' },
    run: { steps: 2, batchSize: 2, seqLen: 16, validationEvery: 2, validationTokens: 64 },
    threads: 1,
  }
  send('heddle.send', JSON.stringify({ id: 1, call: 'training.start', args: { config } }))
  await vi.waitFor(() => expect(webContents.sent.some((line) => /"state":"done"/.test(line))).toBe(true), {
    timeout: 50_000,
  })
  app.emit('window-all-closed')
  await vi.waitFor(() => expect(asked.exit).toHaveBeenCalledWith(0))
})
