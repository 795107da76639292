import { HeddleError } from '#core/errors.ts'
import { listDevices } from '#main/api/devices.ts'
import type { Command } from './command.ts'
import { table } from './command.ts'
import { bytes } from './format.ts'

export const devices: Command = {
  name: 'devices',
  summary: 'This machine and what can run here',
  usage: '',
  help: 'Lists every execution target. One that is missing says why, and what would bring it.',
  examples: ['devices', 'devices --json'],
  run: ({ positionals }, output) => {
    if (positionals.length > 0) throw new HeddleError('usage', 'devices takes no arguments')
    const list = listDevices()
    if (output.isJson) return output.print(JSON.stringify(list, null, 2))
    const { environment: e } = list
    output.print(
      `${e.cpuModel ?? 'unknown processor'}, ${e.memoryBytes === null ? 'unknown memory' : bytes(e.memoryBytes)}, ${e.os} ${e.arch}, Node ${e.node}\n`,
    )
    output.print(
      table([
        ['target', 'state', ''],
        ...list.targets.map(({ kind, title, availability: a }) => [
          kind,
          a.isAvailable ? `ready ${a.version}` : 'missing',
          a.isAvailable ? title : a.reason,
        ]),
      ]),
    )
  },
}
