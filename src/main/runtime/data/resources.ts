import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

let found: string | undefined

/** The program's folder `resources`, found from the folders above this file, which may be a source or a bundle. */
export function resourcesFolder(): string {
  for (let folder = import.meta.dirname; found === undefined; folder = dirname(folder)) {
    const candidate = join(folder, 'resources')
    if (existsSync(join(candidate, 'tokenizer'))) found = candidate
    else if (dirname(folder) === folder) throw new Error(`no folder "resources" above ${import.meta.dirname}`)
  }
  return found
}
