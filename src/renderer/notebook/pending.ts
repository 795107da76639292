// Work that outlives the page: what a run of a cell has begun, so that a page that is loaded again finds its jobs.

const KEY = 'heddle.notebook.pending'
const MOST = 200

interface Pending {
  readonly hash: string
  readonly begun: Readonly<Record<string, unknown>>
}

type Store = Readonly<Record<string, Pending>>

/** Where a cell is: project, notebook, id. */
export const placeOf = (project: string, notebook: string, cell: string): string =>
  JSON.stringify([project, notebook, cell])

/** What was begun at a place for this hash; undefined where nothing was. */
export function pendingAt(place: string, hash: string): Pending['begun'] | undefined {
  const store = read()
  const found = Object.hasOwn(store, place) ? store[place] : undefined
  return found?.hash === hash ? found.begun : undefined
}

/** Adds to what was begun at a place. */
export function begin(place: string, hash: string, key: string, value: unknown): void {
  const begun = { ...pendingAt(place, hash), [key]: value }
  write({ ...without(place), [place]: { hash, begun } })
}

/** Forgets a place: its run has ended. */
export const forget = (place: string): void => write(without(place))

const without = (place: string): Store => Object.fromEntries(Object.entries(read()).filter(([one]) => one !== place))

function read(): Store {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    return typeof value === 'object' && value !== null ? (value as Store) : {}
  } catch {
    return {}
  }
}

function write(store: Store): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(Object.entries(store).slice(-MOST))))
  } catch {
    // without storage, a run that the page leaves must be started again
  }
}
