// What can be said of the installers without Electron's program: electron-builder takes the configuration, and the files
// that must stand outside the archive are named.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { validateConfiguration } from 'app-builder-lib/out/util/config/config.js'
import { DebugLogger } from 'builder-util'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { root } from '../../scripts/commands.ts'

const config = parse(readFileSync(join(root, 'electron-builder.yml'), 'utf8')) as Record<string, unknown>

it('is a configuration that electron-builder takes', async () => {
  await expect(validateConfiguration(config, new DebugLogger())).resolves.toBeUndefined()
  const misspelt: Record<string, unknown> = { ...config, asarUnpacked: [] }
  await expect(validateConfiguration(misspelt, new DebugLogger())).rejects.toThrow('asarUnpacked')
})

it('rebuilds nothing and unpacks native libraries', () => {
  expect(config['npmRebuild']).toBe(false)
  expect(config['asarUnpack']).toEqual(expect.arrayContaining(['**/*.node', 'node_modules/onnxruntime-node/**']))
  expect(existsSync(join(root, 'resources/desktop/icon.png'))).toBe(true)
})
