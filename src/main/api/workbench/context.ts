// What every call works with: the open project, the jobs, the lane that keeps measurements alone, and the runners.

import { HeddleError } from '#core/errors.ts'
import { startRunner } from '#main/runtime/link.ts'
import type { Runner } from '#main/runtime/link.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Project } from '#main/store/db.ts'
import { openLane } from '../lane.ts'
import type { Lane } from '../lane.ts'
import type { NumberedEvent, WorkbenchEvent } from './events.ts'
import { openJobs } from './jobs.ts'
import type { Jobs } from './jobs.ts'
import type { Library } from './library.ts'
import { projectInfo } from './project-info.ts'
import type { ProjectInfo } from './project-info.ts'

export interface Context {
  readonly library: Library
  readonly jobs: Jobs
  readonly lane: Lane
  /** Asks the user for a project file; undefined where the carrier has no dialogs. */
  readonly pickFile: (() => Promise<string | undefined>) | undefined
  /** The open project. Throws `usage` when none is. */
  project(): Project
  /** The open project, for writing. Throws `store-readonly`. */
  writable(): Project
  current(): ProjectInfo | null
  /** Opens a project in place of the present one, whose jobs must have ended. */
  open(path: string, options: { readonly create?: boolean; readonly readonly?: boolean }): ProjectInfo
  closeProject(): void
  /** Runs work with a runner process of its own; an idle one is used again. */
  withRunner<T>(work: (runner: Runner) => Promise<T>): Promise<T>
  /** A runner process for whoever closes it again. */
  startRunner(): Runner
  emit(event: WorkbenchEvent): void
  subscribe(listener: (event: NumberedEvent) => void): () => void
  /** Number of the last event. */
  readonly seq: number
  close(): Promise<void>
}

export interface ContextOptions {
  readonly library: Library
  /** Open projects for reading only. */
  readonly readonly?: boolean | undefined
  readonly pickFile?: (() => Promise<string | undefined>) | undefined
  /** Starts a runner process; a test gives another. */
  readonly start?: (() => Runner) | undefined
}

const IDLE_RUNNERS = 2

/** A context without a project. */
export function openContext({ library, readonly = false, pickFile, start = startRunner }: ContextOptions): Context {
  const listeners = new Set<(event: NumberedEvent) => void>()
  const idle: Runner[] = []
  let seq = 0
  let open: Project | undefined

  const emit = (event: WorkbenchEvent): void => {
    const numbered = { ...event, seq: ++seq }
    for (const listener of listeners) listener(numbered)
  }
  const jobs = openJobs((job) => emit({ type: 'job', job }))
  const project = (): Project => {
    if (open === undefined) throw new HeddleError('usage', 'no project is open', { hint: 'open or create one first' })
    return open
  }
  const closeOpen = (): void => {
    if (open === undefined) return
    const busy = jobs.list().find((job) => job.state === 'running')
    if (busy !== undefined)
      throw new HeddleError('store-busy', `${busy.title} is still running`, { hint: 'wait for it, or cancel it first' })
    closeProject(open)
    open = undefined
  }
  return {
    library,
    jobs,
    lane: openLane(),
    pickFile,
    project,
    writable() {
      const it = project()
      if (it.readonly)
        throw new HeddleError('store-readonly', 'this project is open for reading only', {
          hint: 'copy the file to work on it',
        })
      return it
    },
    current: () => (open === undefined ? null : projectInfo(open)),
    open(path, options) {
      // the new one first: if it does not open, the present one stays
      if (open?.path === path) return projectInfo(open)
      const next = openProject(path, { ...options, readonly: readonly || options.readonly === true })
      try {
        closeOpen()
      } catch (error) {
        closeProject(next)
        throw error
      }
      open = next
      library.opened(next.path)
      const info = projectInfo(next)
      emit({ type: 'project', project: info })
      return info
    },
    closeProject() {
      closeOpen()
      emit({ type: 'project', project: null })
    },
    async withRunner(work) {
      const runner = idle.pop() ?? start()
      try {
        return await work(runner)
      } finally {
        if (idle.length < IDLE_RUNNERS) idle.push(runner)
        else await runner.close()
      }
    },
    startRunner: start,
    emit,
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    get seq() {
      return seq
    },
    async close() {
      await jobs.close()
      await Promise.all(idle.splice(0).map((runner) => runner.close()))
      if (open !== undefined) closeProject(open)
      open = undefined
    },
  }
}
