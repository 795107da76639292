// Products with three to eight rows, on tensor cores: a block takes sixteen rows of the weight, its warps every eighth stretch
// of 32 numbers of them. Every thread copies pieces of the weight ahead into a ring of its own in shared memory. The order of k within a stretch is the same for both operands and
// otherwise free, so that each lane loads 16 bytes of a row and has what two products of tiles want of it.

import { TENSOR_CORE } from '../native/tensor-core.ts'
import { rowsFunction } from './form.ts'
import type { Form, FormInput } from './form.ts'

const THREADS = 256
const WARPS = THREADS / 32
const BLOCKS = 264
const TILE = 16
/** Numbers between rows of x, beside their own, so that rows begin in different banks. */
const PADDING = 32
/** Columns of the sums: the width of a product of tiles. */
const COLUMNS = 8

/** Shared memory of a block, which every device has, and pieces that a thread has under way in its ring. */
const BLOCK_BYTES = 97 << 10
const MAX_DEPTH = 12
const MIN_DEPTH = 4

/** Copies ahead, by a thread for itself. */
const COPIES = `
/** Copies 16 bytes to shared memory without waiting; nothing is read, and zeros written, where \`isInside\` is false. */
__device__ __forceinline__ void copy_ahead(uint4 *to, const void *from, bool isInside) {
#ifdef HEDDLE_ON_CPU
  to->x = to->y = to->z = to->w = 0;
  if (isInside) *to = *(const uint4 *)from;
#else
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"((unsigned)__cvta_generic_to_shared(to)), "l"(from), "r"(isInside ? 16u : 0u));
#endif
}
__device__ __forceinline__ void end_of_copies() {
#ifndef HEDDLE_ON_CPU
  asm volatile("cp.async.commit_group;");
#endif
}
/** Waits until all but the last LEFT groups of this thread's copies are there. */
template <int LEFT> __device__ __forceinline__ void wait_for_copies() {
#ifndef HEDDLE_ON_CPU
  asm volatile("cp.async.wait_group %0;" :: "n"(LEFT) : "memory");
#endif
}
`

const TILE_STREAM = `
/** Sixteen rows of a weight after the other, of which each warp has every eighth stretch of 32 numbers. */
template <int K, int M, int DEPTH, class Rows, class Heights> struct TileStream {
  static constexpr int TRIPS = (K + 255) / 256;
  const Rows &rows;
  const Heights &heights;
  uint4 *ring;
  const bf16 *at;
  unsigned lane, warp, task, row, trip, tasks, stride, filled, used, height;
  __device__ __forceinline__ TileStream(const Rows &rows, const Heights &heights, uint4 *ring, unsigned lane, unsigned warp, unsigned task, unsigned tasks, unsigned stride)
      : rows(rows), heights(heights), ring(ring), at(task < tasks ? rows(task, 0) : 0), lane(lane), warp(warp), task(task), row(0), trip(0), tasks(tasks), stride(stride), filled(0), used(0), height(task < tasks ? heights(task) : 0) {
#pragma unroll
    for (int i = 0; i < DEPTH - 1; i++) ahead();
  }
  __device__ __forceinline__ void ahead() {
    if (at != 0) {
      unsigned j = (trip * 8 + warp) * 32 + lane % 4 * 8;
#pragma unroll
      for (int half = 0; half < 2; half++) {
        unsigned r = lane / 4 + half * 8;
        bool isInside = (K % 256 == 0 || j < K) && r < height;
        copy_ahead(ring + filled * 64 + half * 32, at + (isInside ? r * K + j : 0), isInside);
      }
      filled = filled + 1 == DEPTH ? 0 : filled + 1;
      if (++trip == TRIPS) {
        trip = 0;
        at = rows(task, ++row);
        if (at == 0) {
          row = 0;
          task += stride;
          at = task < tasks ? rows(task, 0) : 0;
          height = task < tasks ? heights(task) : 0;
        }
      }
    }
    end_of_copies();
  }
  /** This warp's part of the sums of the next tile. */
  __device__ __forceinline__ void next(const bf16 *x, float (&sums)[4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) sums[i] = 0.0f;
#pragma unroll 4
    for (int t = 0; t < TRIPS; t++) {
      wait_for_copies<DEPTH - 2>();
      uint4 upper = ring[used * 64], lower = ring[used * 64 + 32];
      used = used + 1 == DEPTH ? 0 : used + 1;
      ahead();
      unsigned j = (t * 8 + warp) * 32 + lane % 4 * 8;
      if (!(K % 256 == 0 || j < K)) j = 0;
      uint4 y = *(const uint4 *)(x + min(lane / 4, M - 1u) * (K + ${PADDING}) + j);
      unsigned first[4] = {upper.x, lower.x, upper.y, lower.y}, second[4] = {upper.z, lower.z, upper.w, lower.w};
      mma(sums, first, y.x, y.y);
      mma(sums, second, y.z, y.w);
    }
  }
};
`

/** The form for bf16 weights, or undefined where it does not fit. */
export function tileForm({ job, bufferOf }: FormInput): Form | undefined {
  const { m, k } = job
  const rowBytes = 2 * (k + PADDING)
  const products = Math.max(...job.parts.map((part) => part.products.length))
  // sums of the warps, for two tiles in turn
  const sumBytes = 2 * WARPS * products * TILE * COLUMNS * 4
  const slots = 2 ** Math.ceil(Math.log2(m))
  const depth = Math.min(MAX_DEPTH, Math.floor((BLOCK_BYTES - slots * rowBytes - sumBytes) / (THREADS * 32)))
  if (k % 32 !== 0 || depth < MIN_DEPTH) return undefined
  const ringBytes = THREADS * 32 * depth
  const place = (slot: string, j: string): string => `x[${slot} * ${k + PADDING}u + ${j}]`
  return {
    threads: THREADS,
    blocks: BLOCKS,
    isByBlock: true,
    rows: () => TILE,
    rowBytes,
    x: `bf16 *x = (bf16 *)(memory + ${ringBytes + sumBytes});`,
    readElement: (slot, j) => `load(&${place(slot, j)}, 0)`,
    writeElement: (slot, j, element) => `store(&${place(slot, j)}, 0, ${element});`,
    otherBytes: ringBytes + sumBytes,
    minBlocks: undefined,
    uses: [TENSOR_CORE, COPIES, TILE_STREAM],
    begin: (placed, writer) => [
      ...rowsFunction(placed, k, bufferOf, writer),
      'auto heights = [=](unsigned task) -> unsigned {',
      ...placed.map(
        ({ part: { n }, from, to }) => `if (task < ${to}u) return min(${n}u - (task - ${from}u) * ${TILE}u, ${TILE}u);`,
      ),
      'return 0;',
      '};',
      `TileStream<${k}, ${m}, ${depth}, decltype(rows), decltype(heights)> stream(rows, heights, (uint4 *)memory + warp * ${64 * depth}u + lane, lane, warp, first, ${placed.at(-1)!.to}u, stride);`,
      `float *all_sums = (float *)(memory + ${ringBytes});`,
      'unsigned turn = 0;',
    ],
    sums: ({ part: { n, products: own }, from }) => [
      `float *turn_sums = all_sums + turn * ${WARPS * products * TILE * COLUMNS}u;`,
      'turn ^= 1u;',
      ...own.flatMap((_, p) => [
        '{',
        'float sums[4];',
        'stream.next(x, sums);',
        `float *mine = turn_sums + (warp * ${products}u + ${p}u) * ${TILE * COLUMNS}u + lane / 4u * ${COLUMNS}u + lane % 4u * 2u;`,
        `mine[0] = sums[0]; mine[1] = sums[1]; mine[${8 * COLUMNS}] = sums[2]; mine[${8 * COLUMNS + 1}] = sums[3];`,
        '}',
      ]),
      '__syncthreads();',
      `unsigned b = threadIdx.x % ${m}u, place = threadIdx.x / ${m}u, c = (task - ${from}u) * ${TILE}u + place;`,
      `bool isMine = threadIdx.x < ${TILE * m}u && c < ${n}u;`,
      ...own.map((_, p) => `float y${p} = 0.0f;`),
      'if (isMine) {',
      ...own.map(
        (_, p) =>
          `for (unsigned w = 0; w < ${WARPS}u; w++) y${p} += turn_sums[(w * ${products}u + ${p}u) * ${TILE * COLUMNS}u + place * ${COLUMNS}u + b];`,
      ),
      '}',
    ],
  }
}
