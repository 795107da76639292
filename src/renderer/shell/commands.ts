// Commands that are there in every view; a view adds its own while it is shown.

import { router } from '../router.svelte.ts'
import { jobs } from '../state/jobs.svelte.ts'
import { notices } from '../state/notices.svelte.ts'
import { project } from '../state/project.svelte.ts'
import { theme } from '../state/theme.svelte.ts'
import { viewCommands } from '../state/commands.svelte.ts'
import type { PaletteCommand } from '../state/commands.svelte.ts'
import { PLACES } from './places.ts'

/** All commands of the moment, those of the view first. */
export function shellCommands(): PaletteCommand[] {
  const places = PLACES.filter(({ view }) => view === 'library' || project.info !== null)
  return [
    ...viewCommands.list,
    ...places.map(({ view, title, summary }) => ({
      id: `go-${view}`,
      title: `Go to ${title}: ${summary.toLowerCase()}`,
      group: 'Go',
      run: () => router.go(view),
    })),
    ...jobs.running.map((job) => ({
      id: `cancel-${job.id}`,
      title: `Cancel ${job.title}`,
      group: 'Jobs',
      run: () => void notices.attempt(() => jobs.cancel(job.id)),
    })),
    ...(['light', 'dark', 'system'] as const).map((choice) => ({
      id: `theme-${choice}`,
      title: choice === 'system' ? 'Theme: as the system' : `Theme: ${choice}`,
      group: 'Look',
      run: () => theme.choose(choice),
    })),
  ]
}
