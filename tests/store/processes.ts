// Child processes for the tests of locks and kills.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A running child and the lines that it printed. */
export interface Child {
  readonly pid: number
  readonly lines: string[]
  /** Waits until it printed so many lines. */
  until(count: number): Promise<void>
  /** Ends it with SIGKILL and waits for its end. */
  kill(): Promise<void>
}

/** Starts `child.ts`; it is killed at the end of the test at the latest. */
export function startChild(mode: 'hold' | 'trials' | 'points', path: string): Child {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'child.ts'), mode, path], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  let rest = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    lines.push(...parts)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  const ended = once(child, 'close')
  onTestFinished(() => void child.kill('SIGKILL'))
  return {
    pid: child.pid!,
    lines,
    until: async (count) => {
      while (lines.length < count) {
        if (child.exitCode !== null) throw new Error(`the child ended by itself: ${complaints}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
