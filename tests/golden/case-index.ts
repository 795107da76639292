// index.json of a folder of golden vectors: which cases there are, checked before anything is run.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { show } from '#core/params.ts'
import {
  countAt,
  field,
  fileNameAt,
  invalid,
  listAt,
  numberAt,
  objectAt,
  optional,
  readJsonFile,
  textAt,
} from './json.ts'
import type { Json } from './json.ts'

export interface GoldenCase {
  readonly name: string
  readonly operator: string
  readonly hyperParameters: Json
  /** The whole entry, for the fields that only one family has. */
  readonly entry: Json
  /** Where the entry stands, for messages. */
  readonly path: string
  /** File of tensors, in the folder; none for schedules. */
  readonly file: string | undefined
  readonly tolerance: Readonly<Record<string, number>>
  readonly parameterCount: number | undefined
  readonly stateElements: number | undefined
  readonly decodeFlops: number | undefined
  readonly prefillFlops: number | undefined
}

export interface HuggingFaceCase {
  readonly name: string
  readonly folder: string
  readonly path: string
  readonly tolerance: Readonly<Record<string, number>>
}

const FORMAT = 1
const MAX_CASES = 10_000
const METRICS = ['max|a-b| / max|b|', 'relative', 'absolute difference of parameters after each step']

/** Entries that cannot be read become a thunk that throws their error, so that the other cases still run. */
export interface Listed<T> {
  readonly name: string
  readonly read: () => T
}

/**
 * The cases of a folder, in the order of its index.
 * @throws HeddleError `file-missing` or `file-invalid` when there is no list of cases at all
 */
export function readIndex(folder: string): Listed<GoldenCase>[] {
  const path = join(folder, 'index.json')
  const json = objectAt(readJsonFile(path), path)
  const format = field(json, 'format')
  if (format !== FORMAT) invalid(`${path} format`, `format ${show(format)} cannot be read; it must be ${FORMAT}`)
  return listed(field(json, 'cases'), `${path} cases`, readCase)
}

/** The Hugging Face checkpoints of a folder; none where it has no `hf` folder. */
export function readHuggingFaceIndex(folder: string): Listed<HuggingFaceCase>[] {
  const path = join(folder, 'hf', 'index.json')
  if (!existsSync(path)) return []
  const json = objectAt(readJsonFile(path), path)
  return listed(field(json, 'cases'), `${path} cases`, (entry, at) => {
    const name = fileNameAt(field(entry, 'name'), `${at}.name`)
    return {
      name,
      folder: join(folder, 'hf', name),
      path: at,
      tolerance: readTolerance(field(entry, 'tolerance'), `${at}.tolerance`),
    }
  })
}

function listed<T>(value: unknown, path: string, read: (entry: Json, path: string) => T): Listed<T>[] {
  const list = listAt(value, path)
  if (list.length > MAX_CASES) invalid(path, `there are ${list.length} cases; at most ${MAX_CASES} are read`)
  return list.map((entry, i) => {
    const at = `${path}[${i}]`
    const given = typeof entry === 'object' && entry !== null ? field(entry as Json, 'name') : undefined
    return { name: typeof given === 'string' ? given.slice(0, 100) : at, read: () => read(objectAt(entry, at), at) }
  })
}

function readCase(entry: Json, path: string): GoldenCase {
  const flops = optional(entry, 'flops', path, objectAt) ?? {}
  return {
    name: textAt(field(entry, 'name'), `${path}.name`),
    operator: textAt(field(entry, 'operator'), `${path}.operator`),
    hyperParameters: objectAt(field(entry, 'hyper_parameters'), `${path}.hyper_parameters`),
    entry,
    path,
    file: optional(entry, 'file', path, fileNameAt),
    tolerance: readTolerance(field(entry, 'tolerance'), `${path}.tolerance`),
    parameterCount: optional(entry, 'parameter_count', path, countAt),
    stateElements: optional(entry, 'state_elements_per_sequence', path, countAt),
    decodeFlops: optional(flops, 'decode_last_token', `${path}.flops`, numberAt),
    prefillFlops: optional(flops, 'prefill_total_chunk64', `${path}.flops`, numberAt),
  }
}

/** The numbers of a tolerance; other entries, such as `greedy_ids: "exact"`, speak for themselves. */
function readTolerance(value: unknown, path: string): Record<string, number> {
  const json = objectAt(value, path)
  const metric = textAt(field(json, 'metric'), `${path}.metric`)
  if (!METRICS.includes(metric))
    invalid(`${path}.metric`, `unknown metric ${show(metric)}; known: ${METRICS.join('; ')}`)
  const numbers: Record<string, number> = {}
  for (const [name, limit] of Object.entries(json)) {
    if (typeof limit !== 'number') continue
    if (!(limit >= 0 && limit <= 1)) invalid(`${path}.${name}`, `a tolerance must be from 0 to 1, got ${limit}`)
    numbers[name] = limit
  }
  return numbers
}
