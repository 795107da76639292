// Device functions for products of single warps on tensor cores (mma.sync), with every operand read from tiles of shared memory
// by rows or by columns. They stand on tensor-core.ts.

/**
 * A tile is rows of W elements whose 16-byte chunks are permuted by row, so that neither rows nor columns of a fragment meet in one
 * bank; places in it are byte addresses. Accumulators c[N / 8][4] of a warp are 16 rows: a lane holds columns 8 n + 2 (lane % 4)
 * and the next of row lane / 4 in c[n][0..1] and of row lane / 4 + 8 in c[n][2..3].
 */
export const WARP_TILES = `
namespace warp_tiles {
__device__ __forceinline__ float low_half(unsigned x) { return __uint_as_float(x << 16); }
__device__ __forceinline__ float high_half(unsigned x) { return __uint_as_float(x & 0xffff0000u); }
// the warp's number, which the compiler then knows to be one for all its lanes
__device__ __forceinline__ int warp_index() { return __shfl_sync(0xffffffffu, (int)threadIdx.x / 32, 0); }
// place of chunk 0 of a row in a tile; row and chunk may both depend on the lane, what is added later must be a constant
template <int W> __device__ __forceinline__ unsigned tile_place(int row, int chunk) {
  int mix = W >= 64 ? row & 7 : (row >> 1) & 3;
  return row * (2 * W) + ((chunk ^ mix) << 4);
}
// from a place in a tile to rows (a multiple of 8) rows further and chunks chunks further; the place's chunk must be 0, or 0 or 1
// and chunks even
template <int W> __device__ __forceinline__ unsigned tile_step(unsigned place, int rows, int chunks) {
  return (place ^ ((chunks & 7) << 4)) + (chunks >> 3) * 128 + rows * (2 * W);
}
// where a lane reads rows of fragments: 16 rows by 2 chunks, with rows or with chunks changing first
template <int W> __device__ __forceinline__ unsigned rows_first() { return tile_place<W>(threadIdx.x & 15, threadIdx.x >> 4 & 1); }
template <int W> __device__ __forceinline__ unsigned chunks_first() {
  return tile_place<W>((threadIdx.x & 7) + (threadIdx.x >> 1 & 8), threadIdx.x >> 3 & 1);
}
// where a lane's elements of accumulators lie in the first 8 rows and columns
template <int W> __device__ __forceinline__ unsigned own_place() { return tile_place<W>(threadIdx.x >> 2 & 7, 0) + (threadIdx.x & 3) * 4; }
// A [16, 16]: rows of a tile; its columns (A = tile^T); B [16, 16], two fragments: rows of a tile; its columns (B = tile^T)
template <int W> __device__ __forceinline__ void load_a(unsigned (&r)[4], unsigned tile, int row, int column) {
  load_matrices(r, tile_step<W>(tile + rows_first<W>(), row, column / 8));
}
template <int W> __device__ __forceinline__ void load_a_t(unsigned (&r)[4], unsigned tile, int row, int column) {
  load_transposed(r, tile_step<W>(tile + chunks_first<W>(), row, column / 8));
}
template <int W> __device__ __forceinline__ void load_b(unsigned (&r)[4], unsigned tile, int row, int column) {
  load_transposed(r, tile_step<W>(tile + rows_first<W>(), row, column / 8));
}
template <int W> __device__ __forceinline__ void load_b_t(unsigned (&r)[4], unsigned tile, int row, int column) {
  load_matrices(r, tile_step<W>(tile + chunks_first<W>(), row, column / 8));
}
// starts copying rows of W elements, stride apart, into a tile; rows behind rows become 0
template <int ROWS, int W, int THREADS>
__device__ __forceinline__ void copy_tile(unsigned tile, const bf16 *from, int stride, int rows) {
  constexpr int CHUNKS = W / 8, STEP = THREADS / CHUNKS;
  int row = threadIdx.x / CHUNKS, chunk = threadIdx.x % CHUNKS;
  unsigned to = tile + tile_place<W>(row, chunk);
  from += (long long)row * stride + chunk * 8;
#pragma unroll
  for (int i = 0; i < ROWS; i += STEP)
    if (STEP <= ROWS || row < ROWS) copy_async16(STEP % 8 == 0 ? to + i * (2 * W) : tile + tile_place<W>(row + i, chunk), from + (long long)i * stride, row + i < rows);
}
// c += A B for an A fragment and 16 rows (B = tile) or 16 columns (B = tile^T) of a tile, from column or row first on
template <int W, int NT> __device__ __forceinline__ void times_rows(float (&c)[NT][4], const unsigned (&a)[4], unsigned tile, int row, int first = 0) {
#pragma unroll
  for (int n = 0; n < NT; n += 2) {
    unsigned b[4];
    load_b<W>(b, tile, row, first + 8 * n);
    mma(c[n], a, b[0], b[1]);
    mma(c[n + 1], a, b[2], b[3]);
  }
}
template <int W, int NT> __device__ __forceinline__ void times_columns(float (&c)[NT][4], const unsigned (&a)[4], unsigned tile, int column, int first = 0) {
#pragma unroll
  for (int n = 0; n < NT; n += 2) {
    unsigned b[4];
    load_b_t<W>(b, tile, first + 8 * n, column);
    mma(c[n], a, b[0], b[1]);
    mma(c[n + 1], a, b[2], b[3]);
  }
}
template <int NT> __device__ __forceinline__ void scale_rows(float (&c)[NT][4], float top, float bottom) {
#pragma unroll
  for (int n = 0; n < NT; n++) c[n][0] *= top, c[n][1] *= top, c[n][2] *= bottom, c[n][3] *= bottom;
}
template <int NT> __device__ __forceinline__ void add_rows(float (&sum)[NT][4], const float (&c)[NT][4], float top, float bottom) {
#pragma unroll
  for (int n = 0; n < NT; n++)
    sum[n][0] += top * c[n][0], sum[n][1] += top * c[n][1], sum[n][2] += bottom * c[n][2], sum[n][3] += bottom * c[n][3];
}
// 16 rows of accumulators as bf16 in a tile
template <int W, int NT> __device__ __forceinline__ void put_rows(unsigned tile, int row, const float (&c)[NT][4]) {
#pragma unroll
  for (int n = 0; n < NT; n++) {
    unsigned at = tile_step<W>(tile + own_place<W>(), row, n);
    store_shared(at, pack(c[n][0], c[n][1]));
    store_shared(at + 16 * W, pack(c[n][2], c[n][3]));
  }
}
// dot products of 16 rows of accumulators with rows of a tile, columns from first on; the four lanes of a row get its sum
template <int W, int NT>
__device__ __forceinline__ void dot_rows(float &top, float &bottom, const float (&c)[NT][4], unsigned tile, int row, int first = 0) {
  top = bottom = 0.0f;
#pragma unroll
  for (int n = 0; n < NT; n++) {
    unsigned at = tile_step<W>(tile + own_place<W>(), row, first / 8 + n);
    unsigned x = load_shared(at), y = load_shared(at + 16 * W);
    top += c[n][0] * low_half(x) + c[n][1] * high_half(x);
    bottom += c[n][2] * low_half(y) + c[n][3] * high_half(y);
  }
#pragma unroll
  for (int d = 1; d < 4; d *= 2) top += __shfl_xor_sync(0xffffffffu, top, d), bottom += __shfl_xor_sync(0xffffffffu, bottom, d);
}
// stores 16 rows of accumulators as bf16: this lane's rows begin at top and bottom
template <int NT>
__device__ __forceinline__ void store_rows(bf16 *top, bf16 *bottom, bool isTop, bool isBottom, const float (&c)[NT][4]) {
  int t = threadIdx.x % 4;
  bool isOdd = t & 1;
  int shift = isOdd ? 6 + 2 * t : 2 * t;
  top += shift, bottom += shift;
#pragma unroll
  for (int n = 0; n < NT; n += 2)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      unsigned left = pack(c[n][2 * half], c[n][2 * half + 1]), right = pack(c[n + 1][2 * half], c[n + 1][2 * half + 1]);
      unsigned other = __shfl_xor_sync(0xffffffffu, isOdd ? left : right, 1);
      uint2 both;
      both.x = isOdd ? other : left;
      both.y = isOdd ? right : other;
      if (half ? isBottom : isTop) *(uint2 *)((half ? bottom : top) + 8 * n) = both;
    }
}
// the fragment of a 16x16 block that was stored by lanes, 8 elements each
__device__ __forceinline__ void load_fragment(unsigned (&r)[4], const bf16 *fragments, int block) {
  uint4 x = *(const uint4 *)(fragments + (block * 32 + threadIdx.x % 32) * 8);
  r[0] = x.x, r[1] = x.y, r[2] = x.z, r[3] = x.w;
}
__device__ __forceinline__ float half_of(unsigned x, bool isHigh) { return isHigh ? high_half(x) : low_half(x); }
// Sums over the eight lanes that share a column
__device__ __forceinline__ float column_sum(float x) {
#pragma unroll
  for (int d = 4; d < 32; d *= 2) x += __shfl_xor_sync(0xffffffffu, x, d);
  return x;
}
__device__ __forceinline__ float row_sum(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}
__device__ __forceinline__ float dot8(uint4 x, uint4 y) {
  return low_half(x.x) * low_half(y.x) + high_half(x.x) * high_half(y.x) + low_half(x.y) * low_half(y.y) + high_half(x.y) * high_half(y.y) +
         low_half(x.z) * low_half(y.z) + high_half(x.z) * high_half(y.z) + low_half(x.w) * low_half(y.w) + high_half(x.w) * high_half(y.w);
}
// Stores 16 rows of scores times a factor as A fragments (block of 16 columns, lane, 8); above the diagonal they are 0.
__device__ __forceinline__ void store_scores(bf16 *into, const float (&c)[8][4], int block, float factor) {
  int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  into += block * 1024 + lane * 8;
#pragma unroll
  for (int m = 0; m < 4; m++)
    if (m <= block) {
      float s[8];
#pragma unroll
      for (int e = 0; e < 8; e++) {
        bool isKept = m < block || g + 8 * (e / 2 & 1) >= 8 * (e / 4) + 2 * t + (e & 1);
        s[e] = isKept ? factor * c[2 * m + e / 4][e % 4] : 0.0f;
      }
      uint4 x;
      x.x = pack(s[0], s[1]), x.y = pack(s[2], s[3]), x.z = pack(s[4], s[5]), x.w = pack(s[6], s[7]);
      *(uint4 *)(into + m * 256) = x;
    }
}
// 1 twice, in bf16
constexpr unsigned ONES = 0x3f803f80u;
// sizes of the op; Q_ROW, K_ROW: elements from token to token of queries and keys; W: the width of a slice of values; STAGES: slices
// of values in shared memory
template <int T_, int H_, int G_, int K_, int V_, int Q_ROW_, int K_ROW_, int W_, int STAGES_, bool IS_GATED, bool IS_DELTA, bool IS_DECAY_SHARED> struct Shape {
  static constexpr int T = T_, H = H_, G = G_, K = K_, V = V_, Q_ROW = Q_ROW_, K_ROW = K_ROW_, W = W_, STAGES = STAGES_;
  static constexpr bool isGated = IS_GATED, isDelta = IS_DELTA, isDecayShared = IS_DECAY_SHARED;
};
}
`
