// Builds the screens, or the desktop program, when they are missing or older than their sources. An installed program has no
// sources: it runs what was built with it.

import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HeddleError } from '#core/errors.ts'

/** The folder of package.json. */
export const programFolder = fileURLToPath(new URL('../../..', import.meta.url))
/** The folder of the built screens. */
export const screensFolder = join(programFolder, 'out/renderer')

const COMMON = ['src/core', 'electron.vite.config.ts', 'package-lock.json']
/** What can be built: the file that tells its age, and its sources. */
const PARTS = {
  screens: { built: 'out/renderer/index.html', sources: ['src/renderer', ...COMMON] },
  desktop: { built: 'out/preload/index.cjs', sources: ['src/main', 'src/preload', ...COMMON] },
} as const

/** Whether something has to be built: the result is missing or older than a source. */
function isStale(root: string, built: string, sources: readonly string[]): boolean {
  const result = statSync(built, { throwIfNoEntry: false })
  if (!sources.some((source) => existsSync(join(root, source)))) return false
  return result === undefined || sources.some((source) => newest(join(root, source)) > result.mtimeMs)
}

/** Builds a part if need be; `note` hears about it first. Throws `file-invalid` with what the build printed. */
export async function buildPart(part: keyof typeof PARTS, note: (line: string) => void): Promise<void> {
  const { built, sources } = PARTS[part]
  if (!isStale(programFolder, join(programFolder, built), sources)) return
  note(`building the ${part} ...`)
  const child = spawn(process.execPath, [join(programFolder, 'bin/run.mjs'), 'scripts/build.ts', part], {
    cwd: programFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise((done) => child.on('error', done).on('close', done))
  if (code === 0) return
  throw new HeddleError('file-invalid', `the ${part} could not be built`, { hint: output.trimEnd().slice(-4000) })
}

function newest(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return 0
  if (!stats.isDirectory()) return stats.mtimeMs
  // a folder's own time tells of files that were taken away
  return readdirSync(path).reduce((time, name) => Math.max(time, newest(join(path, name))), stats.mtimeMs)
}
