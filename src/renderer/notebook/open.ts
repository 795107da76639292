// Everything that an open notebook needs, read when the first one is opened.

export { default as NotebookPage } from '../views/notebook/NotebookPage.svelte'
export { NotebookRunner } from './runner.svelte.ts'
export { NotebookState } from './state.svelte.ts'
