// Counts of tests: how many passed, failed and were skipped, read from vitest's JSON report.

import { readFileSync } from 'node:fs'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The sum of two counts. */
export function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

/** `N passed, N failed`, and `, N skipped` if some were. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

interface Report {
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

/**
 * Counts the tests in vitest's report. A file that failed as a whole counts as one failed test; so do a run without a
 * readable report, a run that executed no test, and one that ended in failure although each test passed.
 * @param ok whether vitest itself ended well
 */
export function readReport(file: string, ok: boolean): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  let report: Report
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as Report
  } catch {
    console.log('vitest left no report')
    return { ...counts, failed: 1 }
  }
  for (const { status, assertionResults } of report.testResults) {
    for (const test of assertionResults) {
      if (test.status === 'passed') counts.passed++
      else if (test.status === 'failed') counts.failed++
      else counts.skipped++
    }
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed')) counts.failed++
  }
  if (counts.passed + counts.failed === 0) {
    console.log('vitest ran no test')
    counts.failed = 1
  } else if (!ok && counts.failed === 0) {
    console.log('vitest failed although each test passed')
    counts.failed = 1
  }
  return counts
}
