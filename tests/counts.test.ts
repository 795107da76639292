import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { closingLine, readReport, type Counts } from '../scripts/counts.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-counts-'))
})
beforeEach(() => {
  vi.spyOn(console, 'log').mockReturnValue()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function count(content: string, ok: boolean): Counts {
  const file = join(folder, 'report.json')
  writeFileSync(file, content)
  return readReport(file, ok)
}

function report(...files: readonly (readonly [status: string, ...tests: string[]])[]): string {
  const testResults = files.map(([status, ...tests]) => ({
    status,
    assertionResults: tests.map((result) => ({ status: result })),
  }))
  return JSON.stringify({ testResults })
}

it('counts passed, failed and skipped tests', () => {
  const text = report(['passed', 'passed', 'passed', 'pending', 'todo', 'skipped'], ['failed', 'failed', 'passed'])
  expect(count(text, false)).toEqual({ passed: 3, failed: 1, skipped: 3 })
})

it('counts a file that failed as a whole as one failure', () => {
  expect(count(report(['passed', 'passed'], ['failed']), false)).toEqual({ passed: 1, failed: 1, skipped: 0 })
  expect(count(report(['failed', 'passed']), false)).toEqual({ passed: 1, failed: 1, skipped: 0 })
})

it.each([
  ['no test at all', report(), true],
  ['only skipped tests', report(['passed', 'pending']), true],
  ['an error outside the tests', report(['passed', 'passed']), false],
  ['a report that is not JSON', '{', true],
])('fails for %s', (_name, text, ok) => {
  expect(count(text, ok).failed).toBe(1)
})

it('fails without a report', () => {
  expect(readReport(join(folder, 'none.json'), true)).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

it('prints one line', () => {
  expect(closingLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed')
  expect(closingLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped')
})
