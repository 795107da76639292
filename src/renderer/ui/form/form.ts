// What the parameter form shows for a schema and values. Pure.

import { checkParam, defaultOf, type Dims, type Param, type ParamSchema, type ParamValue } from '#core/params.ts'
import { HeddleError } from '#core/errors.ts'

export interface FormRow {
  readonly name: string
  readonly param: Param
  /** The given value, or the default. */
  readonly value: ParamValue
  readonly fallback: ParamValue
  readonly changed: boolean
  /** What null means here, as the parameter's own sentence has it: `none`, else `automatic`. */
  readonly nullMeans: string
  readonly error: string | undefined
}

/** Values as a form gets them; what is absent has its default. */
export type FormValues = Readonly<Record<string, ParamValue | undefined>>

/** One row for each parameter in the schema's order, of those whose name or sentence holds every word of the query. */
export function formRows(
  schema: ParamSchema,
  values: FormValues,
  dims: Dims,
  errors: Readonly<Record<string, string>> = {},
  query = '',
): FormRow[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  return Object.entries(schema).flatMap(([name, param]): FormRow[] => {
    const text = `${name} ${param.doc}`.toLowerCase()
    if (!words.every((word) => text.includes(word))) return []
    const fallback = defaultOf(param, dims)
    const given = Object.hasOwn(values, name) ? values[name] : undefined
    const value = given === undefined ? fallback : given
    const error = (Object.hasOwn(errors, name) ? errors[name] : undefined) ?? ruleBroken(name, param, value)
    const nullMeans = /\bnone\b/i.test(param.doc) ? 'none' : 'automatic'
    return [{ name, param, value, fallback, changed: value !== fallback, nullMeans, error }]
  })
}

function ruleBroken(name: string, param: Param, value: ParamValue): string | undefined {
  try {
    checkParam(param, value, name)
    return undefined
  } catch (error) {
    if (error instanceof HeddleError) return error.message
    throw error
  }
}

/** How a value is printed in the form: `on`, `automatic`, `128 tokens`. */
export function printValue({ param, nullMeans }: Pick<FormRow, 'param' | 'nullMeans'>, value: ParamValue): string {
  if (value === null) return nullMeans
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return param.unit === undefined ? String(value) : `${value} ${param.unit}`
}

/** The allowed range of a number, for its help. */
export function printRange(param: Param): string | undefined {
  if (param.type !== 'integer' && param.type !== 'real') return undefined
  const unit = param.unit === undefined ? '' : ` ${param.unit}`
  return `From ${param.min} to ${param.max}${unit}.`
}
