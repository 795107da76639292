// Where projects are: the files of one folder, and those that were opened from elsewhere by a file dialog. No other path
// may be opened from a screen.

import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { BUILT_IN_TOKENIZERS } from '#main/runtime/data/tokenizer.ts'
import { projectName } from './project-info.ts'

export interface LibraryEntry {
  readonly path: string
  readonly name: string
  readonly bytes: number
  readonly modifiedAt: number
  /** When it was last opened here; null if it never was. */
  readonly openedAt: number | null
}

export interface Library {
  readonly root: string
  list(): LibraryEntry[]
  /** The real path of a project that may be opened. Throws `file-missing` or `usage`. */
  resolve(path: string): string
  /** The real path of a file or folder in the library, relative paths from there. Throws `file-missing` or `usage`. */
  file(path: string): string
  /** The path for a new project of this name. Throws `usage` for a name that is taken or cannot be one. */
  pathOf(name: string): string
  /** Lets a file outside the folder be opened: the user picked it in a dialog. */
  allow(path: string): void
  opened(path: string): void
}

const RECENT = '.recent.json'
const MOST_RECENT = 50
const EXTENSION = '.heddle'

/** The library of a folder, which is made when it is missing. */
export function openLibrary(root: string): Library {
  mkdirSync(root, { recursive: true })
  const folder = realpathSync(root)
  const allowed = new Set<string>()
  const recent = new Map(readRecent(join(folder, RECENT)))
  for (const path of recent.keys()) if (existsSync(path)) allowed.add(path)

  const entryOf = (path: string): LibraryEntry[] => {
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats === undefined || !stats.isFile()) return []
    return [
      {
        path,
        name: projectName(path),
        bytes: stats.size,
        modifiedAt: Math.round(stats.mtimeMs),
        openedAt: recent.get(path) ?? null,
      },
    ]
  }
  const realOf = (path: string, what: string): { readonly absolute: string; readonly real: string } => {
    const absolute = resolve(folder, path)
    if (!existsSync(absolute))
      throw new HeddleError('file-missing', `no ${what} at ${absolute}`, {
        path: 'path',
        hint: 'it may have been moved',
      })
    return { absolute, real: realpathSync(absolute) }
  }
  const isInside = (real: string): boolean => real.startsWith(folder + sep)

  return {
    root: folder,
    list() {
      const here = readdirSync(folder)
        .filter((name) => name.endsWith(EXTENSION))
        .map((name) => join(folder, name))
      return [...new Set([...here, ...allowed])]
        .flatMap(entryOf)
        .sort((a, b) => (b.openedAt ?? b.modifiedAt) - (a.openedAt ?? a.modifiedAt))
    },
    resolve(path) {
      const { absolute, real } = realOf(path, 'project')
      if (!isInside(real) && !allowed.has(real))
        throw new HeddleError('usage', `${absolute} is not in the library`, {
          path: 'path',
          hint: `copy the project to ${folder}, or start heddle serve --project FILE`,
        })
      return real
    },
    file(path) {
      const { absolute, real } = realOf(path, 'file')
      if (!isInside(real))
        throw new HeddleError('usage', `${absolute} is not in the library`, {
          path: 'path',
          hint: `copy it to ${folder}`,
        })
      return real
    },
    pathOf(name) {
      if (!/^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,99}$/u.test(name) || name.endsWith('.') || name.endsWith(' '))
        throw new HeddleError('usage', `${JSON.stringify(name)} cannot be the name of a project`, {
          path: 'name',
          hint: 'letters, digits, spaces, dots and dashes; at most 100 characters',
        })
      const path = join(folder, name.endsWith(EXTENSION) ? name : `${name}${EXTENSION}`)
      if (existsSync(path))
        throw new HeddleError('usage', `${basename(path)} is there already`, {
          path: 'name',
          hint: 'take another name',
        })
      return path
    },
    allow: (path) => void allowed.add(realpathSync(path)),
    opened(path) {
      recent.set(path, Date.now())
      const rows = [...recent].sort((a, b) => b[1] - a[1]).slice(0, MOST_RECENT)
      try {
        writeFileSync(join(folder, RECENT), JSON.stringify(rows))
      } catch {
        // a list of recent files is a convenience: a folder that is read-only has none
      }
    },
  }
}

/** The folder of a project file, as the root of a library. */
export const libraryOf = (path: string): string => dirname(resolve(path))

function readRecent(path: string): (readonly [string, number])[] {
  try {
    const rows: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (!Array.isArray(rows)) return []
    return rows.flatMap((row: unknown) =>
      Array.isArray(row) && typeof row[0] === 'string' && typeof row[1] === 'number' ? [[row[0], row[1]] as const] : [],
    )
  } catch {
    return []
  }
}

// What a screen, or a project from elsewhere, could otherwise name is every file of this machine.
type Data = TrainConfig['data']

/** A tokenizer by its name, or by a path in the library. */
export const ownTokenizer = (library: Library, name: string): string =>
  (BUILT_IN_TOKENIZERS as readonly string[]).includes(name) ? name : library.file(name)

/**
 * The data with the real paths of its files.
 * @throws HeddleError `usage` for a file outside the library, `file-missing`
 */
export const ownData = (library: Library, data: Data): Data =>
  data.kind !== 'corpus'
    ? data
    : {
        ...data,
        path: data.path === null ? null : library.file(data.path),
        tokenizer: ownTokenizer(library, data.tokenizer),
      }
