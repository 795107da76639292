// Matrix products through cuBLASLt. Its matrices are column-major: a row-major product C = A B is asked for as Cᵀ = Bᵀ Aᵀ.

import { HeddleError } from '#core/errors.ts'
import { addressOf, loadFunctions } from './native.ts'
import type { NativeFunction } from './native.ts'
import type { MatmulShape, MatrixLayout } from './machine.ts'

const PROTOTYPES = {
  version: 'size_t cublasLtGetVersion()',
  create: 'int cublasLtCreate(_Out_ void **)',
  descriptor: 'int cublasLtMatmulDescCreate(_Out_ void **, int, int)',
  setDescriptor: 'int cublasLtMatmulDescSetAttribute(void *, int, void *, size_t)',
  destroyDescriptor: 'int cublasLtMatmulDescDestroy(void *)',
  layout: 'int cublasLtMatrixLayoutCreate(_Out_ void **, int, uint64_t, uint64_t, int64_t)',
  setLayout: 'int cublasLtMatrixLayoutSetAttribute(void *, int, void *, size_t)',
  destroyLayout: 'int cublasLtMatrixLayoutDestroy(void *)',
  preference: 'int cublasLtMatmulPreferenceCreate(_Out_ void **)',
  setPreference: 'int cublasLtMatmulPreferenceSetAttribute(void *, int, void *, size_t)',
  heuristic:
    'int cublasLtMatmulAlgoGetHeuristic(void *, void *, void *, void *, void *, void *, void *, int, void *, _Out_ int *)',
  matmul:
    'int cublasLtMatmul(void *, void *, void *, uint64_t, void *, uint64_t, void *, void *, uint64_t, void *, uint64_t, void *, void *, uint64_t, size_t, void *)',
} as const

const DATA_TYPE = { f32: 0, f16: 2, bf16: 14 } as const
const COMPUTE_F32 = 68
const COMPUTE_TF32 = 77
const TRANSPOSE_A = 3
const TRANSPOSE_B = 4
const BATCH_COUNT = 5
const BATCH_STRIDE = 6
const MAX_WORKSPACE = 1
/** cublasLtMatmulHeuristicResult_t: 64 bytes of algorithm, workspace size, status, waves and reserved words. */
const RESULT_BYTES = 96
const ALGORITHM_BYTES = 64

/** Scratch memory that any product may use. */
export const WORKSPACE_BYTES = 32 << 20

/** A product made ready for given shapes. */
export interface PreparedMatmul {
  /** How many algorithms there are to choose from. */
  readonly choices: number
  /** Runs the product with one of them on a stream. */
  run(choice: number, a: bigint, b: bigint, c: bigint, workspace: bigint, stream: unknown): void
}

export interface CublasLt {
  readonly path: string
  readonly version: number
  prepare(shape: MatmulShape, choices: number): PreparedMatmul
}

/**
 * Loads cuBLASLt. Each device has one of its own: what the library prepares belongs to the device whose context is current
 * then. Throws HeddleError `target-missing`.
 */
export function openCublasLt(path: string): CublasLt {
  const functions = loadFunctions(path, PROTOTYPES)
  const call = (doing: string, name: keyof typeof PROTOTYPES, ...args: readonly unknown[]): void => {
    const code = functions[name](...args)
    if (code !== 0) throw new HeddleError('target-failed', `cublasLt ${name} failed (${String(code)}) while ${doing}`)
  }
  const create = (doing: string, name: keyof typeof PROTOTYPES, ...args: readonly unknown[]): unknown => {
    const slot: unknown[] = [null]
    call(doing, name, slot, ...args)
    return slot[0]
  }
  let handle: unknown
  const prepared = new Map<string, PreparedMatmul>()
  return {
    path,
    version: Number(functions.version()),
    prepare: (shape, choices) => {
      const key = `${choices} ${JSON.stringify(shape)}`
      let found = prepared.get(key)
      if (found === undefined) {
        handle ??= create('opening the library', 'create')
        found = prepare(functions, handle, call, create, shape, choices)
        prepared.set(key, found)
      }
      return found
    },
  }
}

type Call = (doing: string, name: keyof typeof PROTOTYPES, ...args: readonly unknown[]) => void
type Create = (doing: string, name: keyof typeof PROTOTYPES, ...args: readonly unknown[]) => unknown

const textOf = ({ m, n, k, batch, a, b, c }: MatmulShape): string =>
  `multiplying ${batch} x [${m},${k}] ${a.type}${a.transposed ? 'ᵀ' : ''} by [${k},${n}] ${b.type}${b.transposed ? 'ᵀ' : ''} into ${c.type}`

function prepare(
  functions: Readonly<Record<keyof typeof PROTOTYPES, NativeFunction>>,
  handle: unknown,
  call: Call,
  create: Create,
  shape: MatmulShape,
  choices: number,
): PreparedMatmul {
  const { m, n, k, batch } = shape
  const doing = textOf(shape)
  const compute = shape.tf32 && shape.a.type === 'f32' ? COMPUTE_TF32 : COMPUTE_F32
  const descriptor = create(doing, 'descriptor', compute, DATA_TYPE.f32)
  const int = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value)
    return bytes
  }
  const long = (value: number): Buffer => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  }
  call(doing, 'setDescriptor', descriptor, TRANSPOSE_A, int(Number(shape.b.transposed)), 4)
  call(doing, 'setDescriptor', descriptor, TRANSPOSE_B, int(Number(shape.a.transposed)), 4)
  // row-major [rows, columns] is column-major [columns, rows]
  const layout = (matrix: MatrixLayout, rows: number, columns: number): unknown => {
    const [x, y] = matrix.transposed ? [rows, columns] : [columns, rows]
    const made = create(doing, 'layout', DATA_TYPE[matrix.type], x, y, matrix.lead)
    call(doing, 'setLayout', made, BATCH_COUNT, int(batch), 4)
    call(doing, 'setLayout', made, BATCH_STRIDE, long(matrix.stride), 8)
    return made
  }
  const a = layout(shape.a, m, k),
    b = layout(shape.b, k, n),
    c = layout(shape.c, m, n)
  const preference = create(doing, 'preference')
  call(doing, 'setPreference', preference, MAX_WORKSPACE, long(WORKSPACE_BYTES), 8)
  const results = Buffer.alloc(RESULT_BYTES * choices)
  const count: unknown[] = [0]
  call(doing, 'heuristic', handle, descriptor, b, a, c, c, preference, choices, results, count)
  const algorithms: { bytes: Buffer; workspace: number }[] = []
  for (let i = 0; i < Number(count[0]); i++) {
    const at = i * RESULT_BYTES
    if (results.readInt32LE(at + ALGORITHM_BYTES + 8) !== 0) continue
    algorithms.push({
      bytes: Buffer.from(results.subarray(at, at + ALGORITHM_BYTES)),
      workspace: Number(results.readBigUInt64LE(at + ALGORITHM_BYTES)),
    })
  }
  if (algorithms.length === 0) throw new HeddleError('target-failed', `cublasLt has no algorithm for ${doing}`)
  const scalars = Float32Array.of(1, 0)
  const one = addressOf(scalars)
  return {
    choices: algorithms.length,
    run: (choice, pa, pb, pc, workspace, stream) => {
      const { bytes, workspace: size } = algorithms[choice]!
      const alpha = one,
        beta = one + 4n
      // the array is named here so that it lives as long as this function
      if (scalars.length !== 2) return
      const args = [handle, descriptor, alpha, pb, b, pa, a, beta, pc, c, pc, c, bytes, workspace, size, stream]
      const code = functions.matmul(...args)
      if (code !== 0) throw new HeddleError('target-failed', `cublasLt failed (${String(code)}) while ${doing}`)
    },
  }
}
