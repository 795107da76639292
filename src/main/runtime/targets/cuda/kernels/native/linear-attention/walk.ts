// The parts that the walks over the chunks of a sequence share. A block of four warps has one head and W columns of its values; the
// state stays in the accumulators of the warps, K / 4 rows each, and its bf16 copy in shared memory is what products read.

export const WALK = `
namespace warp_tiles {
__device__ __forceinline__ void transpose16(unsigned (&r)[4]) {
  unsigned x = transpose8(r[2]);
  r[0] = transpose8(r[0]), r[2] = transpose8(r[1]), r[3] = transpose8(r[3]), r[1] = x;
}
// scores of a 16x16 block times the decays between its tokens; rows are the later tokens, or the earlier ones when transposed
template <bool TRANSPOSED> __device__ __forceinline__ void decay_block(unsigned (&r)[4], const float *cum, int row, int column) {
  int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
  for (int e = 0; e < 4; e++) {
    float2 y = *(const float2 *)(cum + column + 2 * t + 8 * (e >> 1));
    float x = cum[row + g + 8 * (e & 1)];
    float d = min(0.0f, TRANSPOSED ? y.x - x : x - y.x), f = min(0.0f, TRANSPOSED ? y.y - x : x - y.y);
    r[e] = pack(low_half(r[e]) * power_of_two(d), high_half(r[e]) * power_of_two(f));
  }
}
// two factors for each of the two rows of B fragments that a lane holds
template <class F> __device__ __forceinline__ void row_factors(unsigned (&r)[2], const float *cum, int row, F factor) {
#pragma unroll
  for (int e = 0; e < 2; e++) {
    float2 c = *(const float2 *)(cum + row + 2 * (threadIdx.x % 4) + 8 * e);
    r[e] = pack(factor(c.x), factor(c.y));
  }
}
// c += A B for 16 rows of A (a tile of rows of K) and the state tile
template <int K, int W, int NT> __device__ __forceinline__ void times_state(float (&c)[NT][4], unsigned x, unsigned state, int row) {
#pragma unroll
  for (int k = 0; k < K; k += 16) {
    unsigned a[4];
    load_a<K>(a, x, row, k);
    times_rows<W>(c, a, state, k);
  }
}
// copies a state tile to memory, rows stride apart
template <int K, int W> __device__ __forceinline__ void save_state(bf16 *into, unsigned tile, int stride) {
  constexpr int CHUNKS = W / 8, STEP = 128 / CHUNKS;
  int row = threadIdx.x / CHUNKS, chunk = threadIdx.x % CHUNKS;
  unsigned from = tile + tile_place<W>(row, chunk);
  into += row * stride + chunk * 8;
#pragma unroll
  for (int i = 0; i < K; i += STEP) *(uint4 *)(into + i * stride) = load_shared16(from + i * (2 * W));
}
// 16 tokens: out += p x where isOut, and state += y^T (factors x), for tiles x of values and y of keys or queries
template <int K, int W, bool IS_SCALED, int NT, int MT>
__device__ __forceinline__ void add_tokens(float (&state)[MT][NT][4], unsigned keys, int top, float (&out)[NT][4], const unsigned (&p)[4],
                                           bool isOut, unsigned values, int token, const unsigned (&factors)[2]) {
  unsigned a[MT][4];
#pragma unroll
  for (int i = 0; i < MT; i++) load_a_t<K>(a[i], keys, token, top + 16 * i);
#pragma unroll
  for (int n = 0; n < NT; n += 2) {
    unsigned x[4];
    load_b<W>(x, values, token, 8 * n);
    if (isOut) {
      mma(out[n], p, x[0], x[1]);
      mma(out[n + 1], p, x[2], x[3]);
    }
    if (IS_SCALED)
#pragma unroll
      for (int e = 0; e < 4; e++) x[e] = times2(x[e], factors[e & 1]);
#pragma unroll
    for (int i = 0; i < MT; i++) {
      mma(state[i][n], a[i], x[0], x[1]);
      mma(state[i][n + 1], a[i], x[2], x[3]);
    }
  }
}
// the state decays over a chunk by cumulative decays per key, [64, K]
template <int K, int NT, int MT> __device__ __forceinline__ void decay_keys(float (&state)[MT][NT][4], const float *cum, int top) {
  const float *end = cum + 63 * K + top + threadIdx.x % 32 / 4;
#pragma unroll
  for (int m = 0; m < MT; m++) scale_rows(state[m], power_of_two(end[16 * m]), power_of_two(end[16 * m + 8]));
}
// starts copying what a walk needs of a chunk: queries, keys, values (or gradients of outputs), decays, write strengths
template <class S>
__device__ __forceinline__ void load_chunk(unsigned stage, unsigned numbers, int n, const bf16 *q, const bf16 *k, const bf16 *x, const float *cum, const float *beta) {
  constexpr int T = S::T, H = S::H, G = S::G, K = S::K, V = S::V, W = S::W, N = (T + 63) / 64;
  int h = blockIdx.y, b = blockIdx.z, group = h / (H / G), rows = min(64, T - 64 * n), token = b * T + 64 * n, i = threadIdx.x % 64;
  copy_tile<64, K, 128>(stage, q + (long long)token * S::Q_ROW + group * K, S::Q_ROW, rows);
  copy_tile<64, K, 128>(stage + 128 * K, k + (long long)token * S::K_ROW + group * K, S::K_ROW, rows);
  copy_tile<64, W, 128>(stage + 256 * K, x + ((long long)token * H + h) * V + blockIdx.x * W, H * V, rows);
  if (S::isGated && threadIdx.x < 16) copy_async16(numbers + 16 * i, cum + ((b * H + h) * N + n) * 64 + 4 * i, true);
  if (S::isDelta && threadIdx.x >= 64) copy_async4(numbers + 256 + 4 * i, beta + (token + i) * H + h, i < rows);
  copies_end();
}
}
`
