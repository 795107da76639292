// The views by the name in their address.

import type { Component } from 'svelte'
import type { View } from '../router.svelte.ts'
import DesignView from './design/DesignView.svelte'
import NotebookView from './notebook/NotebookView.svelte'
import ProfileView from './profile/ProfileView.svelte'
import CompareView from './compare/CompareView.svelte'
import HistoryView from './history/HistoryView.svelte'
import LibraryView from './library/LibraryView.svelte'
import SearchView from './search/SearchView.svelte'
import TrainView from './train/TrainView.svelte'

export const views: Readonly<Record<View, Component>> = {
  library: LibraryView,
  notebook: NotebookView,
  design: DesignView,
  profile: ProfileView,
  train: TrainView,
  search: SearchView,
  compare: CompareView,
  history: HistoryView,
}
