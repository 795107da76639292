// Notebooks through the door: what is stored, what is trusted, and what a SELECT may do.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { openWorkbench } from '#main/api/workbench/index.ts'
import { openTrusted } from '#main/api/workbench/notebooks/trusted.ts'
import { runQuery } from '#main/store/query/run.ts'

const root = mkdtempSync(join(tmpdir(), 'heddle-notebooks-'))
process.env['XDG_CONFIG_HOME'] = join(root, 'settings')
const path = join(root, 'log.heddle')
const workbench = openWorkbench({ root, project: path })
afterAll(async () => {
  await workbench.close()
  rmSync(root, { recursive: true, force: true })
})
const send = <T = Record<string, unknown>>(verb: string, args: object = {}): Promise<T> =>
  workbench.call(`notebooks.${verb}`, args) as Promise<T>
const query = (sql: string, rows = 100) =>
  send<{ rows: unknown[][]; isCut: boolean; columns: string[] }>('query', { sql, rows })

it('a notebook from a template is trusted; one that came with the project is not', async () => {
  const templates = await send<{ id: string; title: string; doc: string }[]>('templates')
  expect(templates[0]).toMatchObject({ id: 'quickstart', title: 'Quickstart' })
  expect(templates.every(({ doc }) => doc !== '')).toBe(true)
  expect(await send('create', { name: 'First', template: 'quickstart' })).toEqual({ name: 'First' })
  expect(await send('create', { name: 'First' })).toEqual({ name: 'First 2' })
  expect(await send('get', { name: 'First' })).toMatchObject({ isTrusted: true })

  await send('save', { name: 'Foreign', text: '```heddle:code id=a\n1\n```\n', isTrusted: false })
  expect(await send('get', { name: 'Foreign' })).toMatchObject({ isTrusted: false })
  await send('trust', { name: 'Foreign' })
  expect(await send('get', { name: 'Foreign' })).toMatchObject({ isTrusted: true })
  // another text is another notebook
  await send('save', { name: 'Foreign', text: 'other', isTrusted: false })
  expect(await send('get', { name: 'Foreign' })).toMatchObject({ isTrusted: false })
  expect((await send<{ name: string }[]>('list')).map(({ name }) => name)).toEqual(['First', 'First 2', 'Foreign'])
})

it('trust outlives the program', () => {
  const file = join(root, 'trusted.json')
  openTrusted(file).add('text')
  expect(openTrusted(file).has('text')).toBe(true)
  openTrusted(file).add('text, edited', 'text')
  expect([openTrusted(file).has('text'), openTrusted(file).has('text, edited')]).toEqual([false, true])
})

it('renames and removes', async () => {
  await send('save', { name: 'a', text: 'x', isTrusted: true })
  await send('rename', { name: 'a', to: 'b' })
  await expect(send('get', { name: 'a' })).rejects.toThrow('no notebook "a"')
  await expect(send('rename', { name: 'b', to: 'First' })).rejects.toThrow('already')
  await send('remove', { name: 'b' })
  await expect(send('get', { name: 'b' })).rejects.toThrow('no notebook')
})

it('keeps results under hashes', async () => {
  const hash = 'a'.repeat(64)
  await send('keep', { notebook: 'First', cell: 'runs', kind: 'train', hash, result: { runs: [1] } })
  const results = (hashes: readonly string[], withLatest: boolean): Promise<unknown> =>
    send('results', { notebook: 'First', hashes, withLatest })
  const row = { cell: 'runs', result: { runs: [1] } }
  // a row is sent once
  expect(await results([hash, 'b'.repeat(64)], true)).toMatchObject({ found: [row], latest: [] })
  expect(await results(['b'.repeat(64)], true)).toMatchObject({ found: [], latest: [row] })
  expect(await results(['b'.repeat(64)], false)).toMatchObject({ found: [], latest: [] })
  await expect(send('keep', { notebook: 'n', cell: 'c', kind: 'k', hash: 'x', result: {} })).rejects.toThrow('hash')
  const result = { text: 'x'.repeat(4_000_001) }
  await expect(send('keep', { notebook: 'n', cell: 'c', kind: 'k', hash, result })).rejects.toThrow('too long')
})

it('refuses what is too long to show', async () => {
  await expect(send('save', { name: 'big', text: 'x'.repeat(4_000_001), isTrusted: true })).rejects.toThrow('4000000')
})

it('a SELECT reads rows', async () => {
  expect(await query("SELECT 1 AS a, NULL AS b, x'00ff' AS c, 1e999 AS d")).toEqual({
    columns: ['a', 'b', 'c', 'd'],
    rows: [[1, null, '<2 bytes>', null]],
    isCut: false,
  })
  expect((await query('-- names\nSELECT name FROM notebooks ORDER BY name')).rows.flat()).toContain('First')
  expect(
    await query('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n', 5),
  ).toMatchObject({
    rows: [[1], [2], [3], [4], [5]],
    isCut: true,
  })
})

it.each([
  ['DELETE FROM notebooks'],
  ['SELECT 1; DELETE FROM notebooks'],
  ["INSERT INTO notebooks (name, text, createdAt, updatedAt) VALUES ('x', '', 0, 0) RETURNING id"],
  ['WITH x AS (SELECT 1) DELETE FROM notebooks'],
  ['PRAGMA query_only = off'],
  ['PRAGMA table_info(notebooks)'],
  ["ATTACH DATABASE '/tmp/other.db' AS other"],
  ["VACUUM INTO '/tmp/other.db'"],
  ["SELECT load_extension('x')"],
  ["SELECT writefile('/tmp/x', 'y')"],
  ['SELECT * FROM nowhere'],
  ['SELECT'],
  ['EXPLAIN SELECT 1'],
  ['/* SELECT */ DELETE FROM notebooks'],
])('refuses %s', async (sql) => {
  await expect(query(sql)).rejects.toThrow(expect.objectContaining({ code: 'usage' }))
  expect((await query('SELECT count(*) FROM notebooks')).rows[0]![0]).toBeGreaterThan(0)
})

it('stops a SELECT without end, and one that eats memory', { timeout: 30_000 }, async () => {
  const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'
  await expect(runQuery({ path, sql: endless, rows: 1 }, 1500)).rejects.toThrow('took longer than 1.5 s')
  await expect(query('SELECT length(hex(zeroblob(900000000)))')).rejects.toThrow(
    expect.objectContaining({ code: 'usage' }),
  )
  const wide =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT printf('%.*c', 1900, 'x') FROM n"
  expect((await query(wide, 5000)).isCut).toBe(true)
})
