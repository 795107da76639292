// Backward kernels of attention (FlashAttention-2, arXiv 2307.08691): one for the gradient of queries, one for keys and values,
// so that every sum has one owner and one order. Both compute the weights again from scores and log-sum-exp.

import { PLACE, QUERY_TILES, VISIBLE } from './tiles.ts'

/**
 * Names q, k, v, o, lse, go (gradient of o), gq, delta. delta = Σ go o of each row, which the other kernel reads.
 * Rows of gq are GQ_STRIDE apart (of gk and gv GK_STRIDE and GV_STRIDE): gq = scale Σ_keys ds k with ds = p (go vᵀ - delta), p = 2^(log2(e) scale q kᵀ - lse).
 */
export const QUERY_GRADIENT = (turn: string): string => `${VISIBLE}${PLACE}${QUERY_TILES}
const unsigned keyTiles = shared_start(), valueTiles = keyTiles + STAGES * Keys::BYTES, queryTile = valueTiles + STAGES * Keys::BYTES, gradientTile = queryTile + Queries::BYTES;
const auto copyStep = [&](int tile) {
  if (tile < tiles) {
    copyKeys(keyTiles + tile % STAGES * Keys::BYTES, keyStart, tile);
    copyKeys(valueTiles + tile % STAGES * Keys::BYTES, valueStart, tile);
  }
  copies_end();
};
copy_tile<Queries, THREADS>(queryTile, q + queryStart, H * K, T - row0);
copy_tile<Queries, THREADS>(gradientTile, go + queryStart, H * K, T - row0);
#pragma unroll
for (int tile = 0; tile < STAGES - 1; tile++) copyStep(tile);
const unsigned long long warpStart = queryStart + warp * 16 * H * K, statistics = (unsigned long long)head * T;
unsigned results[STEPS][4], gradients[STEPS][4];
read_rows(results, o + warpStart, H * K, T - warpRow);
read_rows(gradients, go + warpStart, H * K, T - warpRow);
float least[2], mean[2] = {0.0f, 0.0f};
#pragma unroll
for (int step = 0; step < STEPS; step++)
  #pragma unroll
  for (int i = 0; i < 4; i++) {
    const unsigned x = results[step][i], y = gradients[step][i];
    mean[i % 2] += __uint_as_float(x << 16) * __uint_as_float(y << 16) + __uint_as_float(x & 0xffff0000u) * __uint_as_float(y & 0xffff0000u);
  }
#pragma unroll
for (int half = 0; half < 2; half++) {
  mean[half] += __shfl_xor_sync(0xffffffffu, mean[half], 1);
  mean[half] += __shfl_xor_sync(0xffffffffu, mean[half], 2);
  const bool exists = row + half * 8 < T;
  least[half] = exists ? lse[statistics + row + half * 8] : 0.0f;
  if (lane % 4 == 0 && exists) delta[statistics + row + half * 8] = mean[half];
}
float gq_[K / 8][4], s[TILE / 8][4], gp[TILE / 8][4];
unsigned weights[TILE / 16][4];
clear(gq_);
for (int tile = 0; tile < tiles; tile++) {
  copies_wait<STAGES - 2>();
  block_barrier();
  copyStep(tile + STAGES - 1);
  const unsigned keyTile = keyTiles + tile % STAGES * Keys::BYTES, valueTile = valueTiles + tile % STAGES * Keys::BYTES;
  if (tile >= mine) continue;
  products_begin();
  rows_by_rows<Queries, Keys>(s, queryTile, keyTile);
  products_end();
  rows_by_rows<Queries, Keys>(gp, gradientTile, valueTile);
  products_end();
  products_wait<1>();
  products_done(s);
  const int key = keyOf(tile);
  if (!whole(warpRow, 16, key, TILE))
    #pragma unroll
    for (int n = 0; n < TILE / 8; n++)
      #pragma unroll
      for (int i = 0; i < 4; i++)
        if (!visible(row + i / 2 * 8, key + n * 8 + lane % 4 * 2 + i % 2)) s[n][i] = -infinity;
  #pragma unroll
  for (int n = 0; n < TILE / 8; n++)
    #pragma unroll
    for (int i = 0; i < 4; i++) s[n][i] = power_of_two(fmaf(s[n][i], LOG_SCALE, -least[i / 2]));
  products_wait<0>();
  products_done(gp);
  #pragma unroll
  for (int n = 0; n < TILE / 8; n++)
    #pragma unroll
    for (int i = 0; i < 4; i++) s[n][i] *= gp[n][i] - mean[i / 2];
  pack_rows(weights, s);
  products_begin();
  add_rows_by_columns<Keys>(gq_, weights, keyTile);
  products_end();
  products_wait<0>();
  products_done(gq_);
}
__syncthreads();
${turn}
write_rows<Queries>(gq + (unsigned long long)(b * T + row0) * GQ_STRIDE + h * K, GQ_STRIDE, T - row0, keyTiles, gq_, SCALE, SCALE);
`

/**
 * Names q, k, v, lse, go, delta, gk, gv. A block has the keys of one key head from key0 on and goes through the tiles of
 * queries that see them, for every query head in turn: gv = Σ pᵀ go, gk = scale Σ dsᵀ q.
 */
export const KEY_GRADIENT = (turn: string): string => `${VISIBLE}${PLACE}
constexpr int THREADS = GROUPS * 128, ROWS = GROUPS * 64;
typedef Tile<ROWS, K> Keys;
typedef Tile<TILE, K> Queries;
constexpr int STAGE = 2 * Queries::BYTES;
const unsigned stages = shared_start(), keyTile = stages + STAGES * STAGE, valueTile = keyTile + Keys::BYTES, statistics = valueTile + Keys::BYTES;
const int key0 = longest * ROWS, b = head / G, g = head % G;
const unsigned long long keyStart = ((unsigned long long)(b * T + key0) * G + g) * K;
const int lastQuery = WINDOW == 0 || key0 < META ? T - 1 : min(T - 1, key0 + ROWS - 1 + WINDOW - 1);
const int firstTile = key0 / TILE, tilesOfHead = lastQuery / TILE - firstTile + 1, tiles = tilesOfHead * (H / G);
const auto queryOf = [&](int tile) { return (firstTile + tile % tilesOfHead) * TILE; };
const auto copyStep = [&](int tile) {
  if (tile < tiles) {
    const int query = queryOf(tile), h = g * (H / G) + tile / tilesOfHead, stage = tile % STAGES;
    const unsigned long long start = ((unsigned long long)(b * T + query) * H + h) * K;
    copy_tile<Queries, THREADS>(stages + stage * STAGE, q + start, H * K, T - query);
    copy_tile<Queries, THREADS>(stages + stage * STAGE + Queries::BYTES, go + start, H * K, T - query);
    if (threadIdx.x < TILE) {
      const int t = query + threadIdx.x;
      const unsigned long long from = t < T ? (unsigned long long)(b * H + h) * T + t : 0;
      const unsigned to = statistics + (stage * TILE + threadIdx.x) * 8;
      copy_async4(to, lse + from, t < T);
      copy_async4(to + 4, delta + from, t < T);
    }
  }
  copies_end();
};
copy_tile<Keys, THREADS>(keyTile, k + keyStart, G * K, T - key0);
copy_tile<Keys, THREADS>(valueTile, v + keyStart, G * K, T - key0);
#pragma unroll
for (int tile = 0; tile < STAGES - 1; tile++) copyStep(tile);
const int warpRow = key0 + warp * 16, row = warpRow + lane / 4;
float gk_[K / 8][4], gv_[K / 8][4], s[TILE / 8][4], gp[TILE / 8][4];
unsigned weights[TILE / 16][4], slopes[TILE / 16][4];
clear(gk_);
clear(gv_);
for (int tile = 0; tile < tiles; tile++) {
  copies_wait<STAGES - 2>();
  block_barrier();
  copyStep(tile + STAGES - 1);
  const int stage = tile % STAGES, query = queryOf(tile);
  const unsigned queryTile = stages + stage * STAGE, gradientTile = queryTile + Queries::BYTES;
  // of the queries of two columns: log-sum-exp, delta, log-sum-exp, delta
  const float4 *least = (const float4 *)(shared_memory + (statistics - stages)) + stage * (TILE / 2) + lane % 4;
  // every query of the tile comes before the keys of the four warps that work together
  if (query + TILE <= key0 + together * 64) continue;
  products_begin();
  rows_by_rows<Keys, Queries>(s, keyTile, queryTile);
  products_end();
  rows_by_rows<Keys, Queries>(gp, valueTile, gradientTile);
  products_end();
  products_wait<1>();
  products_done(s);
  if (!whole(query, TILE, warpRow, 16))
    #pragma unroll
    for (int n = 0; n < TILE / 8; n++)
      #pragma unroll
      for (int i = 0; i < 4; i++)
        if (!visible(query + n * 8 + lane % 4 * 2 + i % 2, row + i / 2 * 8)) s[n][i] = -infinity;
  #pragma unroll
  for (int n = 0; n < TILE / 8; n++) {
    const float4 of = least[n * 4];
    s[n][0] = power_of_two(fmaf(s[n][0], LOG_SCALE, -of.x));
    s[n][1] = power_of_two(fmaf(s[n][1], LOG_SCALE, -of.z));
    s[n][2] = power_of_two(fmaf(s[n][2], LOG_SCALE, -of.x));
    s[n][3] = power_of_two(fmaf(s[n][3], LOG_SCALE, -of.z));
  }
  pack_rows(weights, s);
  products_begin();
  add_rows_by_columns<Queries>(gv_, weights, gradientTile);
  products_end();
  products_wait<1>();
  products_done(gp);
  #pragma unroll
  for (int n = 0; n < TILE / 8; n++) {
    const float4 of = least[n * 4];
    s[n][0] *= gp[n][0] - of.y;
    s[n][1] *= gp[n][1] - of.w;
    s[n][2] *= gp[n][2] - of.y;
    s[n][3] *= gp[n][3] - of.w;
  }
  pack_rows(slopes, s);
  products_begin();
  add_rows_by_columns<Queries>(gk_, slopes, queryTile);
  products_end();
  products_wait<0>();
  products_done(gk_);
  products_done(gv_);
}
__syncthreads();
${turn}
write_rows<Keys>(gk + (unsigned long long)(b * T + key0) * GK_STRIDE + g * K, GK_STRIDE, T - key0, stages, gk_, SCALE, SCALE);
__syncthreads();
write_rows<Keys>(gv + (unsigned long long)(b * T + key0) * GV_STRIDE + g * K, GV_STRIDE, T - key0, stages, gv_, 1.0f, 1.0f);
`
