// Commands of `heddle`: what each is called, which flags it takes, what it does. Help, parsing and checks come from here.

import { parseArgs } from 'node:util'
import { HeddleError } from '#core/errors.ts'
import { checkParam, defaultOf } from '#core/params.ts'
import type { Param, ParamSchema, ParamValue } from '#core/params.ts'

/** A flag that is no parameter: text or a switch. */
export interface Flag {
  readonly type: 'text' | 'switch'
  readonly doc: string
  /** Placeholder in the help: `FILE`. */
  readonly value?: string
}

export interface CommandInput {
  readonly positionals: readonly string[]
  /** Text flags that were given. */
  readonly text: Readonly<Record<string, string>>
  readonly switches: ReadonlySet<string>
  /** Parameters that were given, checked. */
  readonly params: Readonly<Record<string, ParamValue>>
}

export interface CommandOutput {
  /** Results: standard output. */
  print(text: string): void
  readonly isJson: boolean
  readonly isQuiet: boolean
  readonly signal: AbortSignal
}

export interface Command {
  readonly name: string
  readonly summary: string
  /** Arguments in the usage line: `SPEC...`. */
  readonly usage: string
  readonly help: string
  readonly examples: readonly string[]
  readonly flags?: Readonly<Record<string, Flag>>
  readonly params?: ParamSchema
  /** Returns the exit code; 0 without one. Errors are printed by the caller. */
  run(input: CommandInput, output: CommandOutput): Promise<number | void> | number | void
}

const COMMON: Readonly<Record<string, Flag>> = {
  json: { type: 'switch', doc: 'Print the result as JSON.' },
  quiet: { type: 'switch', doc: 'No progress.' },
  help: { type: 'switch', doc: 'Print this help.' },
}

/** `weightNorm` -> `weight-norm`. */
export const kebab = (name: string): string => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)

/** Reads the arguments of a command. Throws HeddleError `usage` or `param-invalid`. */
export function parseCommand(command: Command, args: readonly string[]): CommandInput {
  const flags = { ...COMMON, ...command.flags }
  const params = command.params ?? {}
  const options = Object.fromEntries([
    ...Object.entries(flags).map(([name, f]) => [name, { type: f.type === 'switch' ? 'boolean' : 'string' }] as const),
    ...Object.entries(params).map(
      ([name, p]) => [kebab(name), { type: p.type === 'flag' ? 'boolean' : 'string' }] as const,
    ),
  ]) as Record<string, { type: 'boolean' | 'string' }>
  let parsed
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, allowNegative: true, strict: true })
  } catch (error) {
    throw new HeddleError(
      'usage',
      (error as Error).message.split('. ')[0]!.replace(/^./, (c) => c.toLowerCase()),
      { hint: `heddle ${command.name} --help lists the flags` },
    )
  }
  const given = parsed.values as Readonly<Record<string, string | boolean | undefined>>
  const text: Record<string, string> = {}
  const switches = new Set<string>()
  const values: Record<string, ParamValue> = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    const flag = flags[name]
    const param = Object.entries(params).find(([key]) => kebab(key) === name)
    if (flag !== undefined) {
      if (typeof value === 'string') text[name] = value
      else if (value) switches.add(name)
    } else if (param !== undefined) values[param[0]] = readParam(param[1], value, `--${name}`)
  }
  return { positionals: parsed.positionals, text, switches, params: values }
}

function readParam(param: Param, value: string | boolean, flag: string): ParamValue {
  if (typeof value === 'boolean') return checkParam(param, value, flag)
  if (value === 'none') return checkParam(param, null, flag)
  const isNumber =
    (param.type === 'integer' || param.type === 'real') && value.trim() !== '' && !Number.isNaN(Number(value))
  // other text is refused as it was typed
  return checkParam(param, isNumber ? Number(value) : value, flag)
}

/** The help page of a command. */
export function commandHelp(command: Command): string {
  const rows: [string, string][] = [
    ...Object.entries(command.params ?? {}).map(([name, p]): [string, string] => [
      p.type === 'flag' ? `--[no-]${kebab(name)}` : `--${kebab(name)} ${placeholder(p)}`,
      `${p.doc}${defaultText(p)}`,
    ]),
    ...Object.entries({ ...command.flags, ...COMMON }).map(([name, f]): [string, string] => [
      f.type === 'switch' ? `--${name}` : `--${name} ${f.value ?? 'TEXT'}`,
      f.doc,
    ]),
  ]
  const width = Math.max(...rows.map(([flag]) => flag.length)) + 2
  return [
    `${command.summary}`,
    '',
    `  heddle ${command.name} ${command.usage}`.trimEnd(),
    '',
    command.help,
    '',
    'Examples',
    ...command.examples.map((e) => `  heddle ${e}`),
    '',
    'Flags',
    ...rows.map(([flag, doc]) => `  ${flag.padEnd(width)}${doc}`),
    '',
  ].join('\n')
}

const placeholder = (p: Param): string => (p.type === 'choice' ? p.choices.join('|') : p.type === 'integer' ? 'N' : 'X')

function defaultText(param: Param): string {
  if (param.type === 'flag' || typeof param.default === 'function') return ''
  const value = defaultOf(param, { dModel: 0 })
  return value === null ? '' : ` [${String(value)}]`
}

/** Columns padded to a common width; numbers are given as text. */
export function table(rows: readonly (readonly string[])[], alignRight: readonly number[] = []): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((r) => r[i]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, i) => (alignRight.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
