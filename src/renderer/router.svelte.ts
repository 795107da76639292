// Addresses of views: `#/train?runs=1,2`. Every view can be linked to, and the back button works.

export const VIEWS = ['library', 'notebook', 'design', 'profile', 'train', 'search', 'compare', 'history'] as const
export type View = (typeof VIEWS)[number]

class Router {
  view = $state<View>('library')
  /** What the address says besides the view; the same names in every view: `runs`, `study`, `trial`, `stack`. */
  query = $state.raw<Readonly<Record<string, string>>>({})

  constructor() {
    addEventListener('hashchange', () => this.#read())
    this.#read()
  }

  /** Goes to a view; an entry of the history unless `replace` is set. */
  go(view: View, query: Readonly<Record<string, string | number | undefined>> = {}, { replace = false } = {}): void {
    const hash = this.href(view, query)
    if (hash === location.hash) return
    if (!replace) location.hash = hash
    else {
      history.replaceState(null, '', hash)
      this.#read()
    }
  }

  /** The address of a view. */
  href(view: View, query: Readonly<Record<string, string | number | undefined>> = {}): string {
    const parts = new URLSearchParams()
    for (const [name, value] of Object.entries(query))
      if (value !== undefined && value !== '') parts.set(name, String(value))
    const text = parts.toString()
    return `#/${view}${text === '' ? '' : `?${text}`}`
  }

  /** Changes a part of the present address without a new entry in the history. */
  set(change: Readonly<Record<string, string | number | undefined>>): void {
    this.go(this.view, { ...this.query, ...change }, { replace: true })
  }

  #read(): void {
    const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
    this.view = VIEWS.find((view) => view === path) ?? 'library'
    this.query = Object.fromEntries(new URLSearchParams(query))
  }
}

export const router = new Router()
