// Forward kernel of attention (FlashAttention-2, arXiv 2307.08691): scores stay in registers, tile by tile.

import { PLACE, QUERY_TILES, VISIBLE } from './tiles.ts'

/**
 * Names q, k, v, o, lse. Queries are copied, or turned once the copies of the first keys are under way. The product of a tile's weights with its values runs while the scores of the next tile are turned into
 * weights. lse is log2 of the sum of exponentials.
 */
export const FORWARD = (copyQueries: string, turnQueries: string): string => `${VISIBLE}${PLACE}${QUERY_TILES}
const unsigned keyTiles = shared_start(), valueTiles = keyTiles + STAGES * Keys::BYTES, queryTile = valueTiles + STAGES * Keys::BYTES;
// each step needs the keys of a tile and the values of the one before
const auto copyStep = [&](int step) {
  if (step < tiles) copyKeys(keyTiles + step % STAGES * Keys::BYTES, keyStart, step);
  if (step > 0 && step <= tiles) copyKeys(valueTiles + (step - 1) % STAGES * Keys::BYTES, valueStart, step - 1);
  copies_end();
};
${copyQueries}
#pragma unroll
for (int step = 0; step < STAGES - 1; step++) copyStep(step);
${turnQueries}
float o_[K / 8][4], s[TILE / 8][4];
clear(o_);
float most[2] = {-infinity, -infinity}, sum[2] = {0.0f, 0.0f}, shrink[2];
unsigned weights[TILE / 16][4];
const auto scores = [&](int tile) {
  rows_by_rows<Queries, Keys>(s, queryTile, keyTiles + tile % STAGES * Keys::BYTES);
  products_end();
};
const auto mix = [&](int tile) {
  add_rows_by_columns<Keys>(o_, weights, valueTiles + tile % STAGES * Keys::BYTES);
  products_end();
};
// scores become weights relative to the largest score so far; what was summed before shrinks accordingly
const auto softmax = [&](int key) {
  if (!whole(warpRow, 16, key, TILE))
    #pragma unroll
    for (int n = 0; n < TILE / 8; n++)
      #pragma unroll
      for (int i = 0; i < 4; i++)
        if (!visible(row + i / 2 * 8, key + n * 8 + lane % 4 * 2 + i % 2)) s[n][i] = -infinity;
  #pragma unroll
  for (int half = 0; half < 2; half++) {
    float top = most[half];
    #pragma unroll
    for (int n = 0; n < TILE / 8; n++) top = fmaxf(top, fmaxf(s[n][half * 2], s[n][half * 2 + 1]));
    top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
    top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
    const float base = top == -infinity ? 0.0f : top * LOG_SCALE;
    shrink[half] = power_of_two(most[half] * LOG_SCALE - base);
    most[half] = top;
    float total = 0.0f;
    #pragma unroll
    for (int n = 0; n < TILE / 8; n++)
      #pragma unroll
      for (int i = half * 2; i < half * 2 + 2; i++) total += s[n][i] = power_of_two(fmaf(s[n][i], LOG_SCALE, -base));
    sum[half] = sum[half] * shrink[half] + total;
  }
};
copies_wait<STAGES - 2>();
block_barrier();
copyStep(STAGES - 1);
products_begin();
scores(0);
products_wait<0>();
products_done(s);
softmax(keyOf(0));
pack_rows(weights, s);
for (int tile = 1; tile < mine; tile++) {
  copies_wait<STAGES - 2>();
  block_barrier();
  copyStep(tile + STAGES - 1);
  products_begin();
  scores(tile);
  mix(tile - 1);
  products_wait<1>();
  products_done(s);
  softmax(keyOf(tile));
  products_wait<0>();
  products_done(o_);
  #pragma unroll
  for (int n = 0; n < K / 8; n++)
    #pragma unroll
    for (int i = 0; i < 4; i++) o_[n][i] *= shrink[i / 2];
  pack_rows(weights, s);
}
copies_wait<STAGES - 2>();
block_barrier();
copyStep(mine + STAGES - 1);
products_begin();
mix(mine - 1);
products_wait<0>();
products_done(o_);
for (int tile = mine; tile < tiles; tile++) {
  copies_wait<STAGES - 2>();
  block_barrier();
  copyStep(tile + STAGES);
}
#pragma unroll
for (int half = 0; half < 2; half++) {
  sum[half] += __shfl_xor_sync(0xffffffffu, sum[half], 1);
  sum[half] += __shfl_xor_sync(0xffffffffu, sum[half], 2);
  if (lane % 4 == 0 && row + half * 8 < T)
    lse[(unsigned long long)head * T + row + half * 8] = most[half] * LOG_SCALE + log2f(sum[half]);
}
__syncthreads();
write_rows<Queries>(o + queryStart, H * K, T - row0, keyTiles, o_, 1.0f / sum[0], 1.0f / sum[1]);
`
