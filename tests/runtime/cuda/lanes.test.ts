// What may run side by side: against the rule that two steps keep their order where one writes what the other touches.

import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { dependencies, lanesOf } from '#main/runtime/targets/cuda/schedule/launches/lanes.ts'
import type { Range, Touched } from '#main/runtime/targets/cuda/schedule/launches/lanes.ts'

const range = fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 8 })).map(([from, size]) => ({ from, to: from + size }))
const ranges = fc.array(range, { maxLength: 3 })
const steps = fc.array(fc.record({ reads: ranges, writes: ranges }), { maxLength: 40 })

const overlap = (a: readonly Range[], b: readonly Range[]): boolean =>
  a.some((x) => b.some((y) => x.from < y.to && y.from < x.to))
const conflict = (a: Touched, b: Touched): boolean =>
  overlap(a.writes, b.writes) || overlap(a.writes, b.reads) || overlap(a.reads, b.writes)

/** For each step all steps that are done before it starts. */
function closure(after: readonly (readonly number[])[]): readonly ReadonlySet<number>[] {
  const sets: Set<number>[] = []
  for (const before of after) sets.push(new Set(before.flatMap((other) => [other, ...sets[other]!])))
  return sets
}

it('a step waits for all earlier ones that it conflicts with, directly or through others, and for no others', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const after = dependencies(list)
      const before = closure(after)
      list.forEach((step, i) => {
        for (let j = 0; j < i; j++)
          if (conflict(step, list[j]!)) expect(before[i]!.has(j), `${j} before ${i}`).toBe(true)
        for (const j of after[i]!) expect(conflict(step, list[j]!), `${j} before ${i} for a reason`).toBe(true)
        for (const j of after[i]!)
          expect(
            after[i]!.some((k) => before[k]!.has(j)),
            `${j} named twice`,
          ).toBe(false)
      })
    }),
  )
})

it('steps that follow each other share a lane, and there are no more lanes than streams', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), (list, count) => {
      const lanes = lanesOf(dependencies(list), count)
      expect(lanes.every((lane) => lane >= 0 && lane < count)).toBe(true)
    }),
  )
  expect(lanesOf([[], [0], [1], [2]], 4)).toEqual([0, 0, 0, 0])
  // two readers of step 0, then what needs both
  expect(lanesOf([[], [0], [0], [1, 2]], 4)).toEqual([0, 0, 1, 0])
})
