// The quickstart with tiny budgets, as a user meets it: stopped by Ctrl-C, taken up again, finished.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { root } from '../scripts/commands.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-quickstart-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs it in the folder; `stopAt` is a text of its progress after which it gets Ctrl-C. */
function quickstart(stopAt?: string): Promise<{ code: number | null; out: string; progress: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'src/main/quickstart.ts'), 'q', '--fast'], { cwd: folder })
    let out = '',
      progress = ''
    child.stdout.on('data', (data: Buffer) => (out += data.toString()))
    child.stderr.on('data', (data: Buffer) => {
      progress += data.toString()
      if (stopAt !== undefined && progress.includes(stopAt)) {
        stopAt = undefined
        child.kill('SIGINT')
      }
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, progress }))
  })
}

const trialsOf = (progress: string): string[] => [...progress.matchAll(/^trial (\d+) {2}/gm)].map((m) => m[1]!)

it(
  'can be stopped and taken up again, and ends with a project, a report and every table',
  { timeout: 120_000 },
  async () => {
    const stopped = await quickstart('trial 1 ')
    expect(stopped.code).toBe(130)
    expect(stopped.progress).toContain('go on with: npm run quickstart -- q --fast')
    expect(existsSync(join(folder, 'q/report.html'))).toBe(true)

    const { code, out, progress } = await quickstart()
    expect(code, progress).toBe(0)
    expect(progress).toMatch(/\[5\/5\]/)
    // six trials each of two searches; those that had ended do not run again
    const again = trialsOf(progress)
    expect(again.length).toBeLessThan(12)
    expect(new Set([...trialsOf(stopped.progress), ...again]).size).toBe(6)
    for (const fact of ['winner', 'against random', 'proxy', 'look-up table']) expect(out).toContain(fact)
    expect(out).toMatch(/Spearman -?[\d.]+ \[-?[\d.]+, -?[\d.]+\]/)

    const report = readFileSync(join(folder, 'q/report.html'), 'utf8')
    for (const heading of [
      'Quality against latency',
      'Hypervolume over trials',
      'Can short runs be trusted',
      'Loss curves',
    ])
      expect(report).toContain(heading)
    expect(report).not.toMatch(/NaN|<script/)
    expect(report.length).toBeLessThan(3e6)
    const tables = readdirSync(join(folder, 'q/csv'))
    expect(tables).toContain('trials.csv')
    expect(readFileSync(join(folder, 'q/csv/trials.csv'), 'utf8').trim().split('\n')).toHaveLength(1 + 4 + 12)
  },
)
