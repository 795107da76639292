// The architectures that come with the program: resources/specs holds one spec per file, and index.json says what each
// is, where it is published and how many parameters are printed there.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { parseSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { show } from '#core/params.ts'
import { resourcesFolder } from './data/resources.ts'

export interface Preset {
  readonly id: string
  /** Heading under which lists show it. */
  readonly group: string
  readonly title: string
  readonly description: string
  /** Where the architecture is published. */
  readonly source: string
  readonly spec: ArchSpec
  readonly published?: PublishedCount
}

/** A parameter count as it is printed somewhere. */
export interface PublishedCount {
  /** Millions. */
  readonly params: number
  /** Millions by which the derived count may differ. */
  readonly tolerance: number
  readonly source: string
  /** Why the counts differ by more than rounding, or what else is not the same. */
  readonly note?: string
}

/**
 * The presets in the order of index.json, read and checked at every call.
 * @throws HeddleError `file-missing`, `file-invalid`, or what `parseSpec` throws for a spec that is not valid
 */
export function listPresets(folder: string = join(resourcesFolder(), 'specs')): Preset[] {
  const path = join(folder, 'index.json')
  const { presets } = object(readJson(path), path)
  if (!Array.isArray(presets)) throw invalid(path, `"presets" must be a list, got ${show(presets)}`)
  const ids = new Set<string>()
  return presets.map((entry: unknown) => {
    const preset = parsePreset(object(entry, path), folder, path)
    if (ids.has(preset.id)) throw invalid(path, `the preset ${show(preset.id)} is listed twice`)
    ids.add(preset.id)
    return preset
  })
}

type Json = Readonly<Record<string, unknown>>

function parsePreset(entry: Json, folder: string, path: string): Preset {
  const field = (name: string): string => text(entry, name, path)
  const file = field('file')
  if (!/^[\w.-]+\.json$/.test(file)) throw invalid(path, `file (${show(file)}) must be the name of a JSON file`)
  const { published } = entry
  return {
    id: field('id'),
    group: field('group'),
    title: field('title'),
    description: field('description'),
    source: field('source'),
    spec: parseSpec(readJson(join(folder, file))),
    ...(published !== undefined && { published: parsePublished(object(published, path), path) }),
  }
}

function parsePublished(json: Json, path: string): PublishedCount {
  const count = (name: string): number => {
    const value = json[name]
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
    throw invalid(path, `${name} (${show(value)}) must be a number of millions`)
  }
  return {
    params: count('params'),
    tolerance: count('tolerance'),
    source: text(json, 'source', path),
    ...(json['note'] !== undefined && { note: text(json, 'note', path) }),
  }
}

function text(json: Json, name: string, path: string): string {
  const value = json[name]
  if (typeof value === 'string' && value !== '') return value
  throw invalid(path, `${name} (${show(value)}) must be text`)
}

function object(value: unknown, path: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw invalid(path, `expected an object, got ${show(value)}`)
}

function readJson(path: string): unknown {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch {
    throw new HeddleError('file-missing', `${path} cannot be read`, { path })
  }
  try {
    return JSON.parse(content) as unknown
  } catch (error) {
    throw invalid(path, `it is not JSON (${(error as Error).message})`)
  }
}

const invalid = (path: string, what: string): HeddleError =>
  new HeddleError('file-invalid', `${path}: ${what}`, { path })
