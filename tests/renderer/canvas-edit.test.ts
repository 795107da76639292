import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blocks } from '#core/blocks/index.ts'
import { hashSpec, parseSpec, SPEC_VERSION } from '#core/model/spec.ts'
import type { StackItem } from '#core/model/spec.ts'
import { parseSpecText, printPattern, printSpecText } from '#core/model/text.ts'
import { checkDraft, findFaults } from '../../src/renderer/canvas/tree/check.ts'
import * as edit from '../../src/renderer/canvas/tree/edit.ts'
import type { Edited } from '../../src/renderer/canvas/tree/edit.ts'
import { idOf, inherit } from '../../src/renderer/canvas/tree/identity.ts'
import { itemAt, listAt, outermost, walk } from '../../src/renderer/canvas/tree/path.ts'
import type { Path, Place } from '../../src/renderer/canvas/tree/path.ts'
import { History } from '../../src/renderer/state/history.ts'
import { arbitrarySpec } from '../helpers/arbitraries.ts'

type Items = readonly StackItem[]
const read = (text: string): Items => parseSpecText(text).blocks
const specOf = (items: Items) => ({ heddle: SPEC_VERSION, model: { dModel: 128 }, blocks: items })

/** An edit chosen by three numbers. */
type Choice = readonly [operation: number, a: number, b: number]
const pick = <T>(list: readonly T[], n: number): T | undefined =>
  list.length === 0 ? undefined : list[n % list.length]

function placesOf(items: Items): Place[] {
  const lists: Path[] = [[], ...[...walk(items)].filter(({ item }) => 'repeat' in item).map(({ path }) => path)]
  return lists.flatMap((parent) =>
    Array.from({ length: listAt(items, parent)!.length + 1 }, (_, index) => ({ parent, index })),
  )
}

const OPERATIONS: readonly ((items: Items, selection: readonly Path[], n: number) => Edited)[] = [
  (items, _, n) => edit.insert(items, pick(placesOf(items), n)!, [{ kind: pick(blocks, n)!.kind }]),
  (items, selection) => edit.remove(items, selection),
  (items, selection, n) => edit.move(items, selection, pick(placesOf(items), n)!),
  (items, selection, n) => edit.moveStep(items, selection, n % 2 === 0 ? 1 : -1),
  (items, selection) => edit.duplicate(items, selection),
  (items, selection) => edit.group(items, selection),
  (items, selection) => edit.group(items, selection, edit.freeLabel(items)),
  (items, selection) => edit.ungroup(items, selection),
  (items, selection) => edit.toggleDisabled(items, selection),
  (items, selection, n) => ({ items: edit.setRepeat(items, selection[0] ?? [], 1 + (n % 3)), selection }),
]

function step(items: Items, [operation, a, b]: Choice): Edited {
  const paths = [...walk(items)].map(({ path }) => path)
  const selection = [pick(paths, a), pick(paths, b)].filter((path) => path !== undefined)
  return OPERATIONS[operation % OPERATIONS.length]!(items, edit.existing(items, selection), a + b)
}

const choices = fc.array(fc.tuple(fc.nat(9), fc.nat(50), fc.nat(50)), { maxLength: 20 })

describe('edits of a stack', () => {
  it('keep every spec legal or are refused, and never touch their input', () => {
    fc.assert(
      fc.property(arbitrarySpec, choices, (start, list) => {
        let spec = start
        const past: [typeof start, string][] = []
        for (const choice of list) {
          past.push([spec, JSON.stringify(spec)])
          const { items, selection } = step(spec.blocks, choice)
          const next = { ...spec, blocks: items }
          try {
            checkDraft(next)
          } catch {
            continue
          }
          expect(printSpecText(parseSpec(next))).toBe(printSpecText(next))
          expect(findFaults(next).blocks.size).toBe(0)
          for (const path of selection) expect(itemAt(items, path)).toBeDefined()
          spec = next
        }
        for (const [value, text] of past) expect(JSON.stringify(value)).toBe(text)
      }),
      { numRuns: 200 },
    )
  })

  it('undo to the identical stack and redo to the identical result', () => {
    fc.assert(
      fc.property(arbitrarySpec, choices, (start, list) => {
        const history = new History<Items>()
        const seen: Items[] = [start.blocks]
        for (const choice of list) {
          const { items } = step(seen.at(-1)!, choice)
          history.record(seen.at(-1)!, 'edit', undefined, 0)
          seen.push(items)
        }
        let present = seen.at(-1)!
        for (let i = seen.length - 2; i >= 0; i--) expect((present = history.undo(present)!)).toBe(seen[i])
        for (let i = 1; i < seen.length; i++) expect((present = history.redo(present)!)).toBe(seen[i])
        expect(history.redo(present)).toBeUndefined()
      }),
      { numRuns: 100 },
    )
  })

  it('leave the network as it is when groups are unrolled or copies folded', () => {
    fc.assert(
      fc.property(arbitrarySpec, fc.nat(20), (spec, n) => {
        const groups = edit.ungroup(spec.blocks, [
          pick(
            [...walk(spec.blocks)].map(({ path }) => path),
            n,
          ) ?? [],
        ])
        expect(hashSpec({ ...spec, blocks: groups.items })).toBe(hashSpec(spec))
      }),
    )
    const folded = edit.group(read('d f d f d f a'), [[0], [1], [2], [3], [4], [5]])
    expect(printPattern(folded.items)).toBe('(d f)x3 a')
  })

  it('move past blocks, into groups and out of them', () => {
    const items = read('d (f a)x2 m2')
    const down = edit.moveStep(items, [[0]], 1)
    expect(printPattern(down.items)).toBe('(d f a)x2 m2')
    expect(down.selection).toEqual([[0, 0]])
    const up = edit.moveStep(down.items, down.selection, -1)
    expect(printPattern(up.items)).toBe('d (f a)x2 m2')
    expect(printPattern(edit.moveStep(items, [[1, 1]], 1).items)).toBe('d (f)x2 a m2')
    expect(printPattern(edit.move(items, [[0], [2]], { parent: [1], index: 1 }).items)).toBe('(f d m2 a)x2')
    expect(printPattern(edit.move(items, [[1]], { parent: [1], index: 0 }).items)).toBe('d (f a)x2 m2')
  })

  it('group what is selected where its first item stands', () => {
    const all = edit.group(read('d f m2 f a f'), [[0], [1], [2], [3], [4], [5]])
    expect(printPattern(all.items)).toBe('(d f m2 f a f)x2')
    expect(printPattern(edit.group(read('d f a'), [[0], [2]]).items)).toBe('(d a)x2 f')
    expect(printPattern(edit.group(read('d f'), [[0], [1]], 'early').items)).toBe('early:(d f)x1')
    expect(printPattern(edit.ungroup(read('(d f)x2 a'), [[0]]).items)).toBe('d f d f a')
  })

  it('turn blocks off and on, those of groups included', () => {
    const off = edit.toggleDisabled(read('d (f !a)x2'), [[1]])
    expect(printPattern(off.items)).toBe('d (!f !a)x2')
    expect(printPattern(edit.toggleDisabled(off.items, [[1]]).items)).toBe('d (f a)x2')
  })

  it('select the nearest item that is left', () => {
    expect(edit.remove(read('d f a'), [[2]])).toEqual({ items: read('d f'), selection: [[1]] })
    expect(edit.remove(read('(d)x2'), [[0, 0]]).selection).toEqual([[0]])
    expect(outermost([[1, 0], [1], [0]])).toEqual([[0], [1]])
  })

  it('refuse what no spec may be, but let a parameter break a rule', () => {
    expect(() => checkDraft(specOf(edit.setRepeat(read('((d)x1000)x1'), [0], 2)))).toThrow(/1024/)
    const draft = specOf(edit.setParam(read('d a'), [[1]], 'headDim', 100))
    checkDraft(draft)
    expect(findFaults(draft).blocks.get('1')?.error.path).toBe('blocks[1].params.headDim')
  })

  it('merge quick changes of one value into one step', () => {
    const history = new History<number>()
    history.record(1, 'change', 'a', 0)
    history.record(2, 'change', 'a', 500)
    history.record(3, 'change', 'b', 600)
    expect(history.undo(4)).toBe(3)
    expect(history.undo(3)).toBe(1)
  })
})

describe('identity of items', () => {
  it('stays with a block that moves and with one whose parameters change', () => {
    const items = read('d f a')
    const ids = items.map(idOf)
    const moved = edit.move(items, [[2]], { parent: [], index: 0 }).items
    expect(moved.map(idOf)).toEqual([ids[2], ids[0], ids[1]])
    expect(edit.setParam(items, [[2]], 'headDim', 64).map(idOf)).toEqual(ids)
  })

  it('is inherited by a stack that was read from edited text', () => {
    const before = read('d f (m2 f)x2 a')
    const after = read('d f gla (m2 f)x3 a')
    const ids = before.map(idOf)
    inherit(before, after)
    const now = after.map(idOf)
    expect([now[0], now[1], now[4]]).toEqual([ids[0], ids[1], ids[3]])
    expect(new Set(now).size).toBe(5)
  })
})
