// Checkpoints: every state of a run in one safetensors file, written whole or not at all.

import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { encodeSafetensors } from '#core/model/safetensors.ts'
import { canonicalJson, hashSpec } from '#core/model/spec.ts'
import type { Weight } from '#core/model/declarations.ts'
import { adamw } from '#core/optim/adamw.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { momentName } from '#core/optim/train-program.ts'
import { readSafetensorsFile, writeFileAtomic } from '../files.ts'
import type { Session } from '../targets/target.ts'

export interface Checkpoint {
  /** Steps done. */
  readonly step: number
  readonly state: ReadonlyMap<string, Float32Array>
}

const stateNames = (weights: readonly Weight[]): { name: string; shape: readonly number[] }[] =>
  weights.flatMap(({ name, shape }) => [
    { name, shape },
    ...adamw.moments.map((m) => ({ name: momentName(m, name), shape })),
  ])

/** Checks before a run that its checkpoint can be written. Throws HeddleError `file-missing`. */
export function checkFolder(path: string): void {
  const folder = dirname(path)
  try {
    accessSync(folder, constants.W_OK)
  } catch (error) {
    throw new HeddleError('file-missing', `checkpoints cannot be written to ${folder}: ${(error as Error).message}`, {
      path,
      hint: 'name a file in a folder that exists and may be written to',
    })
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new HeddleError('file-missing', `${path} is a folder`, { path, hint: 'name a file for the checkpoint' })
}

/** Writes weights and moments after `step` steps. */
export async function saveCheckpoint(
  path: string,
  step: number,
  config: TrainConfig,
  weights: readonly Weight[],
  session: Session,
): Promise<void> {
  const tensors = stateNames(weights).map(({ name, shape }) => ({
    name,
    dtype: 'F32' as const,
    shape,
    data: session.read(name),
  }))
  await writeFileAtomic(
    path,
    encodeSafetensors(tensors, {
      format: 'heddle checkpoint 1',
      step: String(step),
      spec: canonicalJson(config.spec),
      specHash: hashSpec(config.spec),
      config: canonicalJson(config),
    }),
  )
}

/**
 * Reads a checkpoint for a run of the same architecture.
 * @throws HeddleError `checkpoint-invalid` when it belongs to another one or is incomplete
 */
export function loadCheckpoint(path: string, config: TrainConfig, weights: readonly Weight[]): Checkpoint {
  const file = readSafetensorsFile(path)
  try {
    const fail = (message: string, hint?: string): never => {
      throw new HeddleError('checkpoint-invalid', message, { path, hint })
    }
    const step = Number(file.metadata.get('step'))
    if (file.metadata.get('format') !== 'heddle checkpoint 1' || !Number.isInteger(step) || step < 0)
      fail('the file is not a heddle checkpoint')
    if (step > config.run.steps)
      fail(`the checkpoint is at step ${step}, the run ends at step ${config.run.steps}`, 'raise the number of steps')
    if (file.metadata.get('specHash') !== hashSpec(config.spec))
      fail('the checkpoint belongs to another architecture', 'resume with the spec that the checkpoint was made with')
    const state = new Map<string, Float32Array>()
    for (const { name, shape } of stateNames(weights)) {
      const entry = file.tensors.get(name) ?? fail(`tensor ${name} is missing`)
      if (entry.shape.join() !== shape.join())
        fail(`tensor ${name} is [${entry.shape.join(',')}], the model has [${shape.join(',')}]`)
      state.set(name, file.readFloats(name))
    }
    return { step, state }
  } finally {
    file.close()
  }
}
