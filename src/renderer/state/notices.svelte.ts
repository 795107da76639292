// What the shell tells besides the views: problems stay until they are dismissed.

import type { ErrorRecord } from '#core/errors.ts'
import { problemOf } from './errors.ts'

export interface Notice {
  readonly id: number
  readonly text: string
  readonly error: ErrorRecord | null
}

const NOTICE_MS = 6000

class Notices {
  list = $state.raw<readonly Notice[]>([])
  #next = 1

  /** Says something that goes away by itself. */
  say(text: string): void {
    const id = this.#add(text, null)
    setTimeout(() => this.dismiss(id), NOTICE_MS)
  }

  /** Shows a problem until it is dismissed. */
  fail(error: unknown): void {
    const problem = problemOf(error)
    if (this.list.some((n) => n.error?.message === problem.message)) return
    this.#add(problem.message, problem)
  }

  /** Runs an action of the user and shows what goes wrong; undefined then. */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      this.fail(error)
      return undefined
    }
  }

  dismiss(id: number): void {
    this.list = this.list.filter((n) => n.id !== id)
  }

  #add(text: string, error: ErrorRecord | null): number {
    const id = this.#next++
    this.list = [...this.list, { id, text, error }]
    return id
  }
}

export const notices = new Notices()
