// The weights of a checkpoint behind a forward graph that gives the log probability of every target.

import { HeddleError } from '#core/errors.ts'
import type { Program } from '#core/graph/program.ts'
import { lower } from '#core/model/lower.ts'
import type { ModelOutput } from '#core/model/lower.ts'
import { hashSpec, parseSpec, resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec, ResolvedSpec } from '#core/model/spec.ts'
import { readSafetensorsFile } from '../files.ts'
import type { Session, Target } from '../targets/target.ts'

/** A model with its weights, ready to be opened at any batch shape. */
export interface EvalModel {
  readonly spec: ArchSpec
  readonly resolved: ResolvedSpec
  readonly weights: ReadonlyMap<string, Float32Array>
}

/** Throws `tokenizer-invalid` for a tokenizer with more entries than a model has. */
export function checkVocabulary({ resolved }: EvalModel, entries: number): void {
  const { vocabSize } = resolved.settings
  if (entries > vocabSize)
    throw new HeddleError('tokenizer-invalid', `the tokenizer has ${entries} entries, the model ${vocabSize}`, {
      path: 'tokenizer',
      hint: 'use the tokenizer that the model was trained with',
    })
}

/**
 * Reads the weights of a checkpoint, or of any safetensors file with the same tensor names.
 * @param given the architecture; by default the one that the checkpoint names
 * @throws HeddleError `file-missing`, `file-invalid`, `checkpoint-invalid` when it does not fit the architecture
 */
export function loadModel(path: string, given: ArchSpec | null): EvalModel {
  const file = readSafetensorsFile(path)
  try {
    const fail = (message: string, hint?: string): never => {
      throw new HeddleError('checkpoint-invalid', message, { path, hint })
    }
    const spec =
      given ??
      specOf(file.metadata.get('spec')) ??
      fail('the file does not say which architecture it belongs to', 'give the spec')
    const hash = file.metadata.get('specHash')
    if (hash !== undefined && hash !== hashSpec(spec))
      fail('the checkpoint belongs to another architecture', 'leave the spec out to use the one in the checkpoint')
    const resolved = resolveSpec(spec)
    const weights = new Map<string, Float32Array>()
    for (const { name, shape } of lower(resolved, { phase: 'train', batchSize: 1, seqLen: 8, outputs: ['logProbs'] })
      .weights) {
      const entry = file.tensors.get(name) ?? fail(`tensor ${name} is missing`)
      if (entry.shape.join() !== shape.join())
        fail(`tensor ${name} is [${entry.shape.join(',')}], the model has [${shape.join(',')}]`)
      weights.set(name, file.readFloats(name))
    }
    return { spec, resolved, weights }
  } finally {
    file.close()
  }
}

function specOf(json: string | undefined): ArchSpec | undefined {
  return json === undefined ? undefined : parseSpec(JSON.parse(json))
}

/** Opens the forward graph of a model at one shape. */
export function openForward(
  { resolved, weights }: EvalModel,
  target: Target,
  shape: { readonly batchSize: number; readonly seqLen: number },
  outputs: readonly ModelOutput[],
  threads: number | null,
): Promise<Session> {
  const { graph } = lower(resolved, { phase: 'train', ...shape, outputs })
  const program: Program = { name: 'evaluate', phase: 'train', graph, bindings: [], frozen: [...weights.keys()] }
  return target.open(program, { initial: weights, ...(threads !== null && { threads }) })
}
