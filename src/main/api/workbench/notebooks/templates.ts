// Notebooks to start from: the files of resources/notebooks.

import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseNotebook } from '#core/notebook/document.ts'
import { resourcesFolder } from '#main/runtime/data/resources.ts'

export interface NotebookTemplate {
  readonly id: string
  readonly title: string
  readonly doc: string
  readonly text: string
}

let read: readonly NotebookTemplate[] | undefined

/** The templates in the order of their file names. */
export function notebookTemplates(): readonly NotebookTemplate[] {
  const folder = join(resourcesFolder(), 'notebooks')
  read ??= readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8')
      const { title, doc } = parseNotebook(text)
      return { id: basename(name, '.md').replace(/^\d+-/, ''), title, doc, text }
    })
  return read
}
