// The harness must be able to fail: wrong numbers, missing tensors and hostile indexes are told apart and do not stop a run.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { encodeSafetensors } from '#core/model/safetensors.ts'
import { reference } from '#main/runtime/targets/reference.ts'
import { relativeError } from '../helpers/assert-close.ts'
import { camelCase } from './convert.ts'
import { passes } from './report.ts'
import { goldenCases } from './run.ts'
import type { CaseResult } from './run.ts'
import { readTensors } from './tensors.ts'

const vectors = fileURLToPath(new URL('vectors', import.meta.url))
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A folder with one case of the repository, its entry and tensors changed. */
function folderWith(
  name: string,
  change: {
    entry?: (entry: Record<string, unknown>) => void
    tensor?: [string, (data: Float32Array) => void]
    drop?: string
  } = {},
): string {
  const folder = emptyFolder()
  const index = JSON.parse(readFileSync(join(vectors, 'index.json'), 'utf8')) as { cases: Record<string, unknown>[] }
  const entry = index.cases.find((c) => c['name'] === name)!
  const file = String(entry['file'])
  const tensors = readTensors(join(vectors, file))
  if (change.tensor !== undefined) change.tensor[1](tensors.get(change.tensor[0])!.data as Float32Array)
  if (change.drop !== undefined) delete (entry['tensors'] as Record<string, unknown>)[change.drop]
  change.entry?.(entry)
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ format: 1, cases: [entry] }))
  const kept = [...tensors].filter(([key]) => key !== change.drop)
  const parts = encodeSafetensors(
    kept.map(([key, { shape, data }]) => ({
      name: key,
      dtype: data instanceof Float32Array ? 'F32' : 'I32',
      shape,
      data,
    })),
  )
  writeFileSync(join(folder, file), Buffer.concat(parts))
  return folder
}

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-golden-'))
  folders.push(folder)
  return folder
}

async function runOnly(folder: string): Promise<CaseResult> {
  const [only, ...others] = goldenCases(folder)
  expect(others).toEqual([])
  return only!.run([reference])
}

const CASE = 'gla_clamp_t7'

describe('a case', () => {
  it('passes unchanged', async () => {
    expect(await runOnly(folderWith(CASE))).toMatchObject({ passed: true, error: undefined })
  })

  it.each([
    'y',
    'y_next',
    'state.recurrent_state',
    'state_next.recurrent_state',
    'grad.x',
    'grad.param.gk_proj.1.bias',
  ])('fails when %s is off by a little', async (tensor) => {
    const result = await runOnly(folderWith(CASE, { tensor: [tensor, (data) => (data[data.length - 1]! += 0.01)] }))
    expect(result.passed).toBe(false)
    const names = new Set(result.checks.filter((check) => !passes(check)).map((check) => check.tensor.split(' ')[0]))
    expect([...names]).toEqual([tensor])
  })

  it.each(['parameter_count', 'state_elements_per_sequence'])('fails when %s is off by one', async (field) => {
    const result = await runOnly(folderWith(CASE, { entry: (entry) => (entry[field] = Number(entry[field]) + 1) }))
    expect(result.checks.filter((check) => !passes(check)).map((check) => check.tensor)).toEqual([field])
  })

  it('fails on a value that is not finite', async () => {
    const result = await runOnly(folderWith(CASE, { tensor: ['x', (data) => (data[0] = NaN)] }))
    expect(result.passed).toBe(false)
  })

  it.each([
    [
      'an unknown operator',
      { entry: (e: Record<string, unknown>) => (e['operator'] = 'toString') },
      /unknown block "toString"/,
    ],
    [
      'an unknown hyper-parameter',
      { entry: (e: Record<string, unknown>) => (e['hyper_parameters'] = { num_heads: 4, depth: 3 }) },
      /unknown parameter "depth"/,
    ],
    [
      'other hyper-parameters than the tensors',
      { entry: (e: Record<string, unknown>) => (e['hyper_parameters'] = { num_heads: 4, expand_k: 1 }) },
      /expected \[/,
    ],
    ['a missing parameter', { drop: 'param.o_proj.weight' }, /no tensor "param.o_proj.weight"/],
    ['a missing result', { drop: 'grad.x' }, /no tensor "grad.x"/],
    [
      'a path as file',
      { entry: (e: Record<string, unknown>) => (e['file'] = '../index.json') },
      /not a plain file name/,
    ],
    [
      'a file that does not exist',
      { entry: (e: Record<string, unknown>) => (e['file'] = 'none.safetensors') },
      /does not exist/,
    ],
    [
      'no tolerance for a kind',
      { entry: (e: Record<string, unknown>) => (e['tolerance'] = { metric: 'max|a-b| / max|b|', y: 1e-5 }) },
      /no tolerance for "grad"/,
    ],
    [
      'an unknown metric',
      { entry: (e: Record<string, unknown>) => (e['tolerance'] = { metric: 'cosine', y: 1e-5 }) },
      /unknown metric/,
    ],
    [
      'a shape that the file does not have',
      { entry: (e: Record<string, unknown>) => (e['tensors'] = { x: { dtype: 'F32', shape: [1] } }) },
      /but the index says/,
    ],
  ])('fails with a message on %s', async (_, change, message) => {
    const result = await runOnly(folderWith(CASE, change))
    expect(result).toMatchObject({ passed: false })
    expect(result.error).toMatch(message)
  })

  it('that throws does not stop the others', async () => {
    const folder = folderWith(CASE)
    const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { format: number; cases: unknown[] }
    writeFileSync(
      join(folder, 'index.json'),
      JSON.stringify({
        format: 1,
        cases: [null, 7, { name: 'x' }, { name: '__proto__', operator: 1 }, ...index.cases],
      }),
    )
    const results = []
    for (const { run } of goldenCases(folder)) results.push(await run([reference]))
    expect(results.map((r) => r.passed)).toEqual([false, false, false, false, true])
    expect(results.slice(0, 4).every((r) => r.error !== undefined)).toBe(true)
  })
})

describe('an index', () => {
  it.each([
    ['', 'file-invalid'],
    ['[]', 'file-invalid'],
    ['{"format": 2, "cases": []}', 'file-invalid'],
    ['{"format": 1, "cases": {"a": 1}}', 'file-invalid'],
    ['{"format": 1, "cases": [', 'file-invalid'],
  ])('of %j is refused', (text, code) => {
    const folder = emptyFolder()
    writeFileSync(join(folder, 'index.json'), text)
    expect(() => goldenCases(folder)).toThrow(expect.objectContaining({ code }))
  })

  it('that is missing is refused', () => {
    expect(() => goldenCases(emptyFolder())).toThrow(HeddleError)
    expect(() => goldenCases(join(emptyFolder(), 'none'))).toThrow(expect.objectContaining({ code: 'file-missing' }))
  })

  it('of checkpoints may be missing, but not broken', () => {
    const folder = folderWith(CASE)
    expect(goldenCases(folder)).toHaveLength(1)
    cpSync(join(vectors, 'hf'), join(folder, 'hf'), { recursive: true })
    expect(goldenCases(folder).length).toBeGreaterThan(1)
    writeFileSync(join(folder, 'hf', 'index.json'), '{"cases": 3}')
    expect(() => goldenCases(folder)).toThrow(HeddleError)
  })
})

describe('the measure of error', () => {
  it('is the largest difference over the largest reference value', () => {
    expect(relativeError([1, 2, 3], [1, 2.5, -4])).toBe(7 / 4)
    expect(relativeError([0.25, 0], [0, 0])).toBe(0.25)
    expect(relativeError([1, Infinity], [1, Infinity])).toBeNaN()
    expect(relativeError([], [])).toBe(0)
  })
})

it('names are converted', () => {
  expect(['num_kv_heads', 'd_state', 'expand_k', 'use_short_conv', 'n_groups', 'rope_theta'].map(camelCase)).toEqual([
    'nKvHeads',
    'dState',
    'expandK',
    'useShortConv',
    'nGroups',
    'ropeTheta',
  ])
})
