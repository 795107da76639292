/** Device functions of attention over a cache. */
export const CACHE_ROWS = `
/** The row of a token in a cache of n rows; under a window the first \`meta\` stay and the rest is a ring. */
__device__ __forceinline__ unsigned ring_slot(int position, unsigned n, bool isRing, unsigned meta) {
  unsigned at = (unsigned)max(position, 0);
  return at < n ? at : isRing ? meta + (at - meta) % (n - meta) : n - 1;
}
/** What another block wrote, past the first-level cache. */
__device__ __forceinline__ float read_fresh(const float *p) { return *(const volatile float *)p; }
/** Rows of a cache that a thread holds at a time: eight columns of every STRIDE-th one. */
template <class T, int WIDTH> struct HeldRows {
  static constexpr int LANES = WIDTH / 8, ROWS = 32 / LANES, STRIDE = 8 * ROWS, AHEAD = 4;
  Eight<T> x[AHEAD];
  /** Takes rows from \`first\` on that lie in front of \`to\`; zeros for others and for the row \`fresh\`. */
  __device__ __forceinline__ void take(const T *rows, unsigned first, unsigned to, unsigned fresh) {
#pragma unroll
    for (int a = 0; a < AHEAD; a++) {
      unsigned r = first + a * STRIDE;
      if (r < to && r != fresh) x[a].read(rows + r * WIDTH + threadIdx.x % LANES * 8);
      else x[a].clear();
    }
  }
};
/**
 * Attention of H heads over rows from..to of a cache, of which row \`slot\` is \`fresh\`; the last of \`live\` blocks joins what
 * they leave in \`parts\`: for each of them and each head the weighted values, the largest score and the sum.
 */
template <class T, int WIDTH, int H, int CHUNK, int SPLITS, class Out>
__device__ __forceinline__ void attend_rows(HeldRows<T, WIDTH> &key, HeldRows<T, WIDTH> &value, const T *keys, const T *values, float (*query)[WIDTH], float (*fresh)[WIDTH],
    unsigned from, unsigned to, unsigned slot, float scale, unsigned live, float *parts, int *ticket, Out *out) {
  constexpr int LANES = WIDTH / 8, ROWS = 32 / LANES, WARPS = 8, STRIDE = WARPS * ROWS, AHEAD = 4, PART = WIDTH + 2;
  __shared__ float scores[H][CHUNK];
  __shared__ float sums[WARPS][H][WIDTH];
  __shared__ float most[H], total[H];
  __shared__ int isLast;
  unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  unsigned column = lane % LANES * 8, first = from + warp * ROWS + lane / LANES, base = first - lane / LANES;
  for (; base < to; base += AHEAD * STRIDE) {
    if (base != first - lane / LANES) key.take(keys, base + lane / LANES, to, slot);
#pragma unroll
    for (int a = 0; a < AHEAD; a++) {
      unsigned r = base + lane / LANES + a * STRIDE;
#pragma unroll
      for (int h = 0; h < H; h++) {
        float4 low = *(const float4 *)(query[h] + column / 2), high = *(const float4 *)(query[h] + WIDTH / 2 + column / 2);
        float score = key.x[a].dot(low, high, 0.0f);
        if (r == slot) {
          float4 l = *(const float4 *)(fresh[0] + column / 2), u = *(const float4 *)(fresh[0] + WIDTH / 2 + column / 2);
          score = l.x * low.x + l.y * low.y + l.z * low.z + l.w * low.w + u.x * high.x + u.y * high.y + u.z * high.z + u.w * high.w;
        }
        score = lanes_add<LANES>(score);
        if (lane % LANES == 0 && r < to) scores[h][r - from] = score * scale;
      }
    }
  }
  __syncthreads();
  for (unsigned h = warp; h < H; h += WARPS) {
    float top = __int_as_float(0xff800000);
    for (unsigned i = lane; i < to - from; i += 32) top = larger(top, scores[h][i]);
    top = lanes_larger<32>(top);
    float sum = 0.0f;
    for (unsigned i = lane; i < to - from; i += 32) sum += scores[h][i] = expf(scores[h][i] - top);
    sum = lanes_add<32>(sum);
    if (lane == 0) { most[h] = top; total[h] = sum; }
  }
  __syncthreads();
  float mixed[H][8] = {};
  for (base = first - lane / LANES; base < to; base += AHEAD * STRIDE) {
    if (base != first - lane / LANES) value.take(values, base + lane / LANES, to, slot);
#pragma unroll
    for (int a = 0; a < AHEAD; a++) {
      unsigned r = base + lane / LANES + a * STRIDE;
      if (r >= to) continue;
#pragma unroll
      for (int h = 0; h < H; h++) {
        float weight = scores[h][r - from];
        value.x[a].add_to(mixed[h], weight);
        if (r == slot)
#pragma unroll
          for (int i = 0; i < 8; i++) mixed[h][i] = fmaf(fresh[1][column / 2 + i % 4 + i / 4 * (WIDTH / 2)], weight, mixed[h][i]);
      }
    }
  }
#pragma unroll
  for (int h = 0; h < H; h++)
#pragma unroll
    for (int i = 0; i < 8; i++) {
      for (int d = 16; d >= LANES; d /= 2) mixed[h][i] += __shfl_xor_sync(0xffffffffu, mixed[h][i], d);
      if (lane < LANES) sums[warp][h][column + i] = mixed[h][i];
    }
  __syncthreads();
  for (unsigned e = threadIdx.x; e < H * WIDTH; e += 256) {
    unsigned h = e / WIDTH, c = e % WIDTH;
    float sum = 0.0f;
#pragma unroll
    for (int w = 0; w < WARPS; w++) sum += sums[w][h][c];
    if (live == 1) store(out, e, sum / total[h]);
    else parts[(from / CHUNK * H + h) * PART + c] = sum;
  }
  if (live == 1) return;
  if (threadIdx.x < H) {
    parts[(from / CHUNK * H + threadIdx.x) * PART + WIDTH] = most[threadIdx.x];
    parts[(from / CHUNK * H + threadIdx.x) * PART + WIDTH + 1] = total[threadIdx.x];
  }
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) isLast = atomicAdd(ticket, 1) == (int)live - 1;
  __syncthreads();
  if (!isLast) return;
  __threadfence();
  __shared__ float factors[H][SPLITS];
  for (unsigned h = warp; h < H; h += WARPS) {
    float top = __int_as_float(0xff800000);
    for (unsigned s = lane; s < live; s += 32) top = larger(top, read_fresh(parts + (s * H + h) * PART + WIDTH));
    top = lanes_larger<32>(top);
    float sum = 0.0f;
    for (unsigned s = lane; s < live; s += 32) {
      float factor = expf(read_fresh(parts + (s * H + h) * PART + WIDTH) - top);
      factors[h][s] = factor;
      sum += factor * read_fresh(parts + (s * H + h) * PART + WIDTH + 1);
    }
    sum = lanes_add<32>(sum);
    for (unsigned s = lane; s < live; s += 32) factors[h][s] /= sum;
  }
  __syncthreads();
  // each warp takes some of the blocks; what they find is added in a fixed order
#pragma unroll 8
  for (unsigned e = lane; e < H * WIDTH; e += 32) {
    float sum = 0.0f;
    for (unsigned s = warp; s < live; s += WARPS)
      sum = fmaf(factors[e / WIDTH][s], read_fresh(parts + (s * H + e / WIDTH) * PART + e % WIDTH), sum);
    sums[warp][e / WIDTH][e % WIDTH] = sum;
  }
  __syncthreads();
  for (unsigned e = threadIdx.x; e < H * WIDTH; e += 256) {
    float sum = 0.0f;
#pragma unroll
    for (int w = 0; w < WARPS; w++) sum += sums[w][e / WIDTH][e % WIDTH];
    store(out, e, sum);
  }
  if (threadIdx.x == 0) *ticket = 0;
}
`
