// Runs a search with a made-up evaluation in a process of its own, to be killed: node search-child.ts PROJECT STUDY DELAY_MS

import { openSearch, runSearch } from '#main/api/search.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { landscape } from './landscape.ts'

const [path, study, delayMs] = process.argv.slice(2) as [string, string, string]
const project = openProject(path)
await runSearch(project, openSearch(project, Number(study)), async (spec) => {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * Number(delayMs)))
  return landscape(spec)
})
closeProject(project)
