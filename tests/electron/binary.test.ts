import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { electronBinary, fetchElectron } from '../../scripts/electron-binary.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-electron-binary-'))
afterEach(() => {
  delete process.env['ELECTRON_MIRROR']
  rmSync(folder, { recursive: true, force: true })
})

it('finds the program that the installer left', () => {
  expect(electronBinary(folder, {})).toBeUndefined()
  mkdirSync(join(folder, 'dist'), { recursive: true })
  writeFileSync(join(folder, 'path.txt'), 'electron')
  expect(electronBinary(folder, {})).toBeUndefined()
  writeFileSync(join(folder, 'dist/electron'), '')
  expect(electronBinary(folder, {})).toBe(join(folder, 'dist/electron'))
  expect(electronBinary(folder, { ELECTRON_OVERRIDE_DIST_PATH: join(folder, 'other') })).toBeUndefined()
})

it('says within seconds that there is no way to it', async () => {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  process.env['ELECTRON_MIRROR'] = `http://127.0.0.1:${port}/`
  const lines: string[] = []
  expect(await fetchElectron((line) => lines.push(line))).toBe(`127.0.0.1:${port} cannot be reached`)
  expect(lines).toEqual([])
})
