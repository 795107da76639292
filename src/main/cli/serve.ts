import { resolve } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { integer } from '#core/params.ts'
import type { Command } from './command.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Open the workbench in a browser',
  usage: '[--project FILE]',
  help: `Serves the workbench on this machine only and prints its address, which holds a secret token: who has it can do what\nyou can. From another machine: ssh -L 7340:127.0.0.1:7340 HOST, then open the printed address there.\nProjects are the files of --library.`,
  examples: ['serve', 'serve --project my.heddle --open', 'serve --project copied.heddle --read-only --port 0'],
  flags: {
    project: { type: 'text', value: 'FILE', doc: 'Project to open; made when it is missing.' },
    library: { type: 'text', value: 'FOLDER', doc: 'Folder of projects [that of the project, else ./projects]' },
    host: { type: 'text', value: 'ADDRESS', doc: 'Listen on this address instead of 127.0.0.1: others may reach it.' },
    'read-only': { type: 'switch', doc: 'Open projects for reading only.' },
    open: { type: 'switch', doc: 'Open the browser.' },
  },
  params: {
    port: integer({ doc: 'Port to listen on; 0 takes any free one.', min: 0, max: 65535, default: 7340 }),
  },
  async run({ positionals, text, switches, params }, output) {
    if (positionals.length > 0)
      throw new HeddleError('usage', 'serve takes no positional argument', { hint: 'serve --project FILE' })
    const { project, library, host } = text
    // the workbench brings more code than all other commands together
    const { serveUntil } = await import('../serve/host.ts')
    await serveUntil(output.signal, {
      ...(project !== undefined && { project: resolve(project) }),
      ...(library !== undefined && { library: resolve(library) }),
      ...(host !== undefined && { host }),
      port: Number(params['port'] ?? 7340),
      readonly: switches.has('read-only'),
      open: switches.has('open'),
      print: (url) => output.print(output.isJson ? JSON.stringify({ url }) : url),
      note: (line) => {
        if (!output.isQuiet) process.stderr.write(`${line}\n`)
      },
    })
  },
}
