// Decays per key (GLA): what differs from one decay a head. Queries and keys take their decays from and to the ends of the chunk with
// them, so that the walks see no decay but that of the whole chunk; scores and their gradients measure pairs of tokens from the
// boundary between their blocks of 16, and inside of a block one by one: every exponent is <= 0 (core/ops/fused/chunks.ts).

export const KEYED = `
namespace warp_tiles {
constexpr float LOG2E = 1.44269504f;
// Cumulative decays of a chunk in powers of 2, [64, K], by one thread for each key.
template <int K> __device__ __forceinline__ void sum_decays(float *sums, const float *decay, int stride, int rows) {
  float sum = 0.0f;
#pragma unroll 16
  for (int i = 0; i < 64; i++) {
    sum += i < rows ? decay[(long long)i * stride] * LOG2E : 0.0f;
    sums[i * K] = sum;
  }
}
// What is summed up to the block of 16 tokens that begins at a row
template <int K> __device__ __forceinline__ float before_block(const float *sums, int row, int key) { return row == 0 ? 0.0f : sums[(row - 1) * K + key]; }
// Two neighbouring elements of a tile times 2 to the power of what is between their sums and the boundary before row
template <int K, bool IS_BEHIND> __device__ __forceinline__ unsigned decayed(unsigned x, const float *sums, int token, int key, int row) {
  float2 c = *(const float2 *)(sums + token * K + key);
  float u = c.x - before_block<K>(sums, row, key), v = c.y - before_block<K>(sums, row, key + 1);
  return pack(low_half(x) * power_of_two(IS_BEHIND ? u : -u), high_half(x) * power_of_two(IS_BEHIND ? v : -v));
}
template <int K> __device__ __forceinline__ float element(unsigned tile, int row, int column) {
  unsigned x = load_shared(tile + tile_place<K>(row, column / 8) + column % 8 / 2 * 4);
  return column & 1 ? high_half(x) : low_half(x);
}

// Scores scale q k^T with their decays as A fragments [B,n,H]; q and k with theirs from the chunk's start and to its end;
// cumulative decays [B,H,n,64,K].
template <class S>
__device__ __forceinline__ void prepare_keyed(const bf16 *q, const bf16 *k, const float *decay, bf16 *raw, float *cum, bf16 *grown, bf16 *faded, float scale) {
  constexpr int T = S::T, H = S::H, K = S::K, N = (T + 63) / 64;
  unsigned tq = shared_start(), tk = tq + 128 * K;
  float *sums = (float *)(shared_memory + 256 * K);
  int warp = warp_index(), lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, row = 16 * warp;
  int n = blockIdx.x, h = blockIdx.y, b = blockIdx.z, rows = min(64, T - 64 * n), token = b * T + 64 * n;
  long long place = ((long long)token * H + h) * K;
  copy_tile<64, K, 128>(tq, q + place, H * K, rows);
  copy_tile<64, K, 128>(tk, k + place, H * K, rows);
  copies_end();
  if (threadIdx.x < K)
    sum_decays<K>(sums + threadIdx.x, decay + ((long long)(S::isDecayShared ? 64 * n : token) * H + h) * K + threadIdx.x, H * K, rows);
  copies_wait<0>();
  __syncthreads();
  float *into = cum + ((long long)(b * H + h) * N + n) * 64 * K;
  for (int i = threadIdx.x; i < 64 * K; i += 128) into[i] = sums[i];
  for (int i = threadIdx.x; i < 32 * K; i += 128) {
    int token = 2 * i / K, key = 2 * i % K;
    if (token >= rows) break;
    unsigned at = tile_place<K>(token, key / 8) + key % 8 / 2 * 4, x = load_shared(tq + at), y = load_shared(tk + at);
    float2 c = *(const float2 *)(sums + token * K + key), end = *(const float2 *)(sums + 63 * K + key);
    *(unsigned *)(grown + place + token * H * K + key) = pack(low_half(x) * power_of_two(c.x), high_half(x) * power_of_two(c.y));
    *(unsigned *)(faded + place + token * H * K + key) = pack(low_half(y) * power_of_two(end.x - c.x), high_half(y) * power_of_two(end.y - c.y));
  }
  float c[8][4];
  clear(c);
#pragma unroll
  for (int i = 0; i < K; i += 16) {
    unsigned a[4];
    load_a<K>(a, tq, row, i);
#pragma unroll
    for (int e = 0; e < 4; e++) a[e] = decayed<K, true>(a[e], sums, row + g + 8 * (e & 1), i + 2 * t + 8 * (e >> 1), row);
#pragma unroll
    for (int m = 0; m < 3; m++)
      if (m < warp) {
        unsigned x[4];
        load_b_t<K>(x, tk, 16 * m, i);
#pragma unroll
        for (int e = 0; e < 4; e++) x[e] = decayed<K, false>(x[e], sums, 16 * m + g + 8 * (e >> 1), i + 2 * t + 8 * (e & 1), row);
        mma(c[2 * m], a, x[0], x[1]);
        mma(c[2 * m + 1], a, x[2], x[3]);
      }
  }
  float own[2][4];
#pragma unroll
  for (int m = 0; m < 2; m++)
#pragma unroll
    for (int e = 0; e < 4; e++) {
      int i = row + g + 8 * (e / 2), j = row + 8 * m + 2 * t + (e & 1);
      float sum = 0.0f;
      if (i >= j)
#pragma unroll 4
        for (int l = 0; l < K; l++) {
          int key = (l + 2 * lane) % K; // lanes begin apart, for the banks
          sum += element<K>(tq, i, key) * element<K>(tk, j, key) * power_of_two(sums[i * K + key] - sums[j * K + key]);
        }
      own[m][e] = sum;
    }
#pragma unroll
  for (int m = 0; m < 4; m++)
    if (m == warp)
#pragma unroll
      for (int e = 0; e < 4; e++) c[2 * m][e] = own[0][e], c[2 * m + 1][e] = own[1][e];
  store_scores(raw + ((long long)(b * N + n) * H + h) * 4096, c, warp, scale);
}

// dq, dk and ddecay of one chunk, one head and 64 keys, by 8 warps: 4 for queries, 4 for keys, 16 tokens each.
template <class S>
__device__ __forceinline__ void gradients_keyed(const bf16 *q, const bf16 *k, const bf16 *v, const float *cum, const bf16 *states, const bf16 *dout,
                                                const bf16 *dstates, bf16 *dq, bf16 *dk, float *ddecay, float scale) {
  constexpr int T = S::T, H = S::H, V = S::V, W = S::W, N = (T + 63) / 64, WIDTH = S::K, K = 64, PARTS = WIDTH / K;
  unsigned tq = shared_start(), tk = tq + 128 * K, tp = tk + 128 * K, td = tp + 8192, tv = td + 128 * W, ts = tv + 128 * W, tg = ts + 2 * K * W;
  float *sums = (float *)(shared_memory + 256 * K + 8192 + 256 * W + 4 * K * W), *products = sums + 64 * K;
  // over the tiles that are read no more: of each token and key, what it reads and what it hands on, and gradients of pairs in a block
  float *reads = (float *)(shared_memory + 256 * K + 8192), *hands = reads + 64 * K;
  int warp = warp_index(), lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, side = warp / 4, block = warp % 4, row = 16 * block;
  int n = blockIdx.x, h = blockIdx.y / PARTS, first = blockIdx.y % PARTS * K, b = blockIdx.z, rows = min(64, T - 64 * n), token = b * T + 64 * n;
  long long place = ((long long)token * H + h) * WIDTH + first, chunk = (long long)(b * H + h) * N + n;
  copy_tile<64, K, 256>(tq, q + place, H * WIDTH, rows);
  copy_tile<64, K, 256>(tk, k + place, H * WIDTH, rows);
  for (int i = threadIdx.x; i < 16 * K; i += 256)
    copy_async16(shared_start() + 256 * K + 8192 + 256 * W + 4 * K * W + 16 * i, cum + (chunk * 64 + 4 * i / K) * WIDTH + first + 4 * i % K, true);
  float own[8][4], pairs[8][4]; // dO S^T and dO v^T, or v dS^T
  float product = 0.0f;
  clear(own);
  clear(pairs);
#pragma unroll 1
  for (int v0 = 0; v0 < V; v0 += W) {
    if (v0 > 0) __syncthreads();
    long long at = ((long long)token * H + h) * V + v0;
    copy_tile<64, W, 256>(td, dout + at, H * V, rows);
    copy_tile<64, W, 256>(tv, v + at, H * V, rows);
    copy_tile<K, W, 256>(ts, states + (chunk * WIDTH + first) * V + v0, V, K);
    copy_tile<K, W, 256>(tg, dstates + (chunk * WIDTH + first) * V + v0, V, K);
    copies_end();
    copies_wait<0>();
    __syncthreads();
#pragma unroll
    for (int c = 0; c < W; c += 16) {
      unsigned a[4];
      load_a<W>(a, side == 0 ? td : tv, row, c);
      times_columns<W>(own, a, side == 0 ? ts : tg, c);
      if (side == 0)
#pragma unroll
        for (int m = 0; m < 4; m++)
          if (m <= block) {
            unsigned x[4];
            load_b_t<W>(x, tv, 16 * m, c);
            mma(pairs[2 * m], a, x[0], x[1]);
            mma(pairs[2 * m + 1], a, x[2], x[3]);
          }
    }
    // four threads for each key
    int key = threadIdx.x / 4;
#pragma unroll
    for (int c = threadIdx.x % 4; c < W / 8; c += 4) product += dot8(load_shared16(ts + tile_place<W>(key, c)), load_shared16(tg + tile_place<W>(key, c)));
  }
  product = row_sum(product);
  if (t == 0) products[threadIdx.x / 4] = product;
  if (side == 0) {
    scale_rows(pairs, scale, scale);
    put_rows<64>(tp, row, pairs);
  }
  __syncthreads();
  // pairs of tokens in one block: a thread for each block and key
  {
    int key = threadIdx.x % 64, start = threadIdx.x / 64 * 16;
    float x[16], y[16], c[16], dx[16], dy[16];
#pragma unroll
    for (int i = 0; i < 16; i++) {
      x[i] = element<K>(tq, start + i, key), y[i] = element<K>(tk, start + i, key), c[i] = sums[(start + i) * K + key];
      dx[i] = dy[i] = 0.0f;
    }
#pragma unroll
    for (int i = 1; i < 16; i++)
#pragma unroll
      for (int j = 0; j < i; j++) {
        float d = element<64>(tp, start + i, start + j) * power_of_two(c[i] - c[j]);
        dx[i] += d * y[j];
        dy[j] += d * x[i];
      }
#pragma unroll
    for (int i = 0; i < 16; i++) reads[(start + i) * K + key] = dx[i], hands[(start + i) * K + key] = dy[i];
  }
  __syncthreads();
  // pairs of tokens in different blocks, as products
  float sum[8][4];
  clear(sum);
#pragma unroll
  for (int m = 0; m < 4; m++) {
    if (side == 0 && m < block) {
      unsigned a[4];
      load_a<64>(a, tp, row, 16 * m);
#pragma unroll
      for (int i = 0; i < 8; i += 2) {
        unsigned x[4];
        load_b<K>(x, tk, 16 * m, 8 * i);
#pragma unroll
        for (int e = 0; e < 4; e++) {
          int j = 16 * m + 2 * t + 8 * (e & 1), key = 8 * i + g + 8 * (e >> 1);
          float edge = before_block<K>(sums, row, key);
          x[e] = pack(low_half(x[e]) * power_of_two(edge - sums[j * K + key]), high_half(x[e]) * power_of_two(edge - sums[(j + 1) * K + key]));
        }
        mma(sum[i], a, x[0], x[1]);
        mma(sum[i + 1], a, x[2], x[3]);
      }
    }
    if (side == 1 && m > block) {
      unsigned a[4];
      float part[8][4];
      clear(part);
      load_a_t<64>(a, tp, 16 * m, row);
#pragma unroll
      for (int i = 0; i < 8; i += 2) {
        unsigned x[4];
        load_b<K>(x, tq, 16 * m, 8 * i);
#pragma unroll
        for (int e = 0; e < 4; e++) {
          int j = 16 * m + 2 * t + 8 * (e & 1), key = 8 * i + g + 8 * (e >> 1);
          float edge = before_block<K>(sums, 16 * m, key);
          x[e] = pack(low_half(x[e]) * power_of_two(sums[j * K + key] - edge), high_half(x[e]) * power_of_two(sums[(j + 1) * K + key] - edge));
        }
        mma(part[i], a, x[0], x[1]);
        mma(part[i + 1], a, x[2], x[3]);
      }
#pragma unroll
      for (int i = 0; i < 8; i++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
          int j = row + g + 8 * (e / 2), key = 8 * i + 2 * t + (e & 1);
          sum[i][e] += part[i][e] * power_of_two(before_block<K>(sums, 16 * m, key) - sums[j * K + key]);
        }
    }
  }
#pragma unroll
  for (int i = 0; i < 8; i++)
#pragma unroll
    for (int e = 0; e < 4; e++) {
      int j = row + g + 8 * (e / 2), key = 8 * i + 2 * t + (e & 1), at = j * K + key;
      float self = element<64>(tp, j, j);
      if (side == 0) {
        float apart = sum[i][e] * power_of_two(sums[at] - before_block<K>(sums, row, key)) + reads[at];
        float between = scale * own[i][e] * power_of_two(sums[at]);
        own[i][e] = between + apart + self * element<K>(tk, j, key);
        reads[at] = element<K>(tq, j, key) * (between + apart);
      } else {
        float apart = sum[i][e] + hands[at], between = own[i][e] * power_of_two(sums[63 * K + key] - sums[at]);
        own[i][e] = between + apart + self * element<K>(tq, j, key);
        pairs[i][e] = element<K>(tk, j, key) * apart;
        hands[at] = element<K>(tk, j, key) * between;
      }
    }
  bf16 *into = (side == 0 ? dq : dk) + place + (long long)(row + g) * H * WIDTH;
  store_rows(into, into + 8 * H * WIDTH, row + g < rows, row + g + 8 < rows, own);
  __syncthreads();
  if (side == 1)
#pragma unroll
    for (int i = 0; i < 8; i++)
#pragma unroll
      for (int e = 0; e < 4; e++) reads[(row + g + 8 * (e / 2)) * K + 8 * i + 2 * t + (e & 1)] -= pairs[i][e];
  __syncthreads();
  // decay l acts on what later tokens read (of i >= l), on what earlier tokens hand on (of j < l) and on the state
  if (threadIdx.x < K) {
    int key = threadIdx.x;
    float later = 0.0f, whole = products[key] * power_of_two(sums[63 * K + key]);
#pragma unroll 8
    for (int i = 63; i >= 0; i--) reads[i * K + key] = later += reads[i * K + key];
    float *to = ddecay + place + key;
#pragma unroll 8
    for (int i = 0; i < rows; i++) {
      to[(long long)i * H * WIDTH] = whole + reads[i * K + key];
      whole += hands[i * K + key];
    }
  }
}
}
`
