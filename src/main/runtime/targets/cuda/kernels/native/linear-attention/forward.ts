// Linear attention forward: outputs, what delta rules found missing, the states before chunks, the last state.

export const FORWARD = `
namespace warp_tiles {
template <class S>
__device__ __forceinline__ void walk_forward(const bf16 *q, const bf16 *k, const bf16 *v, const float *first, const float *beta, const float *cum, const float *keyCum,
                           const bf16 *raw, const bf16 *inv, bf16 *o, bf16 *y, bf16 *states, float *last, float scale) {
  constexpr int T = S::T, H = S::H, G = S::G, K = S::K, V = S::V, W = S::W, R = H / G, N = (T + 63) / 64, NT = W / 8, MT = K / 64;
  constexpr int STAGES = S::STAGES, STAGE = 256 * K + 128 * W;
  unsigned stages = shared_start(), tile = stages + STAGES * STAGE, tz = tile + 2 * K * W, numbers = tz + 128 * W;
  const float *allNumbers = (const float *)(shared_memory + STAGES * STAGE + 2 * K * W + 128 * W);
  int warp = warp_index(), lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  int v0 = blockIdx.x * W, h = blockIdx.y, b = blockIdx.z, group = h / R, row = 16 * warp, top = 16 * MT * warp;
  load_chunk<S>(stages, numbers, 0, q, k, v, cum, beta);
  float state[MT][NT][4];
#pragma unroll
  for (int m = 0; m < MT; m++) {
    clear(state[m]);
    if (first)
#pragma unroll
      for (int n = 0; n < NT; n++)
#pragma unroll
        for (int e = 0; e < 4; e++)
          state[m][n][e] = first[((b * H + h) * (long long)K + top + 16 * m + g + 8 * (e / 2)) * V + v0 + 8 * n + 2 * t + (e & 1)];
    put_rows<W>(tile, top + 16 * m, state[m]);
  }
#pragma unroll 1
  for (int n = 0; n < N; n++) {
    int s = n % STAGES;
    unsigned tq = stages + s * STAGE, tk = tq + 128 * K, tv = tk + 128 * K;
    const float *c = allNumbers + s * 128, *strength = c + 64;
    long long at = ((long long)(b * T + 64 * n + row + g) * H + h) * V + v0;
    bool isTop = 64 * n + row + g < T, isBottom = 64 * n + row + g + 8 < T;
    copies_wait<0>();
    __syncthreads();
    if (STAGES > 1 && n + 1 < N) load_chunk<S>(stages + (s ^ 1) * STAGE, numbers + (s ^ 1) * 512, n + 1, q, k, v, cum, beta);
    unsigned p[4][4], solve[4][4];
#pragma unroll
    for (int m = 0; m < 4; m++)
      if (m <= warp) {
        load_fragment(p[m], raw + ((b * N + n) * G + group) * 4096ll, 4 * warp + m);
        if (S::isDelta) load_fragment(solve[m], inv + ((b * N + n) * H + h) * 4096ll, 4 * warp + m);
      }
    if (states) save_state<K, W>(states + ((b * H + h) * N + n) * (long long)(K * V) + v0, tile, V);
    float growTop = S::isGated ? power_of_two(c[row + g]) : 1.0f, growBottom = S::isGated ? power_of_two(c[row + g + 8]) : 1.0f;
    float out[NT][4];
    clear(out);
    if (S::isDelta) {
      float z[NT][4];
      clear(z);
#pragma unroll
      for (int i = 0; i < K; i += 16) {
        unsigned a[4], d[4];
        load_a<K>(a, tq, row, i);
        load_a<K>(d, tk, row, i);
#pragma unroll
        for (int m = 0; m < NT; m += 2) {
          unsigned x[4];
          load_b<W>(x, tile, i, 8 * m);
          mma(out[m], a, x[0], x[1]);
          mma(z[m], d, x[0], x[1]);
          mma(out[m + 1], a, x[2], x[3]);
          mma(z[m + 1], d, x[2], x[3]);
        }
      }
#pragma unroll
      for (int m = 0; m < NT; m++) {
        unsigned place = tile_step<W>(tv + own_place<W>(), row, m), x = load_shared(place), u = load_shared(place + 16 * W);
        z[m][0] = low_half(x) - growTop * z[m][0], z[m][1] = high_half(x) - growTop * z[m][1];
        z[m][2] = low_half(u) - growBottom * z[m][2], z[m][3] = high_half(u) - growBottom * z[m][3];
      }
      put_rows<W>(tz, row, z);
      __syncthreads();
      clear(z);
#pragma unroll
      for (int m = 0; m < 4; m++)
        if (m <= warp) times_rows<W>(z, solve[m], tz, 16 * m);
      if (states) store_rows(y + at, y + at + 8 * H * V, isTop, isBottom, z);
      scale_rows(z, strength[row + g], strength[row + g + 8]);
      put_rows<W>(tv, row, z);
      __syncthreads();
    } else times_state<K, W>(out, tq, tile, row);
    scale_rows(out, scale * growTop, scale * growBottom);
    float end = S::isGated ? c[63] : 0.0f, whole = power_of_two(end);
#pragma unroll
    for (int m = 0; m < (S::isGated ? MT : 0); m++) scale_rows(state[m], whole, whole);
    if (keyCum) decay_keys<K>(state, keyCum + ((b * H + h) * N + n) * 64ll * K, top);
#pragma unroll
    for (int m = 0; m < 4; m++) {
      unsigned fade[2] = {ONES, ONES};
      if (S::isGated) {
        if (m <= warp) decay_block<false>(p[m], c, row, 16 * m);
        row_factors(fade, c, 16 * m, [=](float x) { return power_of_two(end - x); });
      }
      add_tokens<K, W, S::isGated>(state, tk, top, out, p[m], m <= warp, tv, 16 * m, fade);
    }
    store_rows(o + at, o + at + 8 * H * V, isTop, isBottom, out);
    if (!S::isDelta || STAGES == 1) __syncthreads();
    if (STAGES == 1 && n + 1 < N) load_chunk<S>(stages, numbers, n + 1, q, k, v, cum, beta);
    if (n + 1 < N)
#pragma unroll
      for (int m = 0; m < MT; m++) put_rows<W>(tile, top + 16 * m, state[m]);
  }
  if (last)
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
      for (int n = 0; n < NT; n++)
#pragma unroll
        for (int e = 0; e < 4; e += 2) {
          float2 x;
          x.x = state[m][n][e], x.y = state[m][n][e + 1];
          *(float2 *)(last + ((b * H + h) * (long long)K + top + 16 * m + g + 4 * e) * V + v0 + 8 * n + 2 * t) = x;
        }
}
}
`
