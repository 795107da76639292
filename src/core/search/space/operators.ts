// The operators that a space offers, derived from the registry of blocks. A family is one entry of the config with its
// variants: every combination of the parameters that it searches.

import { blockOf } from '../../blocks/index.ts'
import type { Block } from '../../blocks/index.ts'
import { HeddleError } from '../../errors.ts'
import { canonicalJson } from '../../model/spec.ts'
import { defaultOf, resolveParams, show } from '../../params.ts'
import type { ParamValue, ParamValues } from '../../params.ts'
import type { Rng } from '../../rng.ts'
import { isSameOperator, operatorKey } from './genome.ts'
import type { Operator } from './genome.ts'
import { listFrom, objectFrom, refuse, textFrom } from './json.ts'

/** A kind that a space offers: with fixed parameters, and with parameters that are searched. */
export interface OperatorConfig {
  readonly kind: string
  readonly params?: ParamValues
  /** Names of parameters whose `search` values the space offers. */
  readonly search?: readonly string[]
}

/** The variants of one entry of the config, at least one. */
export type Family = readonly Operator[]

const MAX_ENTRIES = 32
const MAX_VARIANTS = 1024

/**
 * Reads the operators of one category; a text stands for a kind with its defaults.
 * @throws HeddleError `param-invalid` or `spec-invalid` for an unknown kind or parameter, or another category.
 */
export function parseOperators(json: unknown, category: Block['category'], path: string): OperatorConfig[] {
  return listFrom(json, 1, MAX_ENTRIES, path).map((entry, i) => {
    const at = `${path}[${i}]`
    const fields = objectFrom(typeof entry === 'string' ? { kind: entry } : entry, ['kind', 'params', 'search'], at)
    const block = blockOf(textFrom(fields['kind'], `${at}.kind`), `${at}.kind`)
    if (block.category !== category) refuse(`${at}.kind`, `${block.kind} is a ${block.category}, not a ${category}`)
    const params = fields['params'] === undefined ? undefined : checkNames(block, fields['params'], `${at}.params`)
    const search = fields['search'] === undefined ? undefined : searchedNames(block, fields['search'], `${at}.search`)
    const both = search?.find((name) => params !== undefined && Object.hasOwn(params, name))
    if (both !== undefined) refuse(`${at}.search`, `${both} is given in params and searched`, 'leave it out of one')
    return { kind: block.kind, ...(params !== undefined && { params }), ...(search !== undefined && { search }) }
  })
}

function checkNames(block: Block, json: unknown, path: string): ParamValues {
  const params = objectFrom(json, Object.keys(block.params), path) as ParamValues
  return { ...params }
}

function searchedNames(block: Block, json: unknown, path: string): string[] {
  const searchable = Object.keys(block.params).filter((name) => block.params[name]!.search !== undefined)
  return listFrom(json, 0, searchable.length, path).map((name, i) => {
    if (typeof name === 'string' && searchable.includes(name)) return name
    const hint =
      searchable.length > 0
        ? `searchable parameters: ${searchable.join(', ')}`
        : `${block.kind} has no searchable parameters`
    return refuse(`${path}[${i}]`, `${block.kind}: ${show(name)} is not a searchable parameter`, hint)
  })
}

/**
 * The families of a list of operators: only variants that every one of the widths allows.
 * @throws HeddleError `param-invalid` where a family has none or too many, or two entries offer the same.
 */
export function familiesOf(configs: readonly OperatorConfig[], dModels: readonly number[], path: string): Family[] {
  const seen = new Set<string>()
  return configs.map((config, i) => {
    const at = `${path}[${i}]`
    const problems: HeddleError[] = []
    const family = variantsOf(config, at).flatMap((params): Operator[] => {
      try {
        for (const dModel of dModels) resolveOperator({ kind: config.kind, params }, dModel, at)
      } catch (error) {
        if (!(error instanceof HeddleError)) throw error
        problems.push(error)
        return []
      }
      return [plainOperator(config.kind, params, dModels)]
    })
    const [problem] = problems
    if (family.length === 0 && problem !== undefined)
      refuse(at, `${config.kind} fits no dModel of the space: ${problem.message}`, problem.hint)
    for (const operator of family) {
      const key = operatorKey(operator)
      if (seen.has(key)) refuse(at, `${key} is offered twice`, 'entries of one kind must differ in their parameters')
      seen.add(key)
    }
    return family
  })
}

function variantsOf(config: OperatorConfig, path: string): ParamValues[] {
  const block = blockOf(config.kind, path)
  let variants: Record<string, ParamValue>[] = [{ ...config.params }]
  for (const name of new Set(config.search)) {
    const values = block.params[name]?.search ?? []
    variants = variants.flatMap((params) => values.map((value) => ({ ...params, [name]: value })))
    if (variants.length > MAX_VARIANTS)
      refuse(path, `${config.kind} has more than ${MAX_VARIANTS} variants`, 'search fewer parameters')
  }
  return variants
}

/** Without the parameters that have their default at every width. */
function plainOperator(kind: string, params: ParamValues, dModels: readonly number[]): Operator {
  const { params: schema } = blockOf(kind, 'kind')
  const kept = Object.entries(params).filter(([name, value]) =>
    dModels.some((dModel) => defaultOf(schema[name]!, { dModel }) !== value),
  )
  return kept.length === 0 ? { kind } : { kind, params: Object.fromEntries(kept) }
}

/** Every parameter of an operator at a width. Throws HeddleError where the block refuses them. */
function resolveOperator({ kind, params }: Operator, dModel: number, path: string): ParamValues {
  const block = blockOf(kind, path)
  const resolved = resolveParams(block.params, params, { dModel }, `${path}.params`)
  block.check?.(resolved as never, { dModel }, `${path}.params`)
  return resolved
}

/** The operator of the families that means the same block at a width; undefined if there is none. */
export function matchOperator(
  families: readonly Family[],
  item: Operator,
  dModel: number,
  path: string,
): Operator | undefined {
  const wanted = canonicalJson(resolveOperator(item, dModel, path))
  return families
    .flat()
    .find(
      (operator) => operator.kind === item.kind && canonicalJson(resolveOperator(operator, dModel, path)) === wanted,
    )
}

/** A random operator other than `except`: the family first, then the variant; undefined if there is no other. */
export function pickOperator(
  families: readonly Family[],
  rng: Rng,
  except: readonly Operator[] = [],
): Operator | undefined {
  const isFree = (operator: Operator): boolean => !except.some((other) => isSameOperator(operator, other))
  const open = families.map((family) => family.filter(isFree)).filter((family) => family.length > 0)
  return open.length === 0 ? undefined : rng.pick(rng.pick(open))
}

/** How many operators families hold. */
export const variantCount = (families: readonly Family[]): number =>
  families.reduce((sum, family) => sum + family.length, 0)

/** Reads one operator of a genome, which must be one of the families. */
export function operatorFrom(json: unknown, families: readonly Family[], path: string): Operator {
  const { kind, params } = objectFrom(json, ['kind', 'params'], path)
  const operator = {
    kind: textFrom(kind, `${path}.kind`),
    ...(params !== undefined && { params: objectFrom(params, undefined, `${path}.params`) as ParamValues }),
  }
  for (const family of families) for (const known of family) if (isSameOperator(operator, known)) return known
  return refuse(
    path,
    `${show(operatorKey(operator))} is not in the search space`,
    `it offers ${families.flat().map(operatorKey).join(', ')}`,
  )
}
