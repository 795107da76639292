// What can be done to a stack, by name and key: the canvas, its toolbar, its menu and the command palette read this list.

import { isGroup } from '#core/model/spec.ts'
import type { SpecState } from '../state/spec.svelte.ts'
import type { IconName } from '../ui/icons.ts'
import * as edit from './tree/edit.ts'
import type { Edited } from './tree/edit.ts'
import { itemAt } from './tree/path.ts'

export interface StackCommand {
  readonly id: string
  readonly title: string
  readonly shortcut: string
  /** What other programs use for the same. */
  readonly also?: string
  readonly icon: IconName
  /** Without it the command is always there. */
  readonly needs?: 'selection' | 'group' | 'undo' | 'redo'
  readonly run: (spec: SpecState) => void
}

const editing =
  (label: string, change: (...args: Parameters<typeof edit.remove>) => Edited) =>
  (spec: SpecState): void =>
    spec.edit(label, change)

export const stackCommands: readonly StackCommand[] = [
  { id: 'undo', title: 'Undo', shortcut: 'Mod+Z', icon: 'undo', needs: 'undo', run: (spec) => spec.undo() },
  {
    id: 'redo',
    title: 'Redo',
    shortcut: 'Mod+Shift+Z',
    also: 'Mod+Y',
    icon: 'redo',
    needs: 'redo',
    run: (spec) => spec.redo(),
  },
  {
    id: 'duplicate',
    title: 'Duplicate',
    shortcut: 'Mod+D',
    icon: 'duplicate',
    needs: 'selection',
    run: editing('duplicate', edit.duplicate),
  },
  {
    id: 'group',
    title: 'Group and repeat',
    shortcut: 'Mod+G',
    icon: 'group',
    needs: 'selection',
    run: editing('group', (items, selection) => edit.group(items, selection)),
  },
  {
    id: 'stage',
    title: 'Make a stage',
    shortcut: 'Mod+Alt+G',
    icon: 'tag',
    needs: 'selection',
    run: editing('make a stage', (items, selection) => edit.group(items, selection, edit.freeLabel(items))),
  },
  {
    id: 'ungroup',
    title: 'Ungroup: unroll the repeats',
    shortcut: 'Mod+Shift+G',
    icon: 'ungroup',
    needs: 'group',
    run: editing('ungroup', edit.ungroup),
  },
  {
    id: 'disable',
    title: 'Disable or enable',
    shortcut: '0',
    icon: 'eye-off',
    needs: 'selection',
    run: editing('disable', edit.toggleDisabled),
  },
  {
    id: 'delete',
    title: 'Delete',
    shortcut: 'Delete',
    icon: 'trash',
    needs: 'selection',
    run: editing('delete', edit.remove),
  },
  {
    id: 'up',
    title: 'Move up',
    shortcut: 'Alt+ArrowUp',
    icon: 'arrow-up',
    needs: 'selection',
    run: editing('move up', (items, selection) => edit.moveStep(items, selection, -1)),
  },
  {
    id: 'down',
    title: 'Move down',
    shortcut: 'Alt+ArrowDown',
    icon: 'arrow-down',
    needs: 'selection',
    run: editing('move down', (items, selection) => edit.moveStep(items, selection, 1)),
  },
  {
    id: 'all',
    title: 'Select everything',
    shortcut: 'Mod+A',
    icon: 'stack',
    run: (spec) => spec.select(spec.draft.blocks.map((_, i) => [i])),
  },
  {
    id: 'fold',
    title: 'Collapse or open every group',
    shortcut: 'Mod+Shift+E',
    icon: 'chevron-right',
    run(spec) {
      const groups = spec.groups()
      spec.collapse(groups, spec.collapsed.size === 0)
    },
  },
]

/** Whether a command would do something now. */
export function isAvailable({ needs }: StackCommand, spec: SpecState): boolean {
  switch (needs) {
    case 'undo':
      return spec.undoLabel !== undefined
    case 'redo':
      return spec.redoLabel !== undefined
    case 'selection':
      return spec.selection.length > 0
    case 'group':
      return spec.selection.some((path) => {
        const item = itemAt(spec.draft.blocks, path)
        return item !== undefined && isGroup(item)
      })
    default:
      return true
  }
}
