// The tensors of a golden file, and the cuts along time that the step forms need.

import { decodeSafetensors } from '#core/model/safetensors.ts'
import { sameShape, sizeOf } from '#core/graph/types.ts'
import type { Shape } from '#core/graph/types.ts'
import { show } from '#core/params.ts'
import { field, invalid, listAt, objectAt, readBytes } from './json.ts'
import type { Json } from './json.ts'

export interface GoldenTensor {
  readonly shape: Shape
  readonly data: Float32Array | Int32Array
}

export type Tensors = ReadonlyMap<string, GoldenTensor>

const MAX_FILE_BYTES = 1 << 30

/**
 * Reads a safetensors file of F32 and I32 tensors.
 * @param declared what the index says of each tensor, if it does
 * @throws HeddleError `file-missing`, or `file-invalid` naming the tensor
 */
export function readTensors(path: string, declared?: unknown): Tensors {
  const file = decodeSafetensors(readBytes(path, MAX_FILE_BYTES))
  const tensors = new Map<string, GoldenTensor>()
  for (const { name, dtype, shape } of file.tensors.values()) {
    if (dtype !== 'F32' && dtype !== 'I32')
      invalid(path, `the tensor ${show(name)} is ${dtype}; golden files hold F32 and I32`)
    const data = file.read(name)
    if (data instanceof Float32Array || data instanceof Int32Array) tensors.set(name, { shape, data })
  }
  if (declared !== undefined) checkDeclared(tensors, objectAt(declared, `${path} tensors`), path)
  return tensors
}

function checkDeclared(tensors: Tensors, declared: Json, path: string): void {
  for (const name of Object.keys(declared)) {
    const entry = objectAt(declared[name], `${path} ${name}`)
    const found = tensors.get(name)
    if (found === undefined)
      return invalid(path, `the index lists the tensor ${show(name)}, which the file does not hold`)
    const shape = listAt(field(entry, 'shape'), `${path} ${name}`)
    const dtype = found.data instanceof Float32Array ? 'F32' : 'I32'
    if (field(entry, 'dtype') !== dtype || !sameShape(found.shape, shape as Shape))
      invalid(path, `the tensor ${show(name)} is ${dtype} ${show(found.shape)}, but the index says ${show(entry)}`)
  }
}

/** The tensor of a name with a shape; a `null` dimension may be anything. */
export function need(tensors: Tensors, name: string, shape?: readonly (number | null)[]): GoldenTensor {
  const found = tensors.get(name) ?? invalid(name, `the file holds no tensor ${show(name)}`)
  if (
    shape !== undefined &&
    (found.shape.length !== shape.length || shape.some((d, i) => d !== null && d !== found.shape[i]))
  )
    invalid(
      name,
      `the tensor ${show(name)} has the shape ${show(found.shape)}, expected ${show(shape).replaceAll('null', '?')}`,
    )
  return found
}

/** The float tensors whose names begin with a prefix, without it. */
export function withPrefix(tensors: Tensors, prefix: string): Map<string, GoldenTensor> {
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  )
}

/** Tokens `from` to `to` (exclusive) of [B, T, ...]. */
export function sliceTime({ shape, data }: GoldenTensor, from: number, to: number): GoldenTensor {
  const [batch, length, ...rest] = shape as [number, number, ...number[]]
  const row = sizeOf(rest)
  const cut =
    data instanceof Float32Array
      ? new Float32Array(batch * (to - from) * row)
      : new Int32Array(batch * (to - from) * row)
  for (let b = 0; b < batch; b++)
    cut.set(data.subarray((b * length + from) * row, (b * length + to) * row), b * (to - from) * row)
  return { shape: [batch, to - from, ...rest], data: cut }
}

/** Puts parts [B, t, ...] one after another along time. */
export function joinTime(parts: readonly GoldenTensor[]): GoldenTensor {
  const [batch, , ...rest] = parts[0]!.shape as [number, number, ...number[]]
  const length = parts.reduce((sum, part) => sum + part.shape[1]!, 0)
  const row = sizeOf(rest)
  const size = batch * length * row
  const data = parts[0]!.data instanceof Float32Array ? new Float32Array(size) : new Int32Array(size)
  let at = 0
  for (const part of parts) {
    const run = part.shape[1]! * row
    for (let b = 0; b < batch; b++) data.set(part.data.subarray(b * run, (b + 1) * run), b * length * row + at)
    at += run
  }
  return { shape: [batch, length, ...rest], data }
}

/** [B, ...] as one token [B, 1, ...]. */
export const asToken = ({ shape, data }: GoldenTensor): GoldenTensor => ({
  shape: [shape[0]!, 1, ...shape.slice(1)],
  data,
})
