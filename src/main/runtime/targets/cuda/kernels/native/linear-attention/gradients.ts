// Gradients of queries, keys, decays and write strengths, chunk by chunk in parallel, from the states and their gradients.

/**
 * Of decays nothing is taken as a difference of sums that contain the diagonal (see decayMatrix in core/ops/fused/chunks.ts): decay l
 * gets what passes over it, from reads of the state, from pairs of tokens, from what is handed on and from the state itself.
 */
export const GRADIENTS = `
namespace warp_tiles {
// sums that gradients of decays and write strengths are made of, for the tokens of a chunk; [2]: by half of the key width or of columns
struct Sums {
  float read[2][64], between[2][64], handed[2][64], erased[2][64], columns[4][64], strengths[4][64], products[16];
};
// ddecay and dbeta from these sums, by one warp; where the key width is divided, pairs of tokens count in the first part
template <class S>
__device__ __forceinline__ void finish_sums(const Sums &x, const float *strength, bool hasPairs, int rows, float *ddecay, float *dbeta) {
  int lane = threadIdx.x % 32;
  float handed[2], read[2];
#pragma unroll
  for (int e = 0; e < 2; e++) {
    int i = 2 * lane + e;
    float columns = 0.0f, strengths = 0.0f;
    handed[e] = x.handed[0][i] + x.handed[1][i];
#pragma unroll
    for (int w = 0; w < 4; w++)
      if (hasPairs && 16 * w + 16 > i) {
        if (S::isGated) columns += x.columns[w][i];
        if (S::isDelta) strengths += x.strengths[w][i];
      }
    if (S::isDelta) {
      if (i < rows) dbeta[i * S::H] = strengths + handed[e];
      handed[e] *= strength[i];
    }
    read[e] = x.read[0][i] + x.read[1][i] - columns + (hasPairs ? x.between[0][i] + x.between[1][i] : 0.0f);
    if (S::isDelta) read[e] -= x.erased[0][i] + x.erased[1][i];
  }
  if (S::isGated) {
    // decay l acts on what later tokens read (of i >= l), on what earlier tokens hand on (of j < l) and on the state
    float whole = 0.0f, ahead = handed[0] + handed[1], behind = read[0] + read[1];
#pragma unroll
    for (int w = 0; w < 16; w++) whole += x.products[w];
#pragma unroll
    for (int l = 1; l < 32; l *= 2) {
      float y = __shfl_up_sync(0xffffffffu, ahead, l), z = __shfl_down_sync(0xffffffffu, behind, l);
      if (lane >= l) ahead += y;
      if (lane + l < 32) behind += z;
    }
    ahead = __shfl_up_sync(0xffffffffu, ahead, 1);
    if (lane == 0) ahead = 0.0f;
    if (2 * lane < rows) ddecay[2 * lane * S::H] = whole + ahead + behind;
    if (2 * lane + 1 < rows) ddecay[(2 * lane + 1) * S::H] = whole + ahead + handed[0] + behind - read[0];
  }
}

// dq, dk, dbeta and ddecay of one chunk of one group of heads, by 16 warps: 8 for dq, 8 for dk; each has 16 tokens and half of the
// key width (of 128 keys; wider ones are divided between blocks), and of the products of pairs of tokens every other 16 columns.
template <class S, int DQ_ROW, int DK_ROW>
__device__ __forceinline__ void gradients(const bf16 *q, const bf16 *k, const bf16 *y, const float *beta, const float *cum, const bf16 *raw, const bf16 *keys,
                             const bf16 *states, const bf16 *dout, const bf16 *dz, const bf16 *dstates, bf16 *dq, bf16 *dk,
                             float *ddecay, float *dbeta, float scale) {
  constexpr int T = S::T, H = S::H, G = S::G, V = S::V, W = S::W, R = H / G, N = (T + 63) / 64, SLICES = V / W;
  constexpr int WIDTH = S::K, K = WIDTH > 128 ? 128 : WIDTH, PARTS = WIDTH / K, NK = K / 16;
  constexpr int STAGES = S::STAGES, ROWS = S::isDelta ? 192 : 128, STAGE = 2 * W * (ROWS + 2 * K);
  unsigned tq = shared_start(), tk = tq + 128 * K, stages = tk + 128 * K, tp = stages + STAGES * STAGE, ta = tp + 8192;
  constexpr int NUMBERS = 256 * K + STAGES * STAGE + (S::isDelta ? 16384 : 8192);
  const float *allNumbers = (const float *)(shared_memory + NUMBERS);
  Sums *allSums = (Sums *)(shared_memory + NUMBERS + 1024);
  unsigned numbers = tq + NUMBERS;
  int warp = warp_index(), lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  int side = warp / 8, half = warp / 4 % 2, block = (warp + warp / 4) % 4, row = 16 * block, column = half * K / 2;
  int n = blockIdx.x, group = blockIdx.y / PARTS, part = blockIdx.y % PARTS, b = blockIdx.z, rows = min(64, T - 64 * n), token = b * T + 64 * n;
  auto load = [&](int step) {
    int h = group * R + step / SLICES, v0 = step % SLICES * W, s = step % STAGES, i = threadIdx.x % 64;
    unsigned stage = stages + s * STAGE;
    long long at = ((long long)token * H + h) * V + v0, chunk = (((b * H + h) * N + n) * (long long)WIDTH + part * K) * V + v0;
    copy_tile<64, W, 512>(stage, dout + at, H * V, rows);
    copy_tile<64, W, 512>(stage + 128 * W, y + at, H * V, rows);
    if (S::isDelta) copy_tile<64, W, 512>(stage + 256 * W, dz + at, H * V, rows);
    stage += 2 * W * ROWS;
    copy_tile<K, W, 512>(stage, states + chunk, V, K);
    copy_tile<K, W, 512>(stage + 2 * K * W, dstates + chunk, V, K);
    if (S::isGated && threadIdx.x < 16) copy_async16(numbers + 512 * s + 16 * i, cum + ((b * H + h) * N + n) * 64 + 4 * i, true);
    if (S::isDelta && threadIdx.x >= 64 && threadIdx.x < 128) copy_async4(numbers + 512 * s + 256 + 4 * i, beta + (token + i) * H + h, i < rows);
    copies_end();
  };
  int place = group * WIDTH + part * K;
  copy_tile<64, K, 512>(tq, q + (long long)token * S::Q_ROW + place, S::Q_ROW, rows);
  copy_tile<64, K, 512>(tk, k + (long long)token * S::K_ROW + place, S::K_ROW, rows);
  load(0);
  unsigned scores[2][4], products[2][4]; // q k^T, k k^T
#pragma unroll
  for (int m = 0; m < 2; m++)
    if (side == 0 && 2 * m + half <= block) {
      load_fragment(scores[m], raw + ((b * N + n) * G + group) * 4096ll, 4 * block + 2 * m + half);
      if (S::isDelta) load_fragment(products[m], keys + ((b * N + n) * G + group) * 4096ll, 4 * block + 2 * m + half);
    }
  if (PARTS > 1) ddecay += (long long)part * gridDim.z * T * H, dbeta += (long long)part * gridDim.z * T * H;
  float total[NK][4], summed[4][4]; // dq or dk; gradients of scores
  clear(total);
  clear(summed);
#pragma unroll 1
  for (int r = 0; r < R; r++) {
    // of queries: dO S^T; dO y^T and dZ y^T. Of keys: y dS^T; dZ S^T
    float own[NK][4], other[8][4];
    float product = 0.0f;
    clear(own);
    clear(other);
#pragma unroll 1
    for (int slice = 0; slice < SLICES; slice++) {
      int step = r * SLICES + slice;
      unsigned td = stages + step % STAGES * STAGE, ty = td + 128 * W, tz = ty + 128 * W, ts = td + 2 * W * ROWS, tg = ts + 2 * K * W;
      if (STAGES == 1 && step > 0) {
        __syncthreads();
        load(step);
      }
      copies_wait<0>();
      __syncthreads();
      if (STAGES > 1 && step + 1 < R * SLICES) load(step + 1);
      if (S::isGated && !S::isDelta && slice == 0 && r > 0 && warp == 0) {
        int at = token * H + group * R + r - 1;
        finish_sums<S>(allSums[r - 1 & 1], allNumbers, part == 0, rows, ddecay + at, dbeta + at);
      }
#pragma unroll
      for (int c = 0; c < W; c += 16) {
        unsigned a[4], d[4];
        load_a<W>(a, side == 0 ? td : ty, row, c);
        times_columns<W>(own, a, side == 0 ? ts : tg, c, column);
        if (S::isDelta) load_a<W>(d, tz, row, c);
        if (side == 0) {
#pragma unroll
          for (int m = 0; m < 2; m++)
            if (2 * m + half <= block) {
              unsigned x[4];
              load_b_t<W>(x, ty, 32 * m + 16 * half, c);
              mma(other[2 * m], a, x[0], x[1]);
              mma(other[2 * m + 1], a, x[2], x[3]);
              if (S::isDelta) {
                mma(other[4 + 2 * m], d, x[0], x[1]);
                mma(other[5 + 2 * m], d, x[2], x[3]);
              }
            }
        } else if (S::isDelta) {
#pragma unroll
          for (int m = 0; m < NK; m += 2) {
            unsigned x[4];
            load_b_t<W>(x, ts, column + 8 * m, c);
            mma(other[m], d, x[0], x[1]);
            mma(other[m + 1], d, x[2], x[3]);
          }
        }
      }
      if (S::isGated)
#pragma unroll
        for (int i = threadIdx.x; i < K * W / 8; i += 512) product += dot8(load_shared16(ts + 16 * i), load_shared16(tg + 16 * i));
    }
    int s = (r * SLICES + SLICES - 1) % STAGES, at = token * H + group * R + r;
    const float *c = allNumbers + s * 128, *strength = c + 64;
    Sums &sums = allSums[S::isDelta ? 0 : r & 1];
    float cTop = S::isGated ? c[row + g] : 0.0f, cBottom = S::isGated ? c[row + g + 8] : 0.0f, end = S::isGated ? c[63] : 0.0f;
    float growTop = S::isGated ? power_of_two(cTop) : 1.0f, growBottom = S::isGated ? power_of_two(cBottom) : 1.0f, top, bottom;
    if (side == 0) {
      growTop *= scale, growBottom *= scale;
      if (S::isGated) {
        dot_rows<K>(top, bottom, own, tq, row, column);
        if (t == 0) sums.read[half][row + g] = growTop * top, sums.read[half][row + g + 8] = growBottom * bottom;
      }
      add_rows(total, own, growTop, growBottom);
      top = bottom = 0.0f;
#pragma unroll
      for (int m = 0; m < 2; m++)
        if (2 * m + half <= block) {
#pragma unroll
          for (int l = 0; l < 2; l++) {
            int j0 = 32 * m + 16 * half + 8 * l + 2 * t;
            float2 cj = *(const float2 *)(c + j0), wj = *(const float2 *)(strength + j0);
            float (&dp)[4] = other[2 * m + l], (&da)[4] = other[4 + 2 * m + l];
            float columns[2] = {0.0f, 0.0f}, strengths[2] = {0.0f, 0.0f};
#pragma unroll
            for (int e = 0; e < 4; e++) {
              int i = row + g + 8 * (e / 2), j = j0 + (e & 1);
              float score = half_of(scores[m][2 * l + e / 2], e & 1), w = S::isDelta ? (e & 1 ? wj.y : wj.x) : 1.0f, erase = 0.0f;
              float d = i < j ? 0.0f : S::isGated ? power_of_two(min(0.0f, (e < 2 ? cTop : cBottom) - (e & 1 ? cj.y : cj.x))) : 1.0f;
              float sum = dp[e] * d * score;
              if (S::isDelta) {
                erase = i > j ? da[e] * d : 0.0f;
                sum -= erase * half_of(products[m][2 * l + e / 2], e & 1);
                strengths[e & 1] += sum;
                da[e] = -erase * w;
              }
              if (S::isGated) {
                float both = i > j ? w * sum : 0.0f;
                columns[e & 1] += both;
                if (e < 2) top += both;
                else bottom += both;
              }
              dp[e] *= scale * w * d;
            }
#pragma unroll
            for (int e = 0; e < 2; e++) {
              if (S::isGated) columns[e] = column_sum(columns[e]);
              if (S::isDelta) strengths[e] = column_sum(strengths[e]);
              if (S::isGated && g == 0) sums.columns[block][j0 + e] = columns[e];
              if (S::isDelta && g == 0) sums.strengths[block][j0 + e] = strengths[e];
            }
            if (!S::isDelta)
#pragma unroll
              for (int e = 0; e < 4; e++) summed[2 * m + l][e] += dp[e];
          }
        }
      if (S::isGated) {
        top = row_sum(top), bottom = row_sum(bottom);
        if (t == 0) sums.between[half][row + g] = top, sums.between[half][row + g + 8] = bottom;
      }
    } else {
      float fadeTop = S::isGated ? power_of_two(end - cTop) : 1.0f, fadeBottom = S::isGated ? power_of_two(end - cBottom) : 1.0f;
      if (S::isGated || S::isDelta) {
        dot_rows<K>(top, bottom, own, tk, row, column);
        if (t == 0) sums.handed[half][row + g] = fadeTop * top, sums.handed[half][row + g + 8] = fadeBottom * bottom;
      }
      if (S::isDelta) fadeTop *= strength[row + g], fadeBottom *= strength[row + g + 8];
      add_rows(total, own, fadeTop, fadeBottom);
      if (S::isDelta) {
        float erased[NK][4];
#pragma unroll
        for (int m = 0; m < NK; m++)
#pragma unroll
          for (int e = 0; e < 4; e++) erased[m][e] = other[m][e];
        if (S::isGated) {
          dot_rows<K>(top, bottom, erased, tk, row, column);
          if (t == 0) sums.erased[half][row + g] = growTop * top, sums.erased[half][row + g + 8] = growBottom * bottom;
        }
        add_rows(total, erased, -growTop, -growBottom);
      }
    }
    if (S::isGated) {
#pragma unroll
      for (int l = 1; l < 32; l *= 2) product += __shfl_xor_sync(0xffffffffu, product, l);
      if (lane == 0) sums.products[warp] = product * power_of_two(end);
    }
    if (S::isDelta || r == R - 1) {
      // the products of gradients of pairs with keys and queries
      if (side == 0)
#pragma unroll
        for (int m = 0; m < 2; m++)
          if (2 * m + half <= block)
#pragma unroll
            for (int l = 0; l < 2; l++) {
              unsigned place = tile_step<64>(own_place<64>() ^ half << 5, row, 4 * m + l);
              float (&dp)[4] = S::isDelta ? other[2 * m + l] : summed[2 * m + l], (&da)[4] = other[4 + 2 * m + l];
              store_shared(tp + place, pack(dp[0], dp[1]));
              store_shared(tp + place + 1024, pack(dp[2], dp[3]));
              if (S::isDelta) {
                store_shared(ta + place, pack(da[0], da[1]));
                store_shared(ta + place + 1024, pack(da[2], da[3]));
              }
            }
      __syncthreads();
      if ((S::isDelta || S::isGated) && warp == 0) finish_sums<S>(sums, strength, part == 0, rows, ddecay + at, dbeta + at);
#pragma unroll
      for (int m = 0; m < 4; m++) {
        unsigned a[4];
        if (m <= block && (side == 0 || S::isDelta)) {
          load_a<64>(a, side == 0 ? tp : ta, row, 16 * m);
          times_rows<K>(total, a, tk, 16 * m, column);
        }
        if (m >= block && side == 1) {
          load_a_t<64>(a, tp, 16 * m, row);
          times_rows<K>(total, a, tq, 16 * m, column);
          if (S::isDelta) {
            load_a_t<64>(a, ta, 16 * m, row);
            times_rows<K>(total, a, tk, 16 * m, column);
          }
        }
      }
    }
  }
  int apart = side == 0 ? DQ_ROW : DK_ROW;
  bf16 *into = (side == 0 ? dq : dk) + (long long)(token + row + g) * apart + place + column;
  store_rows(into, into + 8 * apart, row + g < rows, row + g + 8 < rows, total);
}
}
`
