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
  destroyPreference: 'int cublasLtMatmulPreferenceDestroy(void *)',
  heuristic:
    'int cublasLtMatmulAlgoGetHeuristic(void *, void *, void *, void *, void *, void *, void *, int, void *, _Out_ int *)',
  check: 'int cublasLtMatmulAlgoCheck(void *, void *, void *, void *, void *, void *, void *, void *)',
  matmul:
    'int cublasLtMatmul(void *, void *, void *, uint64_t, void *, uint64_t, void *, void *, uint64_t, void *, uint64_t, void *, void *, uint64_t, size_t, void *)',
} as const

const DATA_TYPE = { f32: 0, bf16: 14 } as const
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
const STATUS_AT = ALGORITHM_BYTES + 8
const workspaceOf = (result: Buffer): number => Number(result.readBigUInt64LE(ALGORITHM_BYTES))

/** Scratch memory that any product may use. */
export const WORKSPACE_BYTES = 32 << 20

/** A way to compute a product, as the library describes it. */
export interface Algorithm {
  readonly bytes: Buffer
  /** Bytes of scratch memory that it needs. */
  readonly workspace: number
}

/** A product made ready for given shapes. */
export interface PreparedMatmul {
  /** Algorithms that the library proposes, its best guess first; at least one. */
  propose(count: number): readonly Algorithm[]
  /** A description of an algorithm from elsewhere, unless the library refuses it for this product. */
  check(bytes: Buffer): Algorithm | undefined
  run(algorithm: Algorithm, a: bigint, b: bigint, c: bigint, workspace: bigint, stream: unknown): void
}

export interface CublasLt {
  readonly path: string
  readonly version: number
  prepare(shape: MatmulShape): PreparedMatmul
}

let opened: CublasLt | undefined

/** Loads cuBLASLt; one per process. Throws HeddleError `target-missing`. */
export function openCublasLt(path: string): CublasLt {
  opened ??= open(path)
  return opened
}

function open(path: string): CublasLt {
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
  return {
    path,
    version: Number(functions.version()),
    prepare: (shape) => {
      handle ??= create('opening the library', 'create')
      return prepare(functions, handle, call, create, shape)
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
  const propose = (choices: number): Algorithm[] => {
    const preference = create(doing, 'preference')
    call(doing, 'setPreference', preference, MAX_WORKSPACE, long(WORKSPACE_BYTES), 8)
    const results = Buffer.alloc(RESULT_BYTES * choices)
    const count: unknown[] = [0]
    call(doing, 'heuristic', handle, descriptor, b, a, c, c, preference, choices, results, count)
    call(doing, 'destroyPreference', preference)
    const algorithms = Array.from({ length: Number(count[0]) }, (_, i) =>
      results.subarray(i * RESULT_BYTES, (i + 1) * RESULT_BYTES),
    )
      .filter((result) => result.readInt32LE(STATUS_AT) === 0)
      .map((result) => ({ bytes: result.subarray(0, ALGORITHM_BYTES), workspace: workspaceOf(result) }))
    if (algorithms.length === 0) throw new HeddleError('target-failed', `cublasLt has no algorithm for ${doing}`)
    return algorithms
  }
  const check = (bytes: Buffer): Algorithm | undefined => {
    if (bytes.length !== ALGORITHM_BYTES) return undefined
    const result = Buffer.alloc(RESULT_BYTES)
    const code = functions.check(handle, descriptor, b, a, c, c, bytes, result)
    const isTaken = code === 0 && result.readInt32LE(STATUS_AT) === 0 && workspaceOf(result) <= WORKSPACE_BYTES
    return isTaken ? { bytes, workspace: workspaceOf(result) } : undefined
  }
  const scalars = Float32Array.of(1, 0)
  const one = addressOf(scalars)
  return {
    propose,
    check,
    run: ({ bytes, workspace: size }, pa, pb, pc, workspace, stream) => {
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
