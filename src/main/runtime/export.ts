// Files that leave Heddle: ONNX models of each phase, and safetensors with a config beside them.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { sizeOf } from '#core/graph/types.ts'
import type { Program } from '#core/graph/program.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { printSpecText } from '#core/model/text.ts'
import { initWeights } from '#core/model/weights.ts'
import { encodeSafetensors } from '#core/model/safetensors.ts'
import type { Weight } from '#core/model/declarations.ts'
import { encodeModel, encodeModelExternal } from '#core/onnx/encode.ts'
import { emitOnnx } from '#core/onnx/emit.ts'
import { trainPrograms } from '#core/optim/train-program.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { optimise } from '#core/passes/pipeline.ts'
import { readSafetensorsFile, writeFileAtomic } from './files.ts'
import { decodeProgram, prefillProgram } from './profile/programs.ts'
import type { InferenceShape } from './profile/programs.ts'
import type { Target } from './targets/target.ts'

/** Weights above this many bytes go to a file beside the model: a protobuf message ends at 2 GiB. */
const EXTERNAL_ABOVE_BYTES = 1.8 * 2 ** 30

export interface ExportOptions extends InferenceShape {
  readonly folder: string
  readonly target: Target
  /** Weights from a checkpoint; without one they are random from the seed. */
  readonly checkpoint?: string | undefined
  readonly seed: number
  readonly version: string
}

export type ExportFormat = 'prefill' | 'decode' | 'train' | 'safetensors'

/**
 * Writes the chosen files into a folder, which is made when it is missing, and returns their paths.
 * @throws HeddleError `file-unwritable`, `checkpoint-invalid` for weights of another architecture
 */
export async function exportSpec(
  spec: ArchSpec,
  formats: readonly ExportFormat[],
  train: TrainConfig,
  options: ExportOptions,
): Promise<string[]> {
  const paths: string[] = []
  for (const format of formats) {
    if (format === 'safetensors') paths.push(...(await exportWeights(spec, options)))
    else paths.push(...(await exportOnnx(spec, format, train, options)))
  }
  return paths
}

async function exportOnnx(
  spec: ArchSpec,
  format: 'prefill' | 'decode' | 'train',
  train: TrainConfig,
  options: ExportOptions,
): Promise<string[]> {
  const resolved = resolveSpec(spec)
  const { program, weights } = programOf(format, spec, train, options)
  const graph = optimise(program.graph, { claims: (node) => options.target.claims(node, program.phase) })
  const frozen = program.frozen.length === 0 ? new Map<string, Float32Array>() : loadWeights(weights, options)
  const model = emitOnnx(graph, {
    name: spec.name ?? printSpecText(spec),
    frozen,
    producerVersion: options.version,
    metadata: {
      'heddle.spec': JSON.stringify(spec),
      'heddle.pattern': printSpecText(spec),
      'heddle.phase': format,
      'heddle.seed': options.checkpoint === undefined ? String(options.seed) : '',
      'heddle.version': options.version,
      'heddle.metaTokens': String(resolved.settings.metaTokens),
      'heddle.bindings': JSON.stringify(program.bindings),
    },
  })
  const bytes = weights.reduce((sum, w) => sum + 4 * sizeOf(w.shape), 0)
  if (frozen.size === 0 || bytes <= EXTERNAL_ABOVE_BYTES) {
    return [await write(options.folder, `${format}.onnx`, [encodeModel(model)])]
  }
  const fileName = `${format}.onnx.data`
  const parts = encodeModelExternal(model, { threshold: 1024, fileName })
  // the weights first: the model is of no use without them
  const data = await write(options.folder, fileName, parts.external)
  return [await write(options.folder, `${format}.onnx`, [parts.model]), data]
}

/** Writes a file of the export and returns its path. */
async function write(folder: string, name: string, chunks: Iterable<Uint8Array>): Promise<string> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (error) {
    throw new HeddleError('file-unwritable', `the folder ${folder} cannot be made: ${(error as Error).message}`, {
      path: folder,
      hint: 'name a folder, or a place where one can be made',
    })
  }
  const path = join(folder, name)
  await writeFileAtomic(path, chunks)
  return path
}

function programOf(
  format: 'prefill' | 'decode' | 'train',
  spec: ArchSpec,
  train: TrainConfig,
  options: ExportOptions,
): { program: Program; weights: readonly Weight[] } {
  const resolved = resolveSpec(spec)
  if (format === 'prefill') return prefillProgram(resolved, options)
  if (format === 'decode') return decodeProgram(resolved, options)
  const { batch, weights } = trainPrograms(resolved, {
    batchSize: train.run.batchSize,
    seqLen: train.run.seqLen,
    optimiser: train.optimiser,
    accumulation: 1,
  })
  return { program: batch, weights }
}

async function exportWeights(spec: ArchSpec, options: ExportOptions): Promise<string[]> {
  const { weights } = decodeProgram(resolveSpec(spec), options)
  const data = loadWeights(weights, options)
  const tensors = weights.map(({ name, shape }) => ({ name, dtype: 'F32' as const, shape, data: data.get(name)! }))
  const config = new TextEncoder().encode(`${JSON.stringify(spec, null, 2)}\n`)
  return [
    await write(options.folder, 'model.safetensors', encodeSafetensors(tensors, { format: 'heddle weights 1' })),
    await write(options.folder, 'config.json', [config]),
  ]
}

function loadWeights(weights: readonly Weight[], { checkpoint, seed }: ExportOptions): Map<string, Float32Array> {
  if (checkpoint === undefined) return initWeights(weights, seed)
  const file = readSafetensorsFile(checkpoint)
  try {
    return new Map(
      weights.map(({ name, shape }) => {
        const entry = file.tensors.get(name)
        if (entry === undefined || entry.shape.join() !== shape.join())
          throw new HeddleError(
            'checkpoint-invalid',
            `the checkpoint has no tensor ${name} of shape [${shape.join(',')}]`,
            { path: checkpoint, hint: 'use the spec that the checkpoint was made with' },
          )
        return [name, file.readFloats(name)]
      }),
    )
  } finally {
    file.close()
  }
}
