// `npm run golden -- --dir FOLDER [--target reference,ort-cpu] [--case WORD]`: compares Heddle with golden vectors. Prints
// for each case, target and form the largest error over its tolerance; the last line is the count.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { HeddleError } from '#core/errors.ts'
import { targetOf } from '#main/runtime/targets/index.ts'
import { passes, worst } from '../tests/golden/report.ts'
import { goldenCases } from '../tests/golden/run.ts'
import type { CaseResult } from '../tests/golden/run.ts'
import { root } from './commands.ts'

const USAGE = 'usage: npm run golden -- [--dir FOLDER] [--target reference,ort-cpu] [--case WORD]'

function options(): { dir: string; targets: string[]; word: string } {
  try {
    const { values } = parseArgs({
      options: { dir: { type: 'string' }, target: { type: 'string' }, case: { type: 'string' } },
    })
    return {
      dir: values.dir ?? join(root, 'tests/golden/vectors'),
      targets: (values.target ?? 'reference,ort-cpu').split(',').filter((word) => word !== ''),
      word: values.case ?? '',
    }
  } catch (error) {
    throw new HeddleError('usage', (error as Error).message, { hint: USAGE })
  }
}

function printResult({ name, passed, checks, error }: CaseResult): void {
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name}`)
  for (const check of worst(checks)) {
    const ratio = check.ratio === 0 ? '0' : check.ratio.toPrecision(3)
    console.log(`         ${check.target.padEnd(10)} ${check.form.padEnd(32)} ${ratio.padStart(9)}  ${check.tensor}`)
  }
  const failures = checks.filter((check) => !passes(check))
  if (failures.length > 1) console.log(`         ${failures.length} of ${checks.length} comparisons failed`)
  if (error !== undefined) console.log(`         ${error}`)
}

async function main(): Promise<void> {
  const { dir, targets: kinds, word } = options()
  const targets = kinds.map(targetOf)
  const cases = goldenCases(dir).filter(({ name }) => name.includes(word))
  if (cases.length === 0) throw new HeddleError('usage', `no case of ${dir} has "${word}" in its name`, { hint: USAGE })
  console.log('largest error over its tolerance, by target and form; above 1 fails')
  let failed = 0
  let compared = 0
  for (const { run } of cases) {
    const result = await run(targets)
    printResult(result)
    failed += Number(!result.passed)
    compared += result.checks.length
  }
  console.log(`\n${compared} comparisons in ${cases.length} cases`)
  console.log(`${cases.length - failed} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
}

try {
  await main()
} catch (error) {
  if (!(error instanceof HeddleError)) throw error
  console.error(
    [`${error.path === undefined ? '' : `${error.path}: `}${error.message}`, error.hint].filter(Boolean).join('\n'),
  )
  process.exitCode = 1
}
