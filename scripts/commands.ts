// Runs the commands behind the npm scripts.

import { spawn, type ChildProcess } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of package.json. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const children = new Set<ChildProcess>()

for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    for (const child of children) child.kill(signal)
    process.kill(process.pid, signal)
  })
}

/** How a command ended; `output` is what it printed, both streams in order of arrival (empty where it was inherited). */
export interface Outcome {
  readonly ok: boolean
  readonly output: string
}

/**
 * Runs `node bin/run.mjs ARGS` in the repository's root.
 * @param streams 'inherit' shows the output as it comes, 'collect' keeps it for the caller
 */
export function run(args: readonly string[], streams: 'inherit' | 'collect'): Promise<Outcome> {
  return new Promise((done) => {
    const child = spawn(process.execPath, ['bin/run.mjs', ...args], {
      cwd: root,
      stdio: streams === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
    }
    const finish = (ok: boolean): void => {
      children.delete(child)
      done({ ok, output })
    }
    child.on('error', (error) => {
      output += `${error.message}\n`
      finish(false)
    })
    child.on('close', (code) => finish(code === 0))
  })
}
