// What stands at the right of the Profile view, by its address: a measurement, an entry of the table, or a form.

import type { Api } from '#main/api/workbench/index.ts'
import { router } from '../../router.svelte.ts'
import { jobs } from '../../state/jobs.svelte.ts'

export type MeasurementInfo = Awaited<ReturnType<Api['profile']['measurements']>>[number]
export type TableEntry = Awaited<ReturnType<Api['profile']['table']>>[number]
export type Forms = Awaited<ReturnType<Api['profile']['forms']>>
export type FormName = 'measure' | 'contexts' | 'sweep' | 'table'

const NOTHING = { measurement: undefined, entry: undefined, form: undefined }

export const shown = {
  measurement: (id: number): void => router.set({ ...NOTHING, measurement: id }),
  entry: (id: number): void => router.set({ ...NOTHING, entry: id }),
  /** A second call closes it. */
  form: (name: FormName): void => router.set({ ...NOTHING, form: router.query['form'] === name ? undefined : name }),
  none: (): void => router.set(NOTHING),
}

const MEASURING = ['profile', 'table', 'sweep']

/** Jobs of this view that run now. */
export const measuring = () => jobs.running.filter((job) => MEASURING.includes(job.kind))
