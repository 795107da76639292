import { HeddleError } from '#core/errors.ts'
import { parseTrainConfig, RUN_PARAMS } from '#core/optim/train-config.ts'
import { choice, integer, resolveParams } from '#core/params.ts'
import { exportSpec } from '#main/runtime/export.ts'
import type { ExportFormat } from '#main/runtime/export.ts'
import { targetOf } from '#main/runtime/targets/index.ts'
import { HEDDLE_VERSION } from '../version.ts'
import type { Command } from './command.ts'
import { readSpec } from './spec-argument.ts'

const PARAMS = {
  format: choice({
    doc: 'Which files; inference is prefill, decode and safetensors.',
    choices: ['inference', 'all', 'prefill', 'decode', 'train', 'safetensors'],
    default: 'inference',
  }),
  batchSize: integer({ doc: 'Sequences.', min: 1, max: 65536, default: 1 }),
  promptLen: integer({ doc: 'Text tokens that the prefill model reads.', min: 1, max: 1 << 20, default: 128 }),
  context: integer({ doc: 'Text tokens that the caches hold.', min: 1, max: 1 << 22, default: 256 }),
  seqLen: RUN_PARAMS.seqLen,
  seed: integer({ doc: 'Seed of random weights, without a checkpoint.', min: 0, max: 2 ** 31 - 1, default: 1 }),
}

const FORMATS: Readonly<Record<string, readonly ExportFormat[]>> = {
  inference: ['prefill', 'decode', 'safetensors'],
  all: ['prefill', 'decode', 'train', 'safetensors'],
}

export const exportCommand: Command = {
  name: 'export',
  summary: 'Write ONNX models and safetensors',
  usage: 'SPEC --out FOLDER',
  help: 'prefill.onnx reads a prompt and gives logits and states; decode.onnx takes a token, its position and the states (metadata heddle.bindings says which output is which input).\ntrain.onnx is one optimiser step. model.safetensors holds the weights under the names of the spec, config.json the spec.',
  examples: [
    "export 'd f m2 f a f' --out build",
    'export my.json --checkpoint run.safetensors --out build --format decode --context 2048',
  ],
  flags: {
    out: { type: 'text', value: 'FOLDER', doc: 'Where the files go; made when missing.' },
    checkpoint: { type: 'text', value: 'FILE', doc: 'Weights from a checkpoint or from exported safetensors.' },
    target: { type: 'text', value: 'TARGET', doc: 'Whose fused ops the models may use [ort-cpu].' },
  },
  params: PARAMS,
  run: async ({ positionals, text, params }, output) => {
    if (positionals.length !== 1)
      throw new HeddleError('usage', 'export takes one spec', { hint: 'quote a pattern that has spaces' })
    const folder = text['out']
    if (folder === undefined) throw new HeddleError('usage', 'export needs --out FOLDER')
    const spec = readSpec(positionals[0]!)
    const { format, batchSize, promptLen, context, seqLen, seed } = resolveParams(
      PARAMS,
      params,
      { dModel: 0 },
      'flags',
    )
    const paths = await exportSpec(
      spec,
      FORMATS[format] ?? [format as ExportFormat],
      parseTrainConfig({ spec, run: { batchSize, seqLen } }),
      {
        folder,
        target: targetOf(text['target'] ?? 'ort-cpu'),
        checkpoint: text['checkpoint'],
        seed,
        batchSize,
        promptLen,
        context: Math.max(context, promptLen),
        version: HEDDLE_VERSION,
      },
    )
    output.print(output.isJson ? JSON.stringify({ paths }, null, 2) : paths.join('\n'))
  },
}
