/** Colours of everything but blocks (look: paper and ink; hues belong to block kinds). */
export interface Theme {
  readonly ground: string
  readonly ink: string
  /** Axis text and units. */
  readonly quiet: string
  readonly line: string
  readonly side: 'light' | 'dark'
}

export const LIGHT: Theme = { ground: '#FBFAF7', ink: '#1B1F24', quiet: '#6A6F76', line: '#E3E0D8', side: 'light' }
export const DARK: Theme = { ground: '#0F1318', ink: '#E8E6E1', quiet: '#9AA0A8', line: '#262C34', side: 'dark' }
