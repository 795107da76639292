// What the walks over chunks need of each chunk, for all chunks in parallel: scores, cumulative decays and, for delta rules, the
// inverse that turns targets into writes. Meaning: core/ops/fused/linear-attention.ts.

/**
 * Delta rules write w = beta y with (I + A) y = v - e^c K S, A_ij = (k_i k_j) e^(c_i - c_j) beta_j below the diagonal: y is what a
 * token finds missing. (arXiv 2406.06484 scales the rows of A; with columns no gradient divides by beta.)
 */
export const PREPARE = `
namespace warp_tiles {
// X = A Y for 16x16 blocks in shared f32, in three bf16 products (error about 2^-16)
__device__ __forceinline__ void split(float low, float high, unsigned &big, unsigned &small) {
  big = pack(low, high);
  small = pack(low - low_half(big), high - high_half(big));
}
template <int LEAD> __device__ __forceinline__ void split_a(unsigned (&big)[4], unsigned (&small)[4], const float *m) {
  int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
  for (int r = 0; r < 4; r++) {
    const float *p = m + (g + 8 * (r & 1)) * LEAD + 2 * t + 8 * (r >> 1);
    split(p[0], p[1], big[r], small[r]);
  }
}
template <int LEAD>
__device__ __forceinline__ void mma_split(float (&c)[4], const unsigned (&big)[4], const unsigned (&small)[4], const float *m) {
  int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  unsigned b[2], s[2];
#pragma unroll
  for (int r = 0; r < 2; r++) {
    const float *p = m + (2 * t + 8 * r) * LEAD + g;
    split(p[0], p[LEAD], b[r], s[r]);
  }
  mma(c, small, b[0], b[1]);
  mma(c, big, s[0], s[1]);
  mma(c, big, b[0], b[1]);
}
// accumulators of two neighbouring tiles as an A fragment
__device__ __forceinline__ void split_c(unsigned (&big)[4], unsigned (&small)[4], const float (&left)[4], const float (&right)[4]) {
  split(left[0], left[1], big[0], small[0]);
  split(left[2], left[3], big[1], small[1]);
  split(right[0], right[1], big[2], small[2]);
  split(right[2], right[3], big[3], small[3]);
}
// (I + A)^-1 of the strictly lower triangular A [64, 64], in place, by 128 threads: forward substitution in diagonal blocks of
// 16, products for what is below them.
template <int LEAD> __device__ __forceinline__ void invert(float *a) {
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  {
    float *block = a + warp * 16 * (LEAD + 1);
    int column = lane & 15;
    float x[16];
#pragma unroll
    for (int i = 0; i < 16; i++) x[i] = i == column ? 1.0f : 0.0f;
#pragma unroll
    for (int l = 0; l < 15; l++)
#pragma unroll
      for (int i = l + 1; i < 16; i++) x[i] -= block[i * LEAD + l] * x[l];
    __syncwarp();
    if (lane < 16)
#pragma unroll
      for (int i = 0; i < 16; i++) block[i * LEAD + column] = x[i];
  }
  __syncthreads();
  if (warp % 2 == 0) {
    float *low = a + (warp + 1) * 16 * (LEAD + 1), *corner = low - 16, *up = a + warp * 16 * (LEAD + 1);
    unsigned big[4], small[4];
    float c[2][4], d[2][4];
    clear(c);
    clear(d);
    split_a<LEAD>(big, small, low);
    mma_split<LEAD>(c[0], big, small, corner);
    mma_split<LEAD>(c[1], big, small, corner + 8);
    split_c(big, small, c[0], c[1]);
    mma_split<LEAD>(d[0], big, small, up);
    mma_split<LEAD>(d[1], big, small, up + 8);
    __syncwarp();
#pragma unroll
    for (int e = 0; e < 8; e++) corner[(g + 8 * (e / 2 & 1)) * LEAD + 8 * (e / 4) + 2 * t + (e & 1)] = -d[e / 4][e % 4];
  }
  __syncthreads();
  int row = 32 + 16 * (warp / 2), half = 16 * (warp % 2);
  unsigned big[4], small[4];
  float c[4][4], d[2][4];
  clear(c);
  clear(d);
#pragma unroll
  for (int k = 0; k < 2; k++) {
    split_a<LEAD>(big, small, a + row * LEAD + 32 + 16 * k);
#pragma unroll
    for (int n = 0; n < 4; n++) mma_split<LEAD>(c[n], big, small, a + (32 + 16 * k) * LEAD + 8 * n);
  }
#pragma unroll
  for (int k = 0; k < 2; k++) {
    split_c(big, small, c[2 * k], c[2 * k + 1]);
#pragma unroll
    for (int n = 0; n < 2; n++) mma_split<LEAD>(d[n], big, small, a + 16 * k * LEAD + half + 8 * n);
  }
  __syncthreads();
#pragma unroll
  for (int e = 0; e < 8; e++) a[(row + g + 8 * (e / 2 & 1)) * LEAD + half + 8 * (e / 4) + 2 * t + (e & 1)] = -d[e / 4][e % 4];
  __syncthreads();
}

// scores x y^T of 16 rows of a chunk, columns up to the diagonal block
template <int K> __device__ __forceinline__ void chunk_scores(float (&c)[8][4], unsigned x, unsigned y, int block) {
  clear(c);
#pragma unroll
  for (int k = 0; k < K; k += 16) {
    unsigned a[4];
    load_a<K>(a, x, 16 * block, k);
#pragma unroll
    for (int n = 0; n < 4; n++)
      if (n <= block) {
        unsigned b[4];
        load_b_t<K>(b, y, 16 * n, k);
        mma(c[2 * n], a, b[0], b[1]);
        mma(c[2 * n + 1], a, b[2], b[3]);
      }
  }
}

// What is needed of chunks, in parallel: scale q k^T and k k^T [B,n,G] and (I + A)^-1 [B,n,H] as A fragments (block of 16 rows, block
// of 16 columns, lane, 8), and cumulative decays in powers of 2 [B,H,n,64].
template <class S>
__device__ __forceinline__ void prepare(const bf16 *q, const bf16 *k, const float *decay, const float *beta, bf16 *raw, float *cum, bf16 *keys, bf16 *inv, float scale) {
  constexpr int T = S::T, H = S::H, G = S::G, K = S::K, R = H / G, N = (T + 63) / 64, LEAD = 68;
  float *a = (float *)shared_memory, *sums = (float *)(shared_memory + 256 * (K > LEAD ? K : LEAD)), *strength = sums + 64;
  unsigned tq = shared_start(), tk = tq + 128 * K;
  int warp = warp_index(), lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  int n = blockIdx.x, b = blockIdx.z, head = S::isDelta ? blockIdx.y : blockIdx.y * R, group = head / R;
  int rows = min(64, T - 64 * n), token = b * T + 64 * n;
  bool isFirst = head % R == 0;
  if (isFirst) copy_tile<64, K, 128>(tq, q + (long long)token * S::Q_ROW + group * K, S::Q_ROW, rows);
  copy_tile<64, K, 128>(tk, k + (long long)token * S::K_ROW + group * K, S::K_ROW, rows);
  copies_end();
  if (S::isGated)
    for (int r = warp; r < (S::isDelta ? 1 : R); r += 4) {
      const float *from = decay + ((S::isDecayShared ? 64 * n : token) + 2 * lane) * H + head + r;
      float x = 2 * lane < rows ? from[0] : 0.0f, y = 2 * lane + 1 < rows ? from[H] : 0.0f, sum = x + y;
#pragma unroll
      for (int d = 1; d < 32; d *= 2) {
        float before = __shfl_up_sync(0xffffffffu, sum, d);
        if (lane >= d) sum += before;
      }
      float2 both;
      both.x = (sum - y) * 1.44269504f, both.y = sum * 1.44269504f;
      *(float2 *)(cum + ((b * H + head + r) * N + n) * 64 + 2 * lane) = both;
      if (S::isDelta) *(float2 *)(sums + 2 * lane) = both;
    }
  if (S::isDelta && threadIdx.x < 64) strength[threadIdx.x] = threadIdx.x < rows ? beta[(token + threadIdx.x) * H + head] : 0.0f;
  copies_wait<0>();
  __syncthreads();
  float c[8][4];
  if (isFirst) {
    chunk_scores<K>(c, tq, tk, warp);
    store_scores(raw + ((long long)(b * N + n) * G + group) * 4096, c, warp, scale);
  }
  if (S::isDelta) {
    chunk_scores<K>(c, tk, tk, warp);
    if (isFirst) store_scores(keys + ((long long)(b * N + n) * G + group) * 4096, c, warp, 1.0f);
    __syncthreads();
#pragma unroll
    for (int m = 0; m < 8; m++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        int i = 16 * warp + g + 8 * (e / 2), j = 8 * m + 2 * t + (e & 1);
        float d = S::isGated ? power_of_two(min(0.0f, sums[i] - sums[j])) : 1.0f;
        a[i * LEAD + j] = i > j ? c[m][e] * d * strength[j] : 0.0f;
      }
    __syncthreads();
    invert<LEAD>(a);
    bf16 *into = inv + (((long long)b * N + n) * H + head) * 4096 + warp * 1024 + lane * 8;
#pragma unroll
    for (int m = 0; m < 4; m++)
      if (m <= warp) {
        unsigned x[4];
#pragma unroll
        for (int r = 0; r < 4; r++) {
          const float *p = a + (16 * warp + g + 8 * (r & 1)) * LEAD + 16 * m + 2 * t + 8 * (r >> 1);
          x[r] = pack(p[0], p[1]);
        }
        uint4 y;
        y.x = x[0], y.y = x[1], y.z = x[2], y.w = x[3];
        *(uint4 *)(into + m * 256) = y;
      }
  }
}
}
`
