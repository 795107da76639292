// The views by the name in their address.

import type { Component } from 'svelte'
import type { View } from '../router.svelte.ts'
import DesignView from './design/DesignView.svelte'
import LibraryView from './library/LibraryView.svelte'
import SearchView from './search/SearchView.svelte'
import TrainView from './train/TrainView.svelte'
import Missing from './Missing.svelte'

export const views: Readonly<Record<View, Component>> = {
  library: LibraryView,
  design: DesignView,
  profile: Missing,
  train: TrainView,
  search: SearchView,
  compare: Missing,
  history: Missing,
}
