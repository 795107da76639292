import { DARK, LIGHT } from '#core/plots/theme.ts'
import type { Theme } from '#core/plots/theme.ts'

const KEY = 'heddle.theme'
type Choice = 'system' | 'light' | 'dark'

/** Light or dark: as the system says, or as the user chose. */
class ThemeState {
  choice = $state<Choice>(readChoice())
  #system = $state<'light' | 'dark'>(matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')
  readonly side: 'light' | 'dark' = $derived(this.choice === 'system' ? this.#system : this.choice)
  /** Colours of plots. */
  readonly plot: Theme = $derived(this.side === 'dark' ? DARK : LIGHT)

  constructor() {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', ({ matches }) => {
      this.#system = matches ? 'dark' : 'light'
    })
  }

  choose(choice: Choice): void {
    this.choice = choice
    localStorage.setItem(KEY, choice)
  }
}

function readChoice(): Choice {
  const stored = localStorage.getItem(KEY)
  return stored === 'light' || stored === 'dark' ? stored : 'system'
}

export const theme = new ThemeState()
