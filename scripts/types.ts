// Checks the types of every box: each folder with a tsconfig.json of its own, two at a time.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './commands.ts'

const folders = ['scripts', 'tests', 'tests/e2e', ...readdirSync(join(root, 'src')).map((name) => `src/${name}`)]
const boxes = folders.filter((folder) => existsSync(join(root, folder, 'tsconfig.json'))).sort()

const queue = [...boxes]
const failed: string[] = []

/** Components need a checker that reads them. */
const checkerOf = (box: string): readonly string[] =>
  box === 'src/renderer'
    ? ['--bin', 'svelte-check', '--tsconfig', `${box}/tsconfig.json`, '--threshold', 'warning', '--output', 'machine']
    : ['--bin', 'typescript:tsc', '-p', box, '--pretty', 'false']

async function work(): Promise<void> {
  for (let box = queue.shift(); box !== undefined; box = queue.shift()) {
    const start = performance.now()
    const { ok, output } = await run(checkerOf(box), 'collect')
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${box} (${((performance.now() - start) / 1000).toFixed(1)} s)`)
    if (ok) continue
    failed.push(box)
    console.log(output.trimEnd())
  }
}

await Promise.all([work(), work()])
if (boxes.length === 0) console.log('no tsconfig.json was found')
process.exitCode = failed.length > 0 || boxes.length === 0 ? 1 : 0
