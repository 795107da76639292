import { listPresets } from '#main/runtime/presets.ts'
import { getSpec, listSpecs } from '#main/store/specs.ts'
import { recordSpec } from '../record.ts'
import { listDevices } from '../devices.ts'
import { call } from './door.ts'
import { integer, listOf, optional, spec, text } from './readers.ts'

/** This machine and its execution targets. */
export const devices = {
  list: call({}, () => listDevices()),
}

/** Architectures: those that come with the program, and those of the project. */
export const stacks = {
  presets: call({}, () => listPresets()),
  list: call({ like: optional(text()), limit: optional(integer(1, 100_000)) }, (context, { like, limit }) =>
    listSpecs(context.project(), { ...(like !== undefined && { like }), ...(limit !== undefined && { limit }) }),
  ),
  /** Hashes, names and counts of all stacks, without the specs themselves. */
  rows: call({}, (context) => listSpecs(context.project()).map(({ json: _json, ...row }) => row)),
  /** Specs by hash; those that the project does not have are left out. */
  get: call({ hashes: listOf(text(128), 20_000) }, (context, { hashes }) =>
    hashes.flatMap((hash) => getSpec(context.project(), hash) ?? []),
  ),
  /** Stores a spec; returns its hash. */
  save: call({ spec }, (context, args) => ({ hash: recordSpec(context.writable(), args.spec) })),
}
