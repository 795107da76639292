// The door of the workbench: every call that a screen may make, as data in and data out. Carriers (Electron's IPC, a WebSocket)
// bring names and arguments of unknown shape; each call says what it takes, and everything else is refused here.

import { HeddleError } from '#core/errors.ts'
import type { Context } from './context.ts'

/** Turns an argument of unknown shape into a value, or throws HeddleError naming its path. */
export type Reader<T> = (value: unknown, path: string) => T

type Readers = Readonly<Record<string, Reader<unknown>>>
type Values<A extends Readers> = { readonly [K in keyof A]: ReturnType<A[K]> }

/** What a screen passes: arguments that may be undefined may be left out. */
type Input<A extends Readers> = {
  readonly [K in keyof A as undefined extends ReturnType<A[K]> ? never : K]: ReturnType<A[K]>
} & { readonly [K in keyof A as undefined extends ReturnType<A[K]> ? K : never]?: ReturnType<A[K]> }

/** One call: the readers of its arguments, and the function behind it. */
export interface Call<A extends Readers = Readers, R = unknown> {
  readonly args: A
  // as a method, so that calls of any arguments fit one list
  run(context: Context, args: Values<A>): R | Promise<R>
}

/** Defines a call, with the types of its arguments inferred from their readers. */
export const call = <const A extends Readers, R>(args: A, run: Call<A, R>['run']): Call<A, R> => ({ args, run })

type Nouns = Readonly<Record<string, Readonly<Record<string, Call>>>>

/** The same calls as a screen sees them: promises, with one object of arguments. */
export type Client<N> = {
  readonly [Noun in keyof N]: {
    readonly [Verb in keyof N[Noun]]: N[Noun][Verb] extends Call<infer A, infer R>
      ? keyof A extends never
        ? () => Promise<Awaited<R>>
        : Record<never, never> extends Input<A>
          ? (args?: Input<A>) => Promise<Awaited<R>>
          : (args: Input<A>) => Promise<Awaited<R>>
      : never
  }
}

/**
 * Runs the call of a name such as `search.start`.
 * @throws HeddleError `usage` for an unknown call, `param-invalid` for arguments that do not fit, and what the call throws
 */
export async function dispatch(nouns: Nouns, context: Context, name: unknown, args: unknown): Promise<unknown> {
  const [noun = '', verb = '', ...rest] = typeof name === 'string' ? name.split('.') : []
  const group = Object.hasOwn(nouns, noun) ? nouns[noun] : undefined
  const found = group !== undefined && rest.length === 0 && Object.hasOwn(group, verb) ? group[verb] : undefined
  if (found === undefined) throw new HeddleError('usage', `there is no call ${String(name).slice(0, 80)}`)
  if (args !== undefined && (typeof args !== 'object' || args === null || Array.isArray(args)))
    throw new HeddleError('param-invalid', `${String(name)} takes an object of arguments`)
  const given = (args ?? {}) as Record<string, unknown>
  const readers = found.args
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(readers, key))
  if (unknown !== undefined)
    throw new HeddleError('param-invalid', `${String(name)} has no argument ${unknown.slice(0, 80)}`, {
      path: unknown.slice(0, 80),
    })
  const values = Object.fromEntries(
    Object.entries(readers).map(([key, read]) => [key, read(Object.hasOwn(given, key) ? given[key] : undefined, key)]),
  )
  return await found.run(context, values)
}
