// The views by the name in their address. Each is read when it is first shown; the rest follow while the page is idle.

import type { Component } from 'svelte'
import { SvelteMap } from 'svelte/reactivity'
import type { View } from '../router.svelte.ts'

const SOURCES: Readonly<Record<View, () => Promise<{ readonly default: Component }>>> = {
  library: () => import('./library/LibraryView.svelte'),
  notebook: () => import('./notebook/NotebookView.svelte'),
  design: () => import('./design/DesignView.svelte'),
  profile: () => import('./profile/ProfileView.svelte'),
  train: () => import('./train/TrainView.svelte'),
  search: () => import('./search/SearchView.svelte'),
  compare: () => import('./compare/CompareView.svelte'),
  history: () => import('./history/HistoryView.svelte'),
}

const read = new SvelteMap<View, Component>()

/** The component of a view once it was read. */
export const viewOf = (view: View): Component | undefined => read.get(view)

/** Reads a view; rejects where its file is gone, as after an update of the program under an open page. */
export async function readView(view: View): Promise<void> {
  if (!read.has(view)) read.set(view, (await SOURCES[view]()).default)
}

/** Reads all views, one after another; one that cannot be read fails when it is shown. */
export async function readAllViews(): Promise<void> {
  for (const view of Object.keys(SOURCES) as View[]) await readView(view).catch(() => undefined)
}
