/** Device functions of attention over a cache. */
export const CACHE_ROWS = `
/** The row of a token in a cache of n rows; under a window the first \`meta\` stay and the rest is a ring. */
__device__ __forceinline__ unsigned ring_slot(int position, unsigned n, bool isRing, unsigned meta) {
  unsigned at = (unsigned)max(position, 0);
  return at < n ? at : isRing ? meta + (at - meta) % (n - meta) : n - 1;
}
/** What other blocks wrote, past the first-level cache: many may be on their way at once. */
__device__ __forceinline__ float2 read_fresh2(const float *p) {
  float2 x;
#ifdef __CUDA_ARCH__
  asm volatile("ld.global.cg.v2.f32 {%0, %1}, [%2];" : "=f"(x.x), "=f"(x.y) : "l"(p));
#else
  x.x = p[0]; x.y = p[1];
#endif
  return x;
}
__device__ __forceinline__ float4 read_fresh4(const float *p) {
  float4 x;
#ifdef __CUDA_ARCH__
  asm volatile("ld.global.cg.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(x.x), "=f"(x.y), "=f"(x.z), "=f"(x.w) : "l"(p));
#else
  x.x = p[0]; x.y = p[1]; x.z = p[2]; x.w = p[3];
#endif
  return x;
}
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
 * they leave: for each of them and each head the weighted values in \`parts\`, the largest score and the sum in \`tops\`.
 */
template <class T, int WIDTH, int H, int CHUNK, int SPLITS, class Out>
__device__ __forceinline__ void attend_rows(HeldRows<T, WIDTH> &key, HeldRows<T, WIDTH> &value, const T *keys, const T *values, float (*query)[WIDTH], float (*fresh)[WIDTH],
    unsigned from, unsigned to, unsigned slot, float scale, unsigned live, float *parts, float *tops, int *ticket, Out *out) {
  constexpr int LANES = WIDTH / 8, ROWS = 32 / LANES, WARPS = 8, STRIDE = WARPS * ROWS, AHEAD = 4;
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
    else parts[from / CHUNK * H * WIDTH + e] = sum;
  }
  if (live == 1) return;
  if (threadIdx.x < H) {
    tops[(from / CHUNK * H + threadIdx.x) * 2] = most[threadIdx.x];
    tops[(from / CHUNK * H + threadIdx.x) * 2 + 1] = total[threadIdx.x];
  }
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) isLast = atomicAdd(ticket, 1) == (int)live - 1;
  __syncthreads();
  if (!isLast) return;
  __threadfence();
  // some threads for each four columns of the result, among which the blocks are divided: what they find is added in a fixed order
  constexpr int FOURS = H * WIDTH / 4, SETS = FOURS * WARPS <= 256 ? WARPS : 256 / FOURS, BATCH = 8, LANE_SPLITS = (SPLITS + 31) / 32;
  __shared__ float factors[H][SPLITS];
  unsigned four = threadIdx.x % FOURS, set = threadIdx.x / FOURS;
  float4 held[BATCH];
  auto hold = [&](unsigned s) {
#pragma unroll
    for (int b = 0; b < BATCH; b++)
      held[b] = s + b * SETS < live ? read_fresh4(parts + ((s + b * SETS) * FOURS + four) * 4) : float4{0.0f, 0.0f, 0.0f, 0.0f};
  };
  if (set < SETS) hold(set);
  for (unsigned h = warp; h < H; h += WARPS) {
    float2 own[LANE_SPLITS];
    float top = __int_as_float(0xff800000), sum = 0.0f;
#pragma unroll
    for (int i = 0; i < LANE_SPLITS; i++) {
      unsigned s = lane + i * 32;
      own[i] = s < live ? read_fresh2(tops + (s * H + h) * 2) : float2{__int_as_float(0xff800000), 0.0f};
    }
#pragma unroll
    for (int i = 0; i < LANE_SPLITS; i++) top = larger(top, own[i].x);
    top = lanes_larger<32>(top);
#pragma unroll
    for (int i = 0; i < LANE_SPLITS; i++) sum += (own[i].x = expf(own[i].x - top)) * own[i].y;
    sum = lanes_add<32>(sum);
#pragma unroll
    for (int i = 0; i < LANE_SPLITS; i++)
      if (lane + i * 32 < live) factors[h][lane + i * 32] = own[i].x / sum;
  }
  __syncthreads();
  if (set < SETS) {
    float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
    for (unsigned s = set; s < live; s += BATCH * SETS) {
      if (s != set) hold(s);
#pragma unroll
      for (int b = 0; b < BATCH; b++) {
        float factor = s + b * SETS < live ? factors[four * 4 / WIDTH][s + b * SETS] : 0.0f;
        sum.x = fmaf(factor, held[b].x, sum.x);
        sum.y = fmaf(factor, held[b].y, sum.y);
        sum.z = fmaf(factor, held[b].z, sum.z);
        sum.w = fmaf(factor, held[b].w, sum.w);
      }
    }
    float *to = &sums[set][0][0] + four * 4;
    to[0] = sum.x; to[1] = sum.y; to[2] = sum.z; to[3] = sum.w;
  }
  __syncthreads();
  for (unsigned e = threadIdx.x; e < H * WIDTH; e += 256) {
    float sum = 0.0f;
#pragma unroll
    for (int w = 0; w < SETS; w++) sum += sums[w][e / WIDTH][e % WIDTH];
    store(out, e, sum);
  }
  if (threadIdx.x == 0) *ticket = 0;
}
`
