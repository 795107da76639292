// Device functions for products on tensor cores, shared by kernels written by hand: asynchronous copies into swizzled tiles of
// shared memory, and products of tiles with f32 accumulators in registers. One text serves every device from capability 8.0:
// where the compiler is told of sm_90a, a product is a `wgmma` of four warps that reads the tiles itself (warp-group.ts);
// elsewhere each warp does it by `mma.sync`. The layouts of accumulators and tiles are the same for both, so kernels do not see
// the difference. Source: PTX ISA 9.0, section 9.7.14.

import { WARP_GROUP } from './warp-group.ts'

/** What is one instruction, or has no word in C++. Tests give these functions a meaning on the CPU. */
const INSTRUCTIONS = `
extern __shared__ __align__(1024) unsigned char shared_memory[];
__device__ __forceinline__ unsigned shared_start() { return (unsigned)__cvta_generic_to_shared(shared_memory); }
__device__ __forceinline__ void copy_async16(unsigned to, const void *from, bool exists) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(to), "l"(from), "r"(exists ? 16 : 0) : "memory");
}
__device__ __forceinline__ void copy_async4(unsigned to, const void *from, bool exists) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" :: "r"(to), "l"(from), "r"(exists ? 4 : 0) : "memory");
}
__device__ __forceinline__ void copies_end() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits for this thread's copies but the LEFT last groups and makes them visible to tensor cores; a barrier must follow.
template <int LEFT> __device__ __forceinline__ void copies_wait() {
  asm volatile("cp.async.wait_group %0;" :: "n"(LEFT) : "memory");
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}
// A barrier that the warps of a block may reach at different places of the program.
__device__ __forceinline__ void block_barrier() { asm volatile("bar.sync 0;" ::: "memory"); }
__device__ __forceinline__ void store_shared(unsigned to, unsigned x) { asm volatile("st.shared.b32 [%0], %1;" :: "r"(to), "r"(x) : "memory"); }
__device__ __forceinline__ unsigned load_shared(unsigned from) {
  unsigned x;
  asm volatile("ld.shared.b32 %0, [%1];" : "=r"(x) : "r"(from) : "memory");
  return x;
}
__device__ __forceinline__ uint4 load_shared16(unsigned from) {
  uint4 x;
  asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4];" : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w) : "r"(from) : "memory");
  return x;
}
__device__ __forceinline__ float power_of_two(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
// Two numbers as bf16 in one register, the first in the lower half.
__device__ __forceinline__ unsigned pack(float low, float high) {
  unsigned y;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
  return y;
}
__device__ __forceinline__ void mma(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
    : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ void load_matrices(unsigned (&f)[4], unsigned address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(f[0]), "=r"(f[1]), "=r"(f[2]), "=r"(f[3]) : "r"(address) : "memory");
}
__device__ __forceinline__ void load_transposed(unsigned (&f)[4], unsigned address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(f[0]), "=r"(f[1]), "=r"(f[2]), "=r"(f[3]) : "r"(address) : "memory");
}
// The transpose of an 8x8 matrix that is spread over a warp as in a fragment.
__device__ __forceinline__ unsigned transpose8(unsigned x) {
  unsigned y;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(y) : "r"(x));
  return y;
}
// The products of two pairs of bf16.
__device__ __forceinline__ unsigned times2(unsigned a, unsigned b) {
  unsigned y;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(y) : "r"(a), "r"(b), "r"(0x80008000u));
  return y;
}`

/** Copies between memory, tiles and registers. */
const TILES = `
// A tile of bf16 in shared memory: blocks of 64 (or 32) columns, whose rows of 128 (64) bytes have their 16-byte pieces swizzled.
template <int R, int W> struct Tile {
  static constexpr int ROWS = R, WIDTH = W, COLUMNS = W % 64 == 0 ? 64 : 32;
  static constexpr int ROW = COLUMNS * 2, BLOCK = R * ROW, BYTES = R * W * 2, PIECES = COLUMNS / 8;
  static __device__ __forceinline__ unsigned at(int row, int piece) {
    return piece / PIECES * BLOCK + row * ROW + ((piece % PIECES) ^ (PIECES == 8 ? row & 7 : row >> 1 & 3)) * 16;
  }
};
// Starts copying the rows of a tile that exist; others become zero.
template <class TILE, int THREADS> __device__ __forceinline__ void copy_tile(unsigned tile, const bf16 *from, unsigned stride, int rows) {
  constexpr unsigned PIECES = TILE::WIDTH / 8, COUNT = TILE::ROWS * PIECES, STEP = THREADS % PIECES == 0 ? THREADS / PIECES : 0;
  const unsigned first = threadIdx.x / PIECES, firstPiece = threadIdx.x % PIECES;
  #pragma unroll
  for (unsigned n = 0; n < (COUNT + THREADS - 1) / THREADS; n++) {
    const unsigned i = n * THREADS + threadIdx.x;
    const unsigned row = STEP > 0 ? first + n * STEP : i / PIECES, piece = STEP > 0 ? firstPiece : i % PIECES;
    if (COUNT % THREADS != 0 && i >= COUNT) break;
    const bool exists = (int)row < rows;
    copy_async16(tile + TILE::at(row, piece), from + (exists ? row * stride + piece * 8 : 0), exists);
  }
}
// Turns columns n and n + WIDTH / 2 of the rows that exist by the angles of their rows, into a tile and, if it is there, into memory;
// other rows become zero. Cosines and sines are [rows, WIDTH / 2].
template <class TILE, int THREADS> __device__ __forceinline__ void turn_tile(unsigned tile, bf16 *to, const bf16 *from, const float *cosines, const float *sines, unsigned stride, int rows) {
  constexpr unsigned HALF = TILE::WIDTH / 2, PIECES = HALF / 8, COUNT = TILE::ROWS * PIECES;
  unsigned char *own = shared_memory + (tile - shared_start());
  #pragma unroll
  for (unsigned n = 0; n < (COUNT + THREADS - 1) / THREADS; n++) {
    const unsigned i = n * THREADS + threadIdx.x, row = i / PIECES, piece = i % PIECES;
    if (COUNT % THREADS != 0 && i >= COUNT) break;
    bf16 pair[16] __attribute__((aligned(16))) = {};
    if ((int)row < rows) {
      const unsigned at = row * stride + piece * 8, entry = row * HALF + piece * 8;
      float a[8], b[8], c[8], s[8], first[8], second[8];
      load_many<8>(a, from + at);
      load_many<8>(b, from + at + HALF);
      load_many<8>(c, cosines + entry);
      load_many<8>(s, sines + entry);
      #pragma unroll
      for (int u = 0; u < 8; u++) {
        first[u] = a[u] * c[u] - b[u] * s[u];
        second[u] = b[u] * c[u] + a[u] * s[u];
      }
      store_many<8>(pair, first);
      store_many<8>(pair + 8, second);
      if (to) {
        *(uint4 *)(to + at) = *(uint4 *)pair;
        *(uint4 *)(to + at + HALF) = *(uint4 *)(pair + 8);
      }
    }
    *(uint4 *)(own + TILE::at(row, piece)) = *(uint4 *)pair;
    *(uint4 *)(own + TILE::at(row, piece + PIECES)) = *(uint4 *)(pair + 8);
  }
}
// Reads the 16 rows of a warp as a left operand in registers; rows that do not exist are zero.
template <int STEPS> __device__ __forceinline__ void read_rows(unsigned (&a)[STEPS][4], const bf16 *from, unsigned stride, int rows) {
  const int row = threadIdx.x % 32 / 4, column = threadIdx.x % 4 * 2;
  #pragma unroll
  for (int k = 0; k < STEPS; k++)
    #pragma unroll
    for (int i = 0; i < 4; i++) {
      const int r = row + i % 2 * 8;
      a[k][i] = r < rows ? *(const unsigned *)(from + r * stride + k * 16 + i / 2 * 8 + column) : 0;
    }
}
template <int N> __device__ __forceinline__ void clear(float (&d)[N][4]) {
  #pragma unroll
  for (int n = 0; n < N; n++) d[n][0] = d[n][1] = d[n][2] = d[n][3] = 0.0f;
}
// An accumulator as a left operand of bf16.
template <int N> __device__ __forceinline__ void pack_rows(unsigned (&a)[N / 2][4], const float (&d)[N][4]) {
  #pragma unroll
  for (int k = 0; k < N / 2; k++) {
    a[k][0] = pack(d[2 * k][0], d[2 * k][1]);
    a[k][1] = pack(d[2 * k][2], d[2 * k][3]);
    a[k][2] = pack(d[2 * k + 1][0], d[2 * k + 1][1]);
    a[k][3] = pack(d[2 * k + 1][2], d[2 * k + 1][3]);
  }
}
// Turns columns n and n + 8 N / 2 of accumulators by the angles of their rows, the first of which is row: cosines and sines
// [rows, 8 N / 2].
template <int N> __device__ __forceinline__ void turn_rows(float (&d)[N][4], const float *cosines, const float *sines, int row, int rows) {
  #pragma unroll
  for (int half = 0; half < 2; half++) {
    const int r = row + threadIdx.x % 32 / 4 + half * 8, at = (r < rows ? r : 0) * (N * 4) + threadIdx.x % 4 * 2;
    #pragma unroll
    for (int n = 0; n < N / 2; n++) {
      const float2 c = *(const float2 *)(cosines + at + n * 8), s = *(const float2 *)(sines + at + n * 8);
      float *a = d[n] + half * 2, *b = d[n + N / 2] + half * 2;
      const float x = a[0], y = a[1];
      a[0] = x * c.x - b[0] * s.x;
      a[1] = y * c.y - b[1] * s.y;
      b[0] = b[0] * c.x + x * s.x;
      b[1] = b[1] * c.y + y * s.y;
    }
  }
}
// Writes a block's accumulators as rows of bf16, by way of a tile that nobody else uses any more.
template <class TILE, int N> __device__ __forceinline__ void write_rows(bf16 *to, unsigned stride, int rows, unsigned tile, const float (&d)[N][4], float upper, float lower) {
  const int lane = threadIdx.x % 32, first = threadIdx.x / 32 * 16;
  #pragma unroll
  for (int n = 0; n < N; n++) {
    store_shared(tile + TILE::at(first + lane / 4, n) + lane % 4 * 4, pack(d[n][0] * upper, d[n][1] * upper));
    store_shared(tile + TILE::at(first + lane / 4 + 8, n) + lane % 4 * 4, pack(d[n][2] * lower, d[n][3] * lower));
  }
  __syncwarp();
  #pragma unroll
  for (int i = lane; i < 16 * N; i += 32) {
    const int row = first + i / N;
    if (row < rows) *(uint4 *)(to + row * stride + i % N * 8) = load_shared16(tile + TILE::at(row, i % N));
  }
}`

/** Products of one warp. */
const WARP = `
__device__ __forceinline__ void products_begin() {}
__device__ __forceinline__ void products_end() {}
template <int LEFT> __device__ __forceinline__ void products_wait() {}
template <int N> __device__ __forceinline__ void products_done(float (&)[N][4]) {}
template <class B, int N> __device__ __forceinline__ void step_by_rows(float (&d)[N][4], const unsigned (&a)[4], unsigned b, int k) {
  const int lane = threadIdx.x % 32;
  #pragma unroll
  for (int n = 0; n < N / 2; n++) {
    unsigned f[4];
    load_matrices(f, b + B::at(n * 16 + lane / 16 * 8 + lane % 8, k * 2 + lane / 8 % 2));
    mma(d[2 * n], a, f[0], f[1]);
    mma(d[2 * n + 1], a, f[2], f[3]);
  }
}
template <class A, class B, int N> __device__ __forceinline__ void rows_by_rows(float (&d)[N][4], unsigned a, unsigned b) {
  const int lane = threadIdx.x % 32, row = threadIdx.x / 32 * 16 + lane % 16;
  clear(d);
  #pragma unroll
  for (int k = 0; k < A::WIDTH / 16; k++) {
    unsigned f[4];
    load_matrices(f, a + A::at(row, k * 2 + lane / 16));
    step_by_rows<B>(d, f, b, k);
  }
}
template <class B, int N, int STEPS> __device__ __forceinline__ void add_rows_by_columns(float (&d)[N][4], const unsigned (&a)[STEPS][4], unsigned b) {
  const int lane = threadIdx.x % 32;
  #pragma unroll
  for (int k = 0; k < STEPS; k++)
    #pragma unroll
    for (int n = 0; n < N / 2; n++) {
      unsigned f[4];
      load_transposed(f, b + B::at(k * 16 + lane % 16, n * 2 + lane / 16));
      mma(d[2 * n], a[k], f[0], f[1]);
      mma(d[2 * n + 1], a[k], f[2], f[3]);
    }
}`

/**
 * A warp owns 16 rows of a product, its number times 16 on. An accumulator `float d[N / 8][4]` holds, in columns 8 n + 2 (lane % 4)
 * and the next, row lane / 4 in d[n][0..1] and row lane / 4 + 8 in d[n][2..3]. Operands in registers are `unsigned a[K / 16][4]`.
 * - `rows_by_rows<A, B>(d, a, b)`: d = A Bᵀ of two tiles.
 * - `add_rows_by_columns<B>(d, a, b)`: d += A B of registers and a tile.
 * Products run between `products_begin` and `products_end`, may go on until `products_wait<number of later groups>`, and what
 * they wrote is read after `products_done`. Tiles start at multiples of 1024 bytes.
 */
export const TENSOR_CORE = `
#ifndef HEDDLE_ON_CPU
${INSTRUCTIONS}
#endif
${TILES}
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
${WARP_GROUP}
#else
${WARP}
#endif
`
