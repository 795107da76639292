import fc from 'fast-check'
import { expect, it } from 'vitest'
import { applyDiff, diffSpecs } from '#core/model/diff.ts'
import { hashSpec, resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { arbitrarySpec } from '../../helpers/arbitraries.ts'

const diff = (before: string, after: string) =>
  diffSpecs(resolveSpec(parseSpecText(before)), resolveSpec(parseSpecText(after)))

const kinds = (before: string, after: string): string =>
  diff(before, after)
    .cells.map((cell) => cell.kind)
    .join(' ')

it('names what happened to each cell', () => {
  expect(kinds('d f', 'd f')).toBe('kept kept')
  expect(kinds('d f m2 f', 'd f a f')).toBe('kept kept removed added kept')
  expect(kinds('d f', 'd f m2')).toBe('kept kept added')
  expect(kinds('d f m2', 'd f')).toBe('kept kept removed')
  expect(kinds('a d m2 f', 'd m2 f a')).toBe('kept kept kept moved')
  expect(kinds('', '')).toBe('')
  expect(diff('a d', 'a{window: 64} d').cells[0]).toEqual({
    kind: 'changed',
    before: 0,
    after: 0,
    params: [{ name: 'window', before: undefined, after: 64 }],
  })
})

it('a width that changes the defaults of blocks changes no cell', () => {
  const { cells, settings } = diff('{dModel: 64} a d f', '{dModel: 128} a d f')
  expect(cells.map((cell) => cell.kind)).toEqual(['kept', 'kept', 'kept'])
  expect(settings).toEqual([{ name: 'dModel', before: 64, after: 128 }])
})

it('applied to the earlier stack gives the later one, and names every cell of both once', () => {
  fc.assert(
    fc.property(arbitrarySpec, arbitrarySpec, (one, other) => {
      const [before, after] = [resolveSpec(one), resolveSpec(other)]
      const { cells, settings } = diffSpecs(before, after)
      const changed = Object.fromEntries(settings.map(({ name, after: value }) => [name, value]))
      const rebuilt = {
        heddle: 1,
        model: { ...before.settings, ...changed },
        blocks: applyDiff(before, { cells, settings }),
      } as const
      expect(hashSpec(rebuilt)).toBe(hashSpec(other))
      const from = cells.flatMap((cell) => ('before' in cell ? [cell.before] : []))
      const to = cells.flatMap((cell) => ('after' in cell ? [cell.after] : []))
      expect(from.toSorted((x, y) => x - y)).toEqual([...before.blocks.keys()])
      expect(to).toEqual([...after.blocks.keys()])
    }),
    { numRuns: 200 },
  )
})

it('keeps as much as a search over all ways to keep cells', () => {
  const letters = fc.array(fc.constantFrom('a', 'd', 'f'), { maxLength: 7 })
  fc.assert(
    fc.property(letters, letters, (one, other) => {
      const kept = diff(one.join(' '), other.join(' ')).cells.filter((cell) => cell.kind === 'kept').length
      let most = 0
      for (let chosen = 0; chosen < 2 ** one.length; chosen++) {
        const part = one.filter((_, i) => (chosen >> i) & 1)
        let at = 0
        for (const letter of other) if (letter === part[at]) at++
        if (at === part.length) most = Math.max(most, part.length)
      }
      expect(kept).toBe(most)
    }),
    { numRuns: 100 },
  )
})
