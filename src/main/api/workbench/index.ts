// The workbench as its carriers use it: one function that answers calls, and one stream of events.

import { call, dispatch } from './door.ts'
import type { Client } from './door.ts'
import { openContext } from './context.ts'
import type { ContextOptions } from './context.ts'
import type { NumberedEvent } from './events.ts'
import { figures } from '../figures/calls.ts'
import { openLibrary } from './library.ts'
import { notebooks } from './notebooks/index.ts'
import { profile } from './profile.ts'
import { annotations, documents, projects } from './projects.ts'
import { integer } from './readers.ts'
import { search } from './search.ts'
import { devices, stacks } from './stacks.ts'
import { studies, trust } from './studies.ts'
import { training } from './training.ts'

/** Long work: what runs, and what ended since the workbench was opened. */
const jobs = {
  list: call({}, (context) => context.jobs.list()),
  log: call({ id: integer(1) }, (context, { id }) => context.jobs.log(id)),
  cancel: call({ id: integer(1) }, (context, { id }) => context.jobs.cancel(id)),
  /** Ends a job after what is in flight. */
  pause: call({ id: integer(1) }, (context, { id }) => context.jobs.pause(id)),
  dismiss: call({ id: integer(1) }, (context, { id }) => context.jobs.dismiss(id)),
}

const nouns = {
  projects,
  documents,
  notebooks,
  figures,
  annotations,
  devices,
  stacks,
  profile,
  training,
  search,
  studies,
  trust,
  jobs,
}

/** Every call as a screen sees it. */
export type Api = Client<typeof nouns>

export interface WorkbenchOptions extends Omit<ContextOptions, 'library'> {
  /** Folder of the project library. */
  readonly root: string
  /** Project file to open at once; made when it is missing. */
  readonly project?: string | undefined
}

export interface Workbench {
  /** Answers a call. Rejects with a HeddleError for the user, or a plain Error for a fault of the program. */
  call(name: unknown, args: unknown): Promise<unknown>
  subscribe(listener: (event: NumberedEvent) => void): () => void
  /** Number of the last event. */
  readonly seq: number
  /** Cancels all jobs, writes what is pending and closes the project. */
  close(): Promise<void>
}

/** Opens a workbench. Throws what opening its project throws. */
export function openWorkbench({ root, project, ...options }: WorkbenchOptions): Workbench {
  const context = openContext({ ...options, library: openLibrary(root) })
  if (project !== undefined) context.open(project, { create: options.readonly !== true })
  return {
    call: (name, args) => dispatch(nouns, context, name, args),
    subscribe: (listener) => context.subscribe(listener),
    get seq() {
      return context.seq
    },
    close: () => context.close(),
  }
}
