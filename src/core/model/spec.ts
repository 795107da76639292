// ArchSpec: the description of a network. A versioned JSON object; `parseSpec` is the only way in.

import { blockOf } from '../blocks/index.ts'
import type { Block } from '../blocks/index.ts'
import { HeddleError } from '../errors.ts'
import { sha256 } from '../graph/sha256.ts'
import { flag, integer, real, resolveParams, show } from '../params.ts'
import type { ParamValues, ValuesOf } from '../params.ts'

/** Format version that this program writes. */
export const SPEC_VERSION = 1
/** Most blocks after groups are unrolled. */
export const MAX_BLOCKS = 1024
const MAX_NESTING = 8
/** Most items of a stack that are looked at while groups are unrolled, disabled ones included. */
const MAX_VISITED = 16 * MAX_BLOCKS

/** Settings of the whole model. */
export const MODEL_PARAMS = {
  dModel: integer({
    doc: 'Width of the residual stream.',
    min: 1,
    max: 65536,
    default: 256,
    search: [1024, 1280, 1536, 1792, 2048, 2304, 2560],
  }),
  vocabSize: integer({ doc: 'Entries of the vocabulary.', min: 2, max: 1 << 20, default: 4096 }),
  metaTokens: integer({
    doc: 'Learned vectors in front of every sequence (arXiv 2411.13676).',
    unit: 'tokens',
    min: 0,
    max: 4096,
    default: 0,
  }),
  tieEmbeddings: flag({ doc: 'The head reads the embedding matrix.', default: true }),
  headNormDivision: flag({ doc: 'Logits are divided by the L2 norm of their head row.', default: false }),
  normEps: real({ doc: 'Epsilon of the norms before blocks and head.', min: 1e-12, max: 1e-2, default: 1e-6 }),
} as const

export type ModelSettings = ValuesOf<typeof MODEL_PARAMS>

export interface BlockItem {
  readonly kind: string
  readonly params?: ParamValues
  /** Left out of the network, kept in the design. */
  readonly disabled?: boolean
}
export interface GroupItem {
  readonly repeat: number
  readonly blocks: readonly StackItem[]
  readonly label?: string
}
export type StackItem = BlockItem | GroupItem

export interface ArchSpec {
  readonly heddle: typeof SPEC_VERSION
  readonly name?: string
  readonly model: Readonly<Partial<ModelSettings>>
  readonly blocks: readonly StackItem[]
}

export const isGroup = (item: StackItem): item is GroupItem => 'repeat' in item

/** One block of the unrolled stack, with every parameter filled in. */
export interface FlatBlock {
  readonly block: Block
  readonly params: ParamValues
  /** Where it stands in the spec, for messages: `blocks[1].blocks[0]`. */
  readonly path: string
}

/** A checked spec, ready to lower. */
export interface ResolvedSpec {
  readonly spec: ArchSpec
  readonly settings: ModelSettings
  readonly blocks: readonly FlatBlock[]
}

type Json = { readonly [key: string]: unknown }

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Steps from each older version to the next; version 1 is the first. */
const MIGRATIONS: ReadonlyMap<number, (spec: Json) => Json> = new Map()

/**
 * Reads a spec from parsed JSON: migrates, checks shape and every parameter, and returns it in canonical form.
 * @throws HeddleError `spec-invalid`, `spec-version` or `param-invalid` with the path of the offending value.
 */
export function parseSpec(input: unknown): ArchSpec {
  if (!isObject(input))
    throw new HeddleError('spec-invalid', `a spec must be an object, got ${show(input)}`, { path: 'spec' })
  let json: Json = input
  for (;;) {
    const version: unknown = json['heddle']
    if (version === SPEC_VERSION) break
    const migrate = typeof version === 'number' ? MIGRATIONS.get(version) : undefined
    if (migrate === undefined) {
      const known =
        typeof version === 'number' && version > SPEC_VERSION
          ? `it was written by a newer Heddle; this one reads up to version ${SPEC_VERSION}`
          : `"heddle" must be ${SPEC_VERSION}`
      throw new HeddleError('spec-version', `spec version ${show(version)} cannot be read`, {
        path: 'heddle',
        hint: known,
      })
    }
    json = migrate(json)
  }
  const fields = json
  onlyKeys(fields, ['heddle', 'name', 'model', 'blocks'], 'spec')
  const name = fields['name']
  if (name !== undefined && (typeof name !== 'string' || name.length > 200))
    throw new HeddleError('spec-invalid', `name (${show(name)}) must be text of at most 200 characters`, {
      path: 'name',
    })
  const given = fields['model'] ?? {}
  resolveParams(MODEL_PARAMS, given, { dModel: 0 }, 'model')
  const spec: ArchSpec = {
    heddle: SPEC_VERSION,
    ...(name !== undefined && { name }),
    model: { ...(given as Partial<ModelSettings>) },
    blocks: parseItems(fields['blocks'], 'blocks', 0),
  }
  resolveSpec(spec)
  return spec
}

function onlyKeys(json: Json, keys: readonly string[], path: string): void {
  for (const key of Object.keys(json)) {
    if (!keys.includes(key))
      throw new HeddleError('spec-invalid', `unknown field ${show(key)}`, {
        path: path === 'spec' ? key : `${path}.${key}`,
        hint: `known fields: ${keys.join(', ')}`,
      })
  }
}

function parseItems(json: unknown, path: string, depth: number): StackItem[] {
  if (!Array.isArray(json))
    throw new HeddleError('spec-invalid', `${path} must be a list of blocks, got ${show(json)}`, { path })
  if (depth > MAX_NESTING)
    throw new HeddleError('spec-invalid', `groups are nested more than ${MAX_NESTING} deep`, { path })
  if (json.length > MAX_BLOCKS) throw tooMany(json.length, path)
  return json.map((item: unknown, i) => {
    const at = `${path}[${i}]`
    if (!isObject(item))
      throw new HeddleError('spec-invalid', `a block must be an object, got ${show(item)}`, { path: at })
    return Object.hasOwn(item, 'repeat') || Object.hasOwn(item, 'blocks')
      ? parseGroup(item, at, depth)
      : parseBlock(item, at)
  })
}

function parseGroup(json: Json, path: string, depth: number): GroupItem {
  onlyKeys(json, ['repeat', 'blocks', 'label'], path)
  const { repeat, label } = json
  if (typeof repeat !== 'number' || !Number.isInteger(repeat) || repeat < 1 || repeat > MAX_BLOCKS)
    throw new HeddleError('spec-invalid', `repeat (${show(repeat)}) must be an integer from 1 to ${MAX_BLOCKS}`, {
      path: `${path}.repeat`,
    })
  if (label !== undefined && (typeof label !== 'string' || !/^[A-Za-z][\w-]{0,39}$/.test(label)))
    throw new HeddleError('spec-invalid', `label (${show(label)}) must be a word of at most 40 letters`, {
      path: `${path}.label`,
    })
  return {
    repeat,
    blocks: parseItems(json['blocks'], `${path}.blocks`, depth + 1),
    ...(label !== undefined && { label: label as string }),
  }
}

function parseBlock(json: Json, path: string): BlockItem {
  onlyKeys(json, ['kind', 'params', 'disabled'], path)
  const { kind, params, disabled } = json
  if (typeof kind !== 'string')
    throw new HeddleError('spec-invalid', `kind (${show(kind)}) must be text`, { path: `${path}.kind` })
  blockOf(kind, `${path}.kind`)
  if (disabled !== undefined && typeof disabled !== 'boolean')
    throw new HeddleError('spec-invalid', `disabled (${show(disabled)}) must be true or false`, {
      path: `${path}.disabled`,
    })
  const filled = isObject(params) && Object.keys(params).length > 0
  if (params !== undefined && !isObject(params))
    throw new HeddleError('spec-invalid', `params must be an object, got ${show(params)}`, { path: `${path}.params` })
  return { kind, ...(filled && { params: { ...(params as ParamValues) } }), ...(disabled === true && { disabled }) }
}

const tooMany = (n: number, path: string): HeddleError =>
  new HeddleError(
    'spec-invalid',
    `the stack has ${n > MAX_BLOCKS ? `more than ${MAX_BLOCKS}` : n} blocks; at most ${MAX_BLOCKS} are allowed`,
    { path, hint: 'reduce repeats or blocks' },
  )

/**
 * Unrolls groups, leaves out disabled blocks, fills in defaults and checks the rules of every block.
 * @throws HeddleError with the path of the block and parameter.
 */
export function resolveSpec(spec: ArchSpec): ResolvedSpec {
  const settings = resolveParams(MODEL_PARAMS, spec.model, { dModel: 0 }, 'model')
  const dims = { dModel: settings.dModel }
  const blocks: FlatBlock[] = []
  let visited = 0
  const walk = (items: readonly StackItem[], path: string): void => {
    items.forEach((item, i) => {
      const at = `${path}[${i}]`
      // nested repeats of disabled blocks or empty groups multiply without adding a block
      if (++visited > MAX_VISITED) throw tooMany(visited, path)
      if (isGroup(item)) {
        for (let r = 0; r < item.repeat && item.blocks.length > 0; r++) walk(item.blocks, `${at}.blocks`)
      } else {
        const block = blockOf(item.kind, `${at}.kind`)
        const params = resolveParams(block.params, item.params, dims, `${at}.params`)
        block.check?.(params as never, dims, `${at}.params`)
        if (item.disabled !== true) blocks.push({ block, params, path: at })
        if (blocks.length > MAX_BLOCKS) throw tooMany(blocks.length, path)
      }
    })
  }
  walk(spec.blocks, 'blocks')
  return { spec, settings, blocks }
}

/** Content hash of what a spec computes: settings and unrolled blocks, not its name, labels or grouping. */
export function hashSpec(spec: ArchSpec): string {
  const { settings, blocks } = resolveSpec(spec)
  return sha256(
    canonicalJson({
      settings,
      blocks: blocks.map((b) => ({ kind: b.block.kind, version: b.block.version, params: b.params })),
    }),
  )
}

/** JSON with sorted keys. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const record = value as Json
  return `{${Object.keys(record)
    .sort()
    .filter((k) => record[k] !== undefined)
    .map((k) => `${JSON.stringify(k)}:${canonicalJson(record[k])}`)
    .join(',')}}`
}
