import { HeddleError } from '#core/errors.ts'
import type { GenerateAnswer } from '#main/runtime/generate/job.ts'
import { GENERATE_PARAMS, parseGeneratePayload } from '#main/runtime/generate/job.ts'
import { startRunner } from '#main/runtime/link.ts'
import { parseProgressEvent } from '#main/runtime/progress.ts'
import { terminalProgress } from '#main/terminal.ts'
import type { Command } from '../command.ts'
import { readSpec } from '../spec-argument.ts'

export const generate: Command = {
  name: 'generate',
  summary: 'Continue a text with a checkpoint',
  usage: '[SPEC] --checkpoint FILE --prompt TEXT',
  help: 'Draws tokens behind a prompt, one after the other; the same seed gives the same text. Without SPEC, the checkpoint says which stack it is.\nDraws are part of the graph and happen on the device that computes the logits.',
  examples: [
    "generate --checkpoint run.safetensors --tokenizer bytes --prompt 'The state of' --tokens 200",
    "generate --checkpoint run.safetensors --prompt 'My fellow' --temperature 0 --target cuda",
  ],
  flags: {
    checkpoint: { type: 'text', value: 'FILE', doc: 'Weights (safetensors).' },
    prompt: { type: 'text', value: 'TEXT', doc: 'What is continued.' },
    tokenizer: { type: 'text', value: 'NAME', doc: 'bytes, sotu-4096 or the path of a tokenizer.json [sotu-4096].' },
    target: { type: 'text', value: 'TARGET', doc: 'Execution target [ort-cpu].' },
  },
  params: GENERATE_PARAMS,
  run: async ({ positionals, text, params }, output) => {
    if (positionals.length > 1)
      throw new HeddleError('usage', 'generate takes one spec', { hint: 'quote a pattern that has spaces' })
    for (const name of ['checkpoint', 'prompt'])
      if (text[name] === undefined) throw new HeddleError('usage', `generate needs --${name}`)
    const payload = parseGeneratePayload({
      spec: positionals[0] === undefined ? null : readSpec(positionals[0]),
      checkpoint: text['checkpoint'],
      prompt: text['prompt'],
      tokenizer: text['tokenizer'],
      target: text['target'],
      options: params,
    })
    const runner = startRunner()
    const progress = terminalProgress(process.stderr, { isQuiet: output.isQuiet || output.isJson })
    try {
      const answer = await runner.submit<GenerateAnswer>('generate', payload, {
        signal: output.signal,
        onProgress: (value) => {
          const event = parseProgressEvent(value)
          if (event !== undefined) progress.update(event)
        },
      })
      progress.end()
      output.print(
        output.isJson ? JSON.stringify(answer, null, 2) : answer.texts.map((t) => answer.prompt + t).join('\n\n'),
      )
    } finally {
      progress.end()
      await runner.close()
    }
  },
}
