import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  parallelLayout,
  parallelMatches,
  parallelScene,
  parallelY,
  type ParallelRow,
} from '#core/plots/interactive/parallel.ts'
import { LIGHT } from '#core/plots/theme.ts'

const COLUMNS = [
  { key: 'loss', label: 'loss' },
  { key: 'params', label: 'parameters', log: true },
  { key: 'depth', label: 'depth' },
]
const ROWS: ParallelRow[] = [
  { key: 'a', values: [1, 1e6, 4] },
  { key: 'b', values: [2, 1e7, null] },
  { key: 'c', values: [3, -5, 8] },
]

it('what is missing, or off a log axis, stands below its axis', () => {
  const layout = parallelLayout(COLUMNS, ROWS, 600, 300)
  expect(parallelY(layout, COLUMNS, 2, ROWS[1]!.values[2])).toBe(layout.missing)
  expect(parallelY(layout, COLUMNS, 1, ROWS[2]!.values[1])).toBe(layout.missing)
  for (const row of ROWS) {
    const y = parallelY(layout, COLUMNS, 0, row.values[0])
    expect(y > layout.top && y < layout.bottom).toBe(true)
  }
  // higher values stand higher
  expect(parallelY(layout, COLUMNS, 0, 3)).toBeLessThan(parallelY(layout, COLUMNS, 0, 1))
})

it('a row matches if it lies in every range', () => {
  expect(parallelMatches(COLUMNS, ROWS, new Map())).toEqual(['a', 'b', 'c'])
  expect(parallelMatches(COLUMNS, ROWS, new Map([['depth', [0, 10]]]))).toEqual(['a', 'c'])
  const value = fc.option(fc.double({ min: -10, max: 10, noNaN: true }), { nil: null })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(value, value, value)),
      fc.double({ min: -10, max: 0 }),
      fc.double({ min: 0, max: 10 }),
      (list, low, high) => {
        const rows = list.map((values, i) => ({ key: String(i), values }))
        const both = parallelMatches(
          COLUMNS,
          rows,
          new Map([
            ['loss', [low, high]],
            ['depth', [low, high]],
          ]),
        )
        const one = parallelMatches(COLUMNS, rows, new Map([['loss', [low, high]]]))
        const other = new Set(parallelMatches(COLUMNS, rows, new Map([['depth', [low, high]]])))
        expect(both).toEqual(one.filter((key) => other.has(key)))
      },
    ),
  )
})

it('selected rows are drawn last and strongest, and none is left out', () => {
  const scene = parallelScene(COLUMNS, ROWS, { width: 600, height: 300, theme: LIGHT, selected: new Set(['a']) })
  const lines = scene.marks.filter((m) => m.mark === 'path' && m.key !== undefined)
  expect(lines.map((m) => m.mark === 'path' && m.key)).toEqual(['b', 'c', 'a'])
  expect(lines.at(-1)).toMatchObject({ opacity: 0.9 })
  expect(JSON.stringify(scene)).not.toMatch(/NaN|null/)
})
