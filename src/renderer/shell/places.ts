// The places of the workbench in the order of the rail.

import type { View } from '../router.svelte.ts'
import type { IconName } from '../ui/icons.ts'

export interface Place {
  readonly view: View
  readonly title: string
  readonly icon: IconName
  /** What one does there, in one line. */
  readonly summary: string
}

export const PLACES: readonly Place[] = [
  { view: 'library', title: 'Library', icon: 'library', summary: 'Open and create projects' },
  { view: 'notebook', title: 'Notebook', icon: 'note', summary: 'Keep a log that runs' },
  { view: 'design', title: 'Design', icon: 'design', summary: 'Compose a stack' },
  { view: 'profile', title: 'Profile', icon: 'gauge', summary: 'Measure latencies' },
  { view: 'train', title: 'Train', icon: 'curve', summary: 'Train and compare runs' },
  { view: 'search', title: 'Search', icon: 'scatter', summary: 'Search under a latency target' },
  { view: 'compare', title: 'Compare', icon: 'compare', summary: 'See whether short runs can be trusted' },
  { view: 'history', title: 'History', icon: 'table', summary: 'Everything that was run and measured' },
]
