// Gradients of values, and of the states behind chunks: the walk from the last chunk to the first.

export const BACKWARD = `
namespace warp_tiles {
// dstates are the gradients of the states behind chunks, dz that of v, for delta rules before the solve
template <class S>
__device__ __forceinline__ void walk_backward(const bf16 *q, const bf16 *k, const bf16 *dout, const float *beta, const float *cum, const float *keyCum, const bf16 *raw,
                            const bf16 *inv, bf16 *dz, bf16 *dstates, float scale) {
  constexpr int T = S::T, H = S::H, G = S::G, K = S::K, V = S::V, W = S::W, R = H / G, N = (T + 63) / 64, NT = W / 8, MT = K / 64;
  constexpr int STAGES = S::STAGES, STAGE = 256 * K + 128 * W;
  unsigned stages = shared_start(), tile = stages + STAGES * STAGE, tz = tile + 2 * K * W, numbers = tz + 128 * W;
  const float *allNumbers = (const float *)(shared_memory + STAGES * STAGE + 2 * K * W + 128 * W);
  int warp = warp_index(), lane = threadIdx.x % 32, g = lane / 4;
  int v0 = blockIdx.x * W, h = blockIdx.y, b = blockIdx.z, group = h / R, row = 16 * warp, top = 16 * MT * warp;
  load_chunk<S>(stages + (N - 1) % STAGES * STAGE, numbers + (N - 1) % STAGES * 512, N - 1, q, k, dout, cum, beta);
  float state[MT][NT][4];
#pragma unroll
  for (int m = 0; m < MT; m++) {
    clear(state[m]);
    put_rows<W>(tile, top + 16 * m, state[m]);
  }
#pragma unroll 1
  for (int n = N - 1; n >= 0; n--) {
    int s = n % STAGES;
    unsigned tq = stages + s * STAGE, tk = tq + 128 * K, td = tk + 128 * K;
    const float *c = allNumbers + s * 128, *strength = c + 64;
    long long at = ((long long)(b * T + 64 * n + row + g) * H + h) * V + v0;
    bool isTop = 64 * n + row + g < T, isBottom = 64 * n + row + g + 8 < T;
    copies_wait<0>();
    __syncthreads();
    if (STAGES > 1 && n > 0) load_chunk<S>(stages + (s ^ 1) * STAGE, numbers + (s ^ 1) * 512, n - 1, q, k, dout, cum, beta);
    unsigned p[4][4], solve[4][4];
#pragma unroll
    for (int m = 0; m < 4; m++)
      if (m >= warp) {
        load_fragment(p[m], raw + ((b * N + n) * G + group) * 4096ll, 4 * m + warp);
        if (S::isDelta) load_fragment(solve[m], inv + ((b * N + n) * H + h) * 4096ll, 4 * m + warp);
      }
    save_state<K, W>(dstates + ((b * H + h) * N + n) * (long long)(K * V) + v0, tile, V);
    float dw[NT][4];
    clear(dw);
    times_state<K, W>(dw, tk, tile, row);
    if (keyCum) decay_keys<K>(state, keyCum + ((b * H + h) * N + n) * 64ll * K, top);
    if (S::isGated) {
      float end = c[63], whole = power_of_two(end);
#pragma unroll
      for (int m = 0; m < MT; m++) scale_rows(state[m], whole, whole);
      scale_rows(dw, power_of_two(end - c[row + g]), power_of_two(end - c[row + g + 8]));
    }
#pragma unroll
    for (int m = 0; m < 4; m++) {
      unsigned grow[2] = {pack(scale, scale), pack(scale, scale)};
      if (m >= warp) {
        transpose16(p[m]);
        if (S::isGated) decay_block<true>(p[m], c, row, 16 * m);
      }
      if (S::isGated) row_factors(grow, c, 16 * m, [=](float x) { return scale * power_of_two(x); });
      add_tokens<K, W, true>(state, tq, top, dw, p[m], m >= warp, td, 16 * m, grow);
    }
    if (S::isDelta) {
      scale_rows(dw, strength[row + g], strength[row + g + 8]);
      put_rows<W>(tz, row, dw);
    }
    __syncthreads();
    if (S::isDelta) {
      clear(dw);
#pragma unroll
      for (int m = 0; m < 4; m++)
        if (m >= warp) {
          transpose16(solve[m]);
          times_rows<W>(dw, solve[m], tz, 16 * m);
        }
      put_rows<W>(td, row, dw);
      __syncthreads();
#pragma unroll
      for (int m = 0; m < 4; m++) {
        unsigned grow[2] = {ONES ^ 0x80008000u, ONES ^ 0x80008000u};
        if (S::isGated) row_factors(grow, c, 16 * m, [](float x) { return -power_of_two(x); });
        add_tokens<K, W, true>(state, tk, top, dw, p[m], false, td, 16 * m, grow);
      }
    }
    store_rows(dz + at, dz + at + 8 * H * V, isTop, isBottom, dw);
    if (STAGES == 1 && n > 0) {
      __syncthreads();
      load_chunk<S>(stages, numbers, n - 1, q, k, dout, cum, beta);
    }
    if (n > 0)
#pragma unroll
      for (int m = 0; m < MT; m++) put_rows<W>(tile, top + 16 * m, state[m]);
  }
}
}
`
