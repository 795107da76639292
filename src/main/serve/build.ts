// Builds the screens when they are missing or older than their sources. An installed program has no sources: it serves what
// was built with it.

import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HeddleError } from '#core/errors.ts'

/** The folder of package.json. */
export const programFolder = fileURLToPath(new URL('../../..', import.meta.url))
/** The folder of the built screens. */
export const screensFolder = join(programFolder, 'out/renderer')

const SOURCES = ['src/renderer', 'src/core', 'electron.vite.config.ts', 'package-lock.json']

/** Whether something has to be built: the result is missing or older than a source. */
export function isStale(root: string, built: string, sources: readonly string[] = SOURCES): boolean {
  const result = statSync(built, { throwIfNoEntry: false })
  if (!sources.some((source) => existsSync(join(root, source)))) return false
  return result === undefined || sources.some((source) => newest(join(root, source)) > result.mtimeMs)
}

/** Builds the screens if need be; `note` hears about it first. Throws `file-invalid` with what the build printed. */
export async function buildScreens(note: (line: string) => void): Promise<void> {
  if (!isStale(programFolder, join(screensFolder, 'index.html'))) return
  note('building the screens ...')
  const child = spawn(process.execPath, [join(programFolder, 'bin/run.mjs'), 'scripts/build.ts'], {
    cwd: programFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise((done) => child.on('error', done).on('close', done))
  if (code === 0) return
  throw new HeddleError('file-invalid', 'the screens could not be built', { hint: output.trimEnd().slice(-4000) })
}

function newest(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return 0
  if (!stats.isDirectory()) return stats.mtimeMs
  // a folder's own time tells of files that were taken away
  return readdirSync(path).reduce((time, name) => Math.max(time, newest(join(path, name))), stats.mtimeMs)
}
