// Every rule that a draft breaks, not only the first: the canvas outlines each block with its own.

import { blockOf } from '#core/blocks/index.ts'
import { HeddleError } from '#core/errors.ts'
import type { ErrorRecord } from '#core/errors.ts'
import { isGroup, MAX_BLOCKS, MODEL_PARAMS, parseSpec } from '#core/model/spec.ts'
import type { ArchSpec, ModelSettings, StackItem } from '#core/model/spec.ts'
import { resolveParams } from '#core/params.ts'
import { fromSpecPath, pathKey, specPath, unrolledCount, walk } from './path.ts'
import type { Path } from './path.ts'

/** What is wrong with one block. */
export interface BlockFault {
  readonly path: Path
  readonly error: ErrorRecord
}

/** Faults of the model's settings and of each block; none for a spec that `parseSpec` takes. */
export interface Faults {
  readonly model: ErrorRecord | undefined
  /** By `pathKey`. */
  readonly blocks: ReadonlyMap<string, BlockFault>
}

function attempt(work: () => void): ErrorRecord | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof HeddleError) return error.toJSON()
    throw error
  }
}

/** Checks the settings and every block of a draft. */
export function findFaults(draft: ArchSpec): Faults {
  let settings: ModelSettings | undefined
  const model = attempt(() => {
    settings = resolveParams(MODEL_PARAMS, draft.model, { dModel: 0 }, 'model')
  })
  const blocks = new Map<string, BlockFault>()
  if (settings === undefined) return { model, blocks }
  const dims = { dModel: settings.dModel }
  for (const { item, path } of walk(draft.blocks)) {
    if (isGroup(item)) continue
    const at = specPath(path)
    const error = attempt(() => {
      const block = blockOf(item.kind, `${at}.kind`)
      block.check?.(resolveParams(block.params, item.params, dims, `${at}.params`) as never, dims, `${at}.params`)
    })
    if (error !== undefined) blocks.set(pathKey(path), { path, error })
  }
  return { model, blocks }
}

/**
 * Refuses what no draft may be: nested too deep, too many blocks, a bad label. A parameter that breaks a rule is allowed: the
 * canvas shows it.
 * @throws HeddleError `spec-invalid`
 */
export function checkDraft(draft: ArchSpec): void {
  const total = unrolledCount(draft.blocks)
  if (total > MAX_BLOCKS)
    throw new HeddleError('spec-invalid', `the stack would have ${total} blocks; at most ${MAX_BLOCKS} are allowed`, {
      path: 'blocks',
      hint: 'reduce repeats or blocks',
    })
  const error = attempt(() => void parseSpec(draft))
  if (error === undefined) return
  const { rest } = fromSpecPath(error.path ?? '')
  if (rest.startsWith('params') || rest.startsWith('model')) return
  throw new HeddleError(error.code, error.message, { path: error.path, hint: error.hint })
}

/** A draft whose faulty blocks are empty groups, so that the rest can be counted and keeps its paths. */
export function withoutFaults(draft: ArchSpec, faults: Faults): ArchSpec {
  const strip = (items: readonly StackItem[], parent: Path): StackItem[] =>
    items.map((item, i) => {
      const path = [...parent, i]
      if (isGroup(item)) return { ...item, blocks: strip(item.blocks, path) }
      return faults.blocks.has(pathKey(path)) ? { repeat: 1, blocks: [] } : item
    })
  return faults.blocks.size === 0 ? draft : { ...draft, blocks: strip(draft.blocks, []) }
}
