import { describe, expect, it, vi } from 'vitest'
import { formatShortcut, matchesShortcut, parseShortcut, shortcuts } from '../../../src/renderer/ui/shortcuts.ts'

const press = (
  key: string,
  held: Partial<Record<'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey', boolean>> = {},
  code = '',
) => ({
  key,
  code,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...held,
})
const matches = (text: string, event: ReturnType<typeof press>, mac = false) =>
  matchesShortcut(event, parseShortcut(text), mac)

describe('matchesShortcut', () => {
  it('takes Mod for Control, and for Command on a Mac', () => {
    expect(matches('Mod+K', press('k', { ctrlKey: true }))).toBe(true)
    expect(matches('Mod+K', press('k', { metaKey: true }))).toBe(false)
    expect(matches('Mod+K', press('k', { metaKey: true }), true)).toBe(true)
    expect(matches('Mod+K', press('k', { ctrlKey: true, metaKey: true }), true)).toBe(false)
  })

  it('tells Shift and Alt apart', () => {
    expect(matches('Mod+Z', press('Z', { ctrlKey: true, shiftKey: true }))).toBe(false)
    expect(matches('Mod+Shift+Z', press('Z', { ctrlKey: true, shiftKey: true }))).toBe(true)
    expect(matches('ArrowUp', press('ArrowUp', { altKey: true }))).toBe(false)
    expect(matches('Alt+Up', press('ArrowUp', { altKey: true }))).toBe(true)
  })

  it('frees Shift for signs, and knows digits by their place', () => {
    expect(matches('?', press('?', { shiftKey: true }))).toBe(true)
    expect(matches('Mod+Plus', press('+', { ctrlKey: true, shiftKey: true }))).toBe(true)
    expect(matches('Shift+1', press('!', { shiftKey: true }, 'Digit1'))).toBe(true)
    expect(matches('Space', press(' '))).toBe(true)
  })
})

it('refuses what is no shortcut', () => {
  expect(() => parseShortcut('Mod+')).toThrow('has no key')
  expect(() => parseShortcut('Hyper+K')).toThrow('unknown modifier "hyper"')
})

it('prints for the platform', () => {
  expect(formatShortcut('Mod+Shift+g', false)).toBe('Ctrl+Shift+G')
  expect(formatShortcut('Mod+Shift+G', true)).toBe('⇧⌘G')
  expect(formatShortcut('Alt+Up', false)).toBe('Alt+↑')
})

it('runs the first match once, prevents the key, and leaves handled events alone', () => {
  const [undo, redo] = [vi.fn(), vi.fn()]
  const handle = shortcuts({ 'Mod+Z': undo, 'Mod+Shift+Z': { run: redo, whileTyping: true } })
  const event = (given: ReturnType<typeof press>, defaultPrevented = false) => ({
    ...given,
    target: null,
    isComposing: false,
    defaultPrevented,
    preventDefault: vi.fn(),
  })
  const first = event(press('z', { ctrlKey: true }))
  handle(first as unknown as KeyboardEvent)
  handle(event(press('z', { ctrlKey: true }), true) as unknown as KeyboardEvent)
  handle(event(press('z')) as unknown as KeyboardEvent)
  expect(undo).toHaveBeenCalledTimes(1)
  expect(first.preventDefault).toHaveBeenCalledTimes(1)
  expect(redo).not.toHaveBeenCalled()
})
