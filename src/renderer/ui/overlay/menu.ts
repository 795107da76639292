import type { IconName } from '../icons.ts'

/** One action of a menu. */
export interface MenuItem {
  readonly label: string
  readonly icon?: IconName | undefined
  /** As in shortcuts.ts; shown only. */
  readonly shortcut?: string | undefined
  readonly title?: string | undefined
  readonly onselect: () => void
  readonly disabled?: boolean | undefined
  readonly danger?: boolean | undefined
  readonly checked?: boolean | undefined
}

export type MenuEntry = MenuItem | 'separator'
