// What the workbench tells its screens. Events carry whole rows; a gap in their numbers means: list again.

import type { Trial } from '#core/search/index.ts'
import type { MetricPoint } from '#main/runtime/train/train.ts'
import type { RunRow } from '#main/store/runs.ts'
import type { JobRow } from './jobs.ts'
import type { ProjectInfo } from './project-info.ts'

export type { MetricPoint, RunRow }

/** Tables whose rows a screen lists again when one was added. */
export type Listed =
  'measurements' | 'lut' | 'studies' | 'documents' | 'notebooks' | 'annotations' | 'correlations' | 'fits'

export type WorkbenchEvent =
  | { readonly type: 'job'; readonly job: JobRow }
  | { readonly type: 'run'; readonly run: RunRow }
  | { readonly type: 'points'; readonly run: number; readonly points: readonly MetricPoint[] }
  /** A trial that began or ended; `problem` says why it failed. */
  | { readonly type: 'trial'; readonly study: number; readonly trial: Trial; readonly problem: string | null }
  | { readonly type: 'changed'; readonly table: Listed }
  | { readonly type: 'project'; readonly project: ProjectInfo | null }

export type NumberedEvent = WorkbenchEvent & { readonly seq: number }
