import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fuzzyFilter, fuzzyMatch } from '../../../src/renderer/ui/fuzzy.ts'
import { splitAt } from '../../../src/renderer/ui/overlay/highlight.ts'

const best = (query: string, texts: readonly string[]) =>
  fuzzyFilter(query, texts, (text) => text).map(({ item }) => item)

it('prefers starts of words and letters in a row', () => {
  expect(best('st', ['Last run', 'Start study', 'Best of all'])[0]).toBe('Start study')
  expect(best('ot', ['Photo', 'Open training'])[0]).toBe('Open training')
  expect(fuzzyMatch('train', 'Start training')?.places).toEqual([6, 7, 8, 9, 10])
  expect(best('undo', ['Unload old', 'Undo'])[0]).toBe('Undo')
  expect(best('go to compare', ['Go to Train: train and compare runs', 'Go to Compare: see them all'])[0]).toContain(
    'Go to Compare',
  )
})

it('leaves out what lacks a letter and keeps all for an empty query', () => {
  expect(best('xyz', ['Start', 'Stop'])).toEqual([])
  expect(best(' ', ['b', 'a'])).toEqual(['b', 'a'])
})

it('matches exactly the texts that hold the letters in order, at places that spell the query', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'C', ' ', '-'), maxLength: 12 })
  fc.assert(
    fc.property(word, word, (query, text) => {
      const letters = [...query.toLowerCase()].filter((letter) => letter !== ' ')
      const isThere = new RegExp(letters.join('.*')).test(text.toLowerCase())
      const match = fuzzyMatch(query, text)
      expect(match !== undefined).toBe(isThere)
      if (match === undefined) return
      expect(match.places.map((at) => text[at]!.toLowerCase())).toEqual(letters)
      expect(match.places.every((at, i) => i === 0 || at > match.places[i - 1]!)).toBe(true)
      expect(
        splitAt(text, match.places)
          .map((part) => part.text)
          .join(''),
      ).toBe(text)
    }),
  )
})
