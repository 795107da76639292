// The `heddle` command: finds the command, runs it, prints errors. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a run that
// diverged, 130 interrupted.

import { HeddleError } from '#core/errors.ts'
import type { Command } from './cli/command.ts'
import { commandHelp, parseCommand, table } from './cli/command.ts'
import { devices } from './cli/devices.ts'
import { docs } from './cli/docs.ts'
import { exportCommand } from './cli/export.ts'
import { lower } from './cli/lower.ts'
import { lut } from './cli/lut.ts'
import { profile } from './cli/profile.ts'
import { project } from './cli/project.ts'
import { search } from './cli/search.ts'
import { evaluate } from './cli/quality/evaluate.ts'
import { generate } from './cli/quality/generate.ts'
import { importCommand } from './cli/quality/import.ts'
import { study } from './cli/quality/study.ts'
import { trust } from './cli/quality/trust.ts'
import { serve } from './cli/serve.ts'
import { show } from './cli/show.ts'
import { sweep } from './cli/sweep.ts'
import { train } from './cli/train.ts'
import { HEDDLE_VERSION } from './version.ts'

export const commands: readonly Command[] = [
  devices,
  show,
  lower,
  train,
  evaluate,
  generate,
  importCommand,
  study,
  trust,
  profile,
  lut,
  sweep,
  search,
  exportCommand,
  project,
  serve,
  docs,
]

/** Signals that come so close are one wish to stop; a later one ends the program at once. */
const SAME_PRESS_MS = 1000

const help = (): string =>
  `heddle ${HEDDLE_VERSION}: design latency-optimal hybrid language models\n\n${table(commands.map((c) => [`  heddle ${c.name} ${c.usage}`, c.summary]))}\n\nheddle COMMAND --help explains a command. A stack is written as block symbols, 'd f m2 f a f'; heddle docs lists them.\n`

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help')
    return print(help(), name === undefined ? 2 : 0)
  if (name === '--version') return print(HEDDLE_VERSION, 0)
  const command = commands.find((c) => c.name === name)
  if (command === undefined)
    throw new HeddleError('usage', `unknown command ${JSON.stringify(name)}`, {
      hint: `commands: ${commands.map((c) => c.name).join(', ')}`,
    })
  const input = parseCommand(command, rest)
  if (input.switches.has('help')) return print(commandHelp(command), 0)
  const controller = new AbortController()
  let interruptedAt = 0
  const interrupt = (): void => {
    // one key press may arrive twice: from the terminal, and passed on by the launcher
    if (controller.signal.aborted && performance.now() - interruptedAt > SAME_PRESS_MS) process.exit(130)
    if (controller.signal.aborted) return
    interruptedAt = performance.now()
    controller.abort()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  try {
    const output = {
      print: (text: string) => void print(text, 0),
      isJson: input.switches.has('json'),
      isQuiet: input.switches.has('quiet'),
      signal: controller.signal,
    }
    return (await command.run(input, output)) ?? 0
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

function print(text: string, code: number): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return code
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // the reader of a pipe went away: nothing is left to say
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    if (!(error instanceof HeddleError)) throw error
    const isJson = process.argv.includes('--json')
    if (isJson) process.stdout.write(`${JSON.stringify({ error }, null, 2)}\n`)
    process.stderr.write(
      `heddle: ${error.message}\n${error.path === undefined ? '' : `  at ${error.path}\n`}${error.hint === undefined ? '' : `  ${error.hint}\n`}`,
    )
    process.exitCode =
      error.code === 'usage' || error.code === 'param-invalid' || error.code === 'spec-syntax'
        ? 2
        : error.code === 'job-cancelled'
          ? 130
          : 1
  },
)
