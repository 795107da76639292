// One small vocabulary for parameters: integer, real, choice, flag. Everything reads it: the inspector form,
// the search space, the validator of files and messages, the command line's flags, the docs.

import { HeddleError } from './errors.ts'

interface Common<T> {
  /** One sentence for forms and docs. */
  readonly doc: string
  readonly unit?: string
  /** The default, or a rule that derives it from the dimensions around it (say so in `doc`). */
  readonly default: T | ((dims: Dims) => T)
  /** Values that a search may draw. Absent: not searched. */
  readonly search?: readonly T[]
}

/** What a derived default may look at. */
export interface Dims {
  readonly dModel: number
}

export interface IntegerParam<N extends null = never> extends Common<number | N> {
  readonly type: 'integer'
  readonly min: number
  readonly max: number
  /** `null` is allowed and means "none". */
  readonly nullable?: N extends null ? true : false
}
export interface RealParam<N extends null = never> extends Common<number | N> {
  readonly type: 'real'
  readonly min: number
  readonly max: number
  readonly nullable?: N extends null ? true : false
}
export interface ChoiceParam<C extends string> extends Common<C> {
  readonly type: 'choice'
  readonly choices: readonly C[]
}
export interface FlagParam extends Common<boolean> {
  readonly type: 'flag'
}

export type Param = IntegerParam | IntegerParam<null> | RealParam | RealParam<null> | ChoiceParam<string> | FlagParam
export type ParamSchema = Readonly<Record<string, Param>>
export type ParamValue = number | string | boolean | null
export type ParamValues = Readonly<Record<string, ParamValue>>

/** The values that a schema describes: `{heads: number, window: number | null, featureMap: 'elu' | 'relu'}`. */
export type ValuesOf<S extends ParamSchema> = {
  readonly [K in keyof S]: S[K] extends { type: 'integer' | 'real'; nullable: true }
    ? number | null
    : S[K] extends { type: 'integer' | 'real' }
      ? number
      : S[K] extends ChoiceParam<infer C>
        ? C
        : boolean
}

export const integer = (p: Omit<IntegerParam, 'type' | 'nullable'>) => ({ type: 'integer', ...p }) as const
export const real = (p: Omit<RealParam, 'type' | 'nullable'>) => ({ type: 'real', ...p }) as const
export const optionalInteger = (p: Omit<IntegerParam<null>, 'type' | 'nullable'>) =>
  ({ type: 'integer', nullable: true, ...p }) as const
export const optionalReal = (p: Omit<RealParam<null>, 'type' | 'nullable'>) =>
  ({ type: 'real', nullable: true, ...p }) as const
export const choice = <const C extends string>(p: Omit<ChoiceParam<C>, 'type'>): ChoiceParam<C> => ({
  type: 'choice',
  ...p,
})
export const flag = (p: Omit<FlagParam, 'type'>) => ({ type: 'flag', ...p }) as const

/** The default of one parameter for the given dimensions. */
export function defaultOf(param: Param, dims: Dims): ParamValue {
  return typeof param.default === 'function' ? param.default(dims) : param.default
}

/**
 * Fills in defaults and checks every value against the schema.
 * @throws HeddleError `param-invalid` with `path.<name>` for an unknown name, wrong type, or value out of range.
 */
export function resolveParams<S extends ParamSchema>(schema: S, given: unknown, dims: Dims, path: string): ValuesOf<S> {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given)))
    throw new HeddleError('param-invalid', `expected an object of parameters, got ${show(given)}`, { path })
  const values: Record<string, ParamValue> = {}
  for (const [name, value] of Object.entries(given ?? {})) {
    const param = Object.hasOwn(schema, name) ? schema[name] : undefined
    if (param === undefined) {
      const names = Object.keys(schema)
      throw new HeddleError('param-invalid', `unknown parameter ${show(name)}`, {
        path: `${path}.${name}`,
        hint: names.length > 0 ? `known parameters: ${names.join(', ')}` : 'this entry takes no parameters',
      })
    }
    if (value !== undefined) values[name] = checkParam(param, value, `${path}.${name}`)
  }
  for (const [name, param] of Object.entries(schema)) {
    if (!Object.hasOwn(values, name)) values[name] = checkParam(param, defaultOf(param, dims), `${path}.${name}`)
  }
  return values as ValuesOf<S>
}

/** Checks one value; returns it. Throws HeddleError `param-invalid` naming the value and the rule. */
export function checkParam(param: Param, value: unknown, path: string): ParamValue {
  const name = path.slice(path.lastIndexOf('.') + 1)
  const fail = (rule: string): never => {
    throw new HeddleError('param-invalid', `${name} (${show(value)}) must be ${rule}`, { path })
  }
  switch (param.type) {
    case 'flag':
      return typeof value === 'boolean' ? value : fail('true or false')
    case 'choice':
      return typeof value === 'string' && param.choices.includes(value)
        ? value
        : fail(`one of ${param.choices.join(', ')}`)
    case 'integer':
    case 'real': {
      if (value === null && param.nullable === true) return null
      const range = `${param.type === 'integer' ? 'an integer' : 'a number'} from ${param.min} to ${param.max}${param.nullable === true ? ', or none' : ''}`
      if (typeof value !== 'number' || !Number.isFinite(value)) return fail(range)
      if (param.type === 'integer' && !Number.isInteger(value)) return fail(range)
      return value >= param.min && value <= param.max ? value : fail(range)
    }
  }
}

/** A short printable form of any value, for messages. */
export function show(value: unknown): string {
  const text =
    typeof value === 'number'
      ? String(value)
      : typeof value === 'bigint'
        ? `${value}n`
        : (printable(value) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

function printable(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v))
  } catch {
    // a cycle: its kind must do
    return Object.prototype.toString.call(value)
  }
}
