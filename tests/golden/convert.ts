// From the hyper-parameters of operators.md to the parameters of our blocks.

import { blockOf } from '#core/blocks/index.ts'
import type { Block } from '#core/blocks/index.ts'
import { parseSpec, resolveSpec, SPEC_VERSION } from '#core/model/spec.ts'
import type { ResolvedSpec } from '#core/model/spec.ts'
import { resolveParams } from '#core/params.ts'
import type { ParamValue, ParamValues } from '#core/params.ts'
import { countAt, field, flagAt, invalid, listAt, numberAt, objectAt, optional, textAt } from './json.ts'
import type { Json } from './json.ts'

/** Operators whose block has another name. */
const KINDS: ReadonlyMap<string, string> = new Map([['swiglu', 'ffn']])

/** What the surroundings of an operator say, and no parameter of its block. */
const CONTEXT = ['d_model', 'num_meta_tokens', 'v_residual']

export interface ConvertedOperator {
  readonly block: Block
  readonly params: ParamValues
  readonly metaTokens: number
  /** Only for the operator that blends in the value of an earlier layer. */
  readonly valueResidual: boolean
}

/** The block and its parameters; throws HeddleError with the path of what cannot be converted. */
export function convertOperator(
  operator: string,
  hyperParameters: Json,
  dModel: number,
  path: string,
): ConvertedOperator {
  const block = blockOf(KINDS.get(operator) ?? operator, path)
  const given = convertParams(hyperParameters, `${path}.hyper_parameters`)
  const stated = optional(hyperParameters, 'd_model', path, countAt)
  if (stated !== undefined && stated !== dModel)
    invalid(path, `d_model is ${stated}, but the tensors have the width ${dModel}`)
  const params = resolveParams(block.params, given, { dModel }, `${path}.hyper_parameters`)
  block.check?.(params as never, { dModel }, `${path}.hyper_parameters`)
  return {
    block,
    params,
    metaTokens: optional(hyperParameters, 'num_meta_tokens', path, countAt) ?? 0,
    valueResidual: optional(hyperParameters, 'v_residual', path, flagAt) ?? false,
  }
}

function convertParams(hyperParameters: Json, path: string): Record<string, ParamValue> {
  const params: Record<string, ParamValue> = {}
  for (const [name, value] of Object.entries(hyperParameters)) {
    if (CONTEXT.includes(name)) continue
    if (name === 'dt_limit') {
      const [low, high] = listAt(value, `${path}.dt_limit`)
      params['dtMin'] = low === null ? 0 : numberAt(low, `${path}.dt_limit[0]`)
      params['dtMax'] = high === null ? null : numberAt(high, `${path}.dt_limit[1]`)
    } else {
      params[camelCase(name)] = value as ParamValue
    }
  }
  return params
}

/** `num_kv_heads` -> `nKvHeads`, `dt_rank` -> `dtRank`. */
export const camelCase = (name: string): string =>
  name.replace(/^num_/, 'n_').replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** The spec of a model case. */
export function convertModel(hyperParameters: Json, path: string): ResolvedSpec {
  const get = <T>(name: string, read: (value: unknown, path: string) => T): T | undefined =>
    optional(hyperParameters, name, path, read)
  const dModel = countAt(field(hyperParameters, 'd_model'), `${path}.d_model`, 1)
  const settings = {
    dModel,
    vocabSize: countAt(field(hyperParameters, 'vocab_size'), `${path}.vocab_size`, 1),
    metaTokens: get('num_meta_tokens', countAt) ?? 0,
    tieEmbeddings: get('tie_embeddings', flagAt) ?? true,
    headNormDivision: get('head_norm_division', flagAt) ?? false,
    normEps: get('norm_eps', numberAt) ?? 1e-6,
  }
  const seen = new Set<string>()
  const blocks = listAt(field(hyperParameters, 'layers'), `${path}.layers`).map((value, i) => {
    const at = `${path}.layers[${i}]`
    const layer = objectAt(value, at)
    const operator = textAt(field(layer, 'operator'), `${at}.operator`)
    const given = objectAt(field(layer, 'hyper_parameters') ?? {}, `${at}.hyper_parameters`)
    const { block, metaTokens, valueResidual } = convertOperator(operator, given, dModel, at)
    if (Object.hasOwn(given, 'num_meta_tokens') && metaTokens !== settings.metaTokens)
      invalid(at, `num_meta_tokens is ${metaTokens} here and ${settings.metaTokens} in the model`)
    if (Object.hasOwn(given, 'v_residual') && valueResidual !== seen.has(block.kind))
      invalid(
        at,
        `v_residual is ${valueResidual}, but it is true exactly for every ${block.kind} layer after the first`,
      )
    seen.add(block.kind)
    return { kind: block.kind, params: convertParams(given, at) }
  })
  return resolveSpec(parseSpec({ heddle: SPEC_VERSION, model: settings, blocks }))
}
