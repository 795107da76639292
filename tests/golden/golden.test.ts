// The repository's golden vectors on every target that needs no device. `npm run golden` prints the errors.

import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ortCpu } from '#main/runtime/targets/ort-cpu.ts'
import { reference } from '#main/runtime/targets/reference.ts'
import { passes, worst } from './report.ts'
import { goldenCases } from './run.ts'

const cases = goldenCases(fileURLToPath(new URL('vectors', import.meta.url)))

it('there are cases of operators, models, training and checkpoints', () => {
  expect(cases.length).toBeGreaterThanOrEqual(47)
})

describe.each([reference, ortCpu])('golden vectors on $kind', (target) => {
  const availability = target.probe()
  it.skipIf(!availability.isAvailable).each(cases)('$name', async ({ run }) => {
    const { error, checks } = await run([target])
    expect(error).toBeUndefined()
    expect(worst(checks.filter((check) => !passes(check)))).toEqual([])
  })
})
