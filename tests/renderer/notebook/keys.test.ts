import { expect, it } from 'vitest'
import { commandOf } from '../../../src/renderer/notebook/keys.ts'

const press = (keys: string, isEditing = false, isD = false) => {
  const parts = keys.split('+')
  return commandOf(
    {
      key: parts.at(-1)!,
      ctrlKey: parts.includes('Ctrl'),
      metaKey: false,
      altKey: parts.includes('Alt'),
      shiftKey: parts.includes('Shift'),
    },
    isEditing,
    isD,
  )
}

it.each([
  ['Enter', 'edit'],
  ['Shift+Enter', 'run-next'],
  ['Ctrl+Enter', 'run'],
  ['Alt+Enter', 'run-insert'],
  ['a', 'above'],
  ['b', 'below'],
  ['m', 'markdown'],
  ['y', 'code'],
  ['j', 'down'],
  ['ArrowUp', 'up'],
  ['Alt+ArrowUp', 'move-up'],
  ['z', 'undo'],
  ['Shift+Z', 'redo'],
  ['Ctrl+y', 'redo'],
  ['Ctrl+b', undefined],
  ['Escape', undefined],
  ['toString', undefined],
])('%s is %s', (keys, command) => expect(press(keys).command).toBe(command))

it('letters are text while a cell is edited', () => {
  for (const key of ['a', 'd', 'z', 'Enter', 'ArrowDown', 'Ctrl+z']) expect(press(key, true).command).toBeUndefined()
  expect(press('Escape', true).command).toBe('leave')
  expect(press('Shift+Enter', true).command).toBe('run-next')
})

it('deletes on the second d', () => {
  expect(press('d')).toEqual({ command: undefined, waits: true })
  expect(press('d', false, true).command).toBe('delete')
  expect(press('a', false, true)).toEqual({ command: 'above', waits: false })
})
