// Ten thousand random messages to a real workbench with an open project: none ends it, none changes anything.

import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { encodeWire } from '#core/wire.ts'
import { openWorkbench } from '#main/api/workbench/index.ts'
import { serve } from '#main/serve/server.ts'
import { open, pages } from './screen.ts'

const MESSAGES = 10_000
const SEED = 4

const folder = mkdtempSync(join(tmpdir(), 'heddle-fuzz-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const names = fc.oneof(
  fc.constantFrom(
    'projects.open',
    'projects.create',
    'documents.save',
    'training.start',
    'jobs.cancel',
    'stacks.parse',
  ),
  fc.constantFrom('__proto__.toString', 'constructor.constructor', 'projects.__proto__', 'projects', '.', 'a.b.c', ''),
  fc.string({ maxLength: 30 }),
)
/** No call takes an argument of this name: with it a call is refused whatever else it is. */
const FOREIGN = 'argument of nobody'
const args = fc.oneof(
  fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('path', 'name', 'id', '__proto__')), fc.jsonValue()),
  fc.record({ path: fc.constantFrom('/etc/passwd', '../../etc/passwd', '\\\\host\\share', 'a\0b', '\u202e') }),
)
const foreignArgs = args.map((given) => ({ ...given, [FOREIGN]: 1 }))
const ids = fc.integer({ min: 1 })
const badIds = fc.oneof(fc.constantFrom(0, -1, 1.5, 2 ** 60, null, '1', [1], {}), fc.double())
const messages = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.json({ maxDepth: 6 }),
  fc.record({ id: ids, call: names, args: foreignArgs }).map((frame) => JSON.stringify(frame)),
  fc
    .record({ id: ids, call: names, args: fc.oneof(fc.array(fc.jsonValue()), fc.string(), fc.integer()) })
    .map(encodeWire),
  fc
    .record({ id: badIds, call: names, args })
    .filter(({ id }) => !(Number.isSafeInteger(id) && Number(id) >= 1))
    .map(encodeWire),
  fc.tuple(ids, names, foreignArgs, fc.double({ min: 0, max: 1, noNaN: true })).map(([id, call, given, share]) => {
    const text = JSON.stringify({ id, call, args: given })
    return text.slice(0, Math.floor(share * text.length))
  }),
)

/** Names, sizes and contents of everything in the folder. */
const contents = (): string =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .sort()
    .map((name) => {
      try {
        return `${name} ${createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')}`
      } catch {
        return name
      }
    })
    .join('\n')

it(`survives ${MESSAGES} random messages`, async () => {
  const workbench = openWorkbench({ root: folder, project: join(folder, 'fuzzed.heddle') })
  const limits = { callsPerSecond: 1e6, concurrentCalls: 1e6 }
  const server = await serve({ workbench, pages, port: 0, readonly: false, limits })
  const screen = open(server)
  const before = [await workbench.call('projects.current', {}), workbench.seq, contents()]
  await screen.next((f) => 'hello' in f)
  let sent = 0
  for (const text of fc.sample(messages, { seed: SEED, numRuns: MESSAGES })) {
    screen.socket.send(text)
    sent += 1
    if (sent % 500 === 0) await expect.poll(() => screen.frames.length, { timeout: 10_000 }).toBe(sent + 1)
  }
  expect(sent).toBe(MESSAGES)
  const answers = screen.frames.filter((f) => !('hello' in f))
  expect(answers.filter((f) => f['ok'] !== false)).toEqual([])
  expect(new Set(answers.map((f) => (f['error'] as { code: string }).code))).toEqual(
    new Set(['usage', 'param-invalid']),
  )
  expect([await workbench.call('projects.current', {}), workbench.seq, contents()]).toEqual(before)
  expect(await open(server).call('projects.current', {})).toMatchObject({ ok: true, value: { name: 'fuzzed' } })
  await server.close()
  await workbench.close()
})
