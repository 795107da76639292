// What the Profile view asks of the door: the schemas of its forms, and a table with the samples behind its entries.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { defaultOf } from '#core/params.ts'
import type { ParamSchema } from '#core/params.ts'
import type { JobRow } from '#main/api/workbench/jobs.ts'
import { openWorkbench } from '#main/api/workbench/index.ts'

const root = mkdtempSync(join(tmpdir(), 'heddle-profile-'))
const workbench = openWorkbench({ root })
afterAll(async () => {
  await workbench.close()
  rmSync(root, { recursive: true, force: true })
})

const spec = { heddle: 1, name: 'tiny', model: { dModel: 16, vocabSize: 32 }, blocks: [{ kind: 'ffn' }] }
const options = { context: 8, maxSeconds: 0.3, threads: 1 }

async function ended(job: unknown): Promise<JobRow> {
  const { id } = job as JobRow
  for (;;) {
    const row = ((await workbench.call('jobs.list', {})) as JobRow[]).find((one) => one.id === id)!
    if (row.state !== 'running') return row
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

it('hands out the schemas of its forms as plain data', async () => {
  const { copies, ...schemas } = (await workbench.call('profile.forms', {})) as Record<string, ParamSchema> & {
    copies: number[]
  }
  expect(copies.length).toBeGreaterThan(1)
  expect(JSON.parse(JSON.stringify(schemas))).toEqual(schemas)
  expect(Object.keys(schemas)).toEqual(['measure', 'table', 'sweep'])
  expect(defaultOf(schemas['sweep']!['phase']!, { dModel: 0 })).toBe('decode')
})

it('fills a table with the copies that were asked for, and keeps every sample', { timeout: 60_000 }, async () => {
  await workbench.call('projects.create', { name: 'profile', template: 'empty' })
  const ask = (more: object) => workbench.call('profile.fillTable', { specs: [spec], options, ...more })
  for (const copies of [[2], [2, 2], [0, 3]]) await expect(ask({ copies })).rejects.toMatchObject({ path: /copies/ })
  await expect(ask({ which: 'some' })).rejects.toMatchObject({ code: 'param-invalid' })

  expect(await ended(await ask({ copies: [1, 2, 4] }))).toMatchObject({ state: 'done' })
  type Entry = { readonly id: number; readonly part: string }
  const table = (await workbench.call('profile.table', {})) as Entry[]
  const block = table.find((entry) => entry.part === 'block')!
  const { samples, details } = (await workbench.call('profile.tableSamples', { id: block.id })) as {
    samples: Float64Array
    details: { copies: number[]; medianMs: number[] }
  }
  expect(details.copies).toEqual([1, 2, 4])
  expect(samples.length % 3).toBe(0)

  // what is known is not timed again unless it is asked for
  expect((await ended(await ask({ copies: [1, 2, 4] }))).outcome).toBe('0 entries measured')
  expect((await ended(await ask({ copies: [1, 2, 4], which: 'all' }))).outcome).toBe(`${table.length} entries measured`)
})
