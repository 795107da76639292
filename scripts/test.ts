// `npm test`: types, lint, format and every vitest file; `npm test -- WORD...` narrows to the test files whose path holds
// one of the words (any vitest option may stand there too) and skips the other steps. The last line is the count.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './commands.ts'
import { add, closingLine, readReport, type Counts } from './counts.ts'
import { ensureChromium } from '../tests/helpers/chromium.ts'

/** What runs before the tests; each counts as one. */
const STEPS = [
  { name: 'types', command: ['scripts/types.ts'], fix: 'npm run types shows these errors again' },
  { name: 'lint', command: ['--bin', 'eslint', '.'], fix: 'npm run lint -- --fix mends some of these' },
  { name: 'format', command: ['--bin', 'prettier', '--check', '.'], fix: 'npm run format mends this' },
] as const

async function runStep({ name, command, fix }: (typeof STEPS)[number]): Promise<Counts> {
  console.log(`\n== ${name}`)
  const { ok } = await run(command, 'inherit')
  console.log(ok ? `${name} passed` : `${name} FAILED: ${fix}`)
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 }
}

/** End-to-end tests need a browser: it is found or installed before they start. Without one they fail and say why. */
function findBrowser(): void {
  try {
    process.env['HEDDLE_CHROMIUM'] = ensureChromium(console.log)
  } catch (error) {
    console.log((error as Error).message)
  }
}

async function runVitest(args: readonly string[]): Promise<Counts> {
  console.log('\n== vitest')
  const folder = mkdtempSync(join(tmpdir(), 'heddle-test-'))
  try {
    const report = join(folder, 'report.json')
    const options = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const { ok } = await run(['--bin', 'vitest', 'run', ...options, ...args], 'inherit')
    return readReport(report, ok)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const words = process.argv.slice(2)
let counts: Counts = { passed: 0, failed: 0, skipped: 0 }
if (words.length === 0) for (const step of STEPS) counts = add(counts, await runStep(step))
if (words.length === 0 || words.some((word) => word.includes('e2e'))) findBrowser()
counts = add(counts, await runVitest(words))
console.log(`\n${closingLine(counts)}`)
process.exitCode = counts.failed > 0 ? 1 : 0
