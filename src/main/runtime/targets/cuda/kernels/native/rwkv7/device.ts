// Device functions of the RWKV-7 recurrence. Walks over time have columns of the state (one of a value each) in registers and need
// nothing of one another. What is summed over values is then found for each chunk alone, with rows of the state in registers:
// states there follow from the one before the chunk and from what steps removed. They stand on tensor-core.ts.

/** Tokens from one kept state to the next. */
export const CHUNK = 32
/** Columns or rows of a block; four threads share each. */
export const LINES = 32
export const THREADS = 4 * LINES

export const RWKV7 = `
namespace rwkv7 {
// heads of K keys and K values; GROUP: steps whose operands a walk fetches together, four neighbouring keys a thread
template <int T_, int H_, int K_> struct Shape {
  static constexpr int T = T_, H = H_, K = K_, CHUNK = ${CHUNK}, CHUNKS = (T + CHUNK - 1) / CHUNK;
  static constexpr int PART = K / 4, GROUP = ${4 * THREADS} / K, GROUPS = (T + GROUP - 1) / GROUP;
};
constexpr int LINES = ${LINES}, THREADS = ${THREADS};
// A warp has eight lines of the state, four lanes each: neighbours have different lines, and read the same of what all lines need.
__device__ __forceinline__ int line_of() { return threadIdx.x / 32 * 8 + threadIdx.x % 8; }
__device__ __forceinline__ int lane_of() { return threadIdx.x % 32 / 8; }
// 4 q + e of a lane's elements is number element(q) + e of the line
__device__ __forceinline__ int element(int q) { return 16 * q + 4 * lane_of(); }
__device__ __forceinline__ float line_add(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 8);
  return x + __shfl_xor_sync(0xffffffffu, x, 16);
}
template <class S> __device__ __forceinline__ long long token_start(int t) {
  return (((long long)blockIdx.z * S::T + t) * S::H + blockIdx.y) * S::K;
}
// the state before a chunk
template <class S> __device__ __forceinline__ long long state_start(int chunk) {
  return (((long long)blockIdx.z * S::H + blockIdx.y) * S::CHUNKS + chunk) * S::K * S::K;
}
template <class S> __device__ __forceinline__ long long end_start() { return ((long long)blockIdx.z * S::H + blockIdx.y) * S::K * S::K; }

struct Operands { const bf16 *r; const float *decay; const bf16 *k, *kappa, *b, *column; };
// what a thread fetches of a group
struct Fetched { float r[4], w[4], k[4], kappa[4], b[4], column[4]; };
// a group; column: values, or cotangents, of the block's columns
template <class S> struct alignas(16) Group {
  float r[S::GROUP][S::K], w[S::GROUP][S::K], k[S::GROUP][S::K], kappa[S::GROUP][S::K], b[S::GROUP][S::K], column[S::GROUP][LINES];
};
template <class S> struct alignas(16) Results { float first[S::GROUP][LINES], second[S::GROUP][LINES]; };

// behind the last token nothing is kept, added or removed
template <class S> __device__ __forceinline__ void fetch(Fetched &f, const Operands &from, int group) {
  int step = threadIdx.x / (S::K / 4), key = threadIdx.x % (S::K / 4) * 4, t = group * S::GROUP + step;
  #pragma unroll
  for (int e = 0; e < 4; e++) f.r[e] = f.w[e] = f.k[e] = f.kappa[e] = f.b[e] = f.column[e] = 0.0f;
  if (group >= 0 && t < S::T) {
    long long at = token_start<S>(t) + key;
    load_many<4>(f.r, from.r + at);
    load_many<4>(f.w, from.decay + at);
    load_many<4>(f.k, from.k + at);
    load_many<4>(f.kappa, from.kappa + at);
    load_many<4>(f.b, from.b + at);
  }
  int own = group * S::GROUP + threadIdx.x / (LINES / 4);
  if (group >= 0 && threadIdx.x < S::GROUP * LINES / 4 && own < S::T)
    load_many<4>(f.column, from.column + token_start<S>(own) + blockIdx.x * LINES + threadIdx.x % (LINES / 4) * 4);
}
template <class S> __device__ __forceinline__ void put(Group<S> &group, Fetched &f) {
  int step = threadIdx.x / (S::K / 4), key = threadIdx.x % (S::K / 4) * 4;
  #pragma unroll
  for (int e = 0; e < 4; e++) f.w[e] = exp_f(f.w[e]);
  store_many<4>(&group.r[step][key], f.r);
  store_many<4>(&group.w[step][key], f.w);
  store_many<4>(&group.k[step][key], f.k);
  store_many<4>(&group.kappa[step][key], f.kappa);
  store_many<4>(&group.b[step][key], f.b);
  if (threadIdx.x < S::GROUP * LINES / 4) store_many<4>(&group.column[threadIdx.x / (LINES / 4)][threadIdx.x % (LINES / 4) * 4], f.column);
}
// the results of a group: the first ones in bf16, the second where they are wanted
template <class S> __device__ __forceinline__ void write(const Results<S> &results, int group, bf16 *first, float *second) {
  int step = threadIdx.x / (LINES / 4), column = threadIdx.x % (LINES / 4) * 4, t = group * S::GROUP + step;
  if (step >= S::GROUP || t >= S::T) return;
  long long at = token_start<S>(t) + blockIdx.x * LINES + column;
  store_many<4>(first + at, &results.first[step][column]);
  if (second != nullptr) store_many<4>(second + at, &results.second[step][column]);
}
// a thread's part of a column of a matrix of keys and values
template <class S> __device__ __forceinline__ void load_column(float (&s)[S::PART], const float *from) {
  #pragma unroll
  for (int j = 0; j < S::PART; j++) s[j] = from[(element(j / 4) + j % 4) * S::K + blockIdx.x * LINES + line_of()];
}
template <class S> __device__ __forceinline__ void store_column(float *into, const float (&s)[S::PART]) {
  #pragma unroll
  for (int j = 0; j < S::PART; j++) into[(element(j / 4) + j % 4) * S::K + blockIdx.x * LINES + line_of()] = s[j];
}

// o, and what each step removes (a sum over keys of kappa and the state before it)
template <class S> __device__ __forceinline__ void forward(Operands from, const float *first, bf16 *o, float *removed, float *states, float *last) {
  __shared__ Group<S> groups[2];
  __shared__ Results<S> results[2];
  int line = line_of(), lane = lane_of();
  float s[S::PART];
  #pragma unroll
  for (int j = 0; j < S::PART; j++) s[j] = 0.0f;
  if (first != nullptr) load_column<S>(s, first + end_start<S>());
  Fetched next;
  fetch<S>(next, from, 0);
  put<S>(groups[0], next);
  __syncthreads();
  #pragma unroll 1
  for (int n = 0; n < S::GROUPS; n++) {
    fetch<S>(next, from, n + 1);
    if (states != nullptr && n * S::GROUP % S::CHUNK == 0) store_column<S>(states + state_start<S>(n * S::GROUP / S::CHUNK), s);
    const Group<S> &group = groups[n % 2];
    Results<S> &out = results[n % 2];
    #pragma unroll 4
    for (int i = 0; i < S::GROUP; i++) {
      float x[4], w[4], b[4], k[4], sums[4] = {0.0f, 0.0f, 0.0f, 0.0f}, value = group.column[i][line];
      #pragma unroll
      for (int q = 0; q < S::PART / 4; q++) {
        load_many<4>(x, &group.kappa[i][element(q)]);
        #pragma unroll
        for (int e = 0; e < 4; e++) sums[e] = fmaf(x[e], s[4 * q + e], sums[e]);
      }
      float gone = line_add(sums[0] + sums[1] + (sums[2] + sums[3]));
      sums[0] = sums[1] = sums[2] = sums[3] = 0.0f;
      #pragma unroll
      for (int q = 0; q < S::PART / 4; q++) {
        load_many<4>(w, &group.w[i][element(q)]);
        load_many<4>(b, &group.b[i][element(q)]);
        load_many<4>(k, &group.k[i][element(q)]);
        load_many<4>(x, &group.r[i][element(q)]);
        #pragma unroll
        for (int e = 0; e < 4; e++) {
          float &own = s[4 * q + e];
          own = fmaf(-b[e], gone, fmaf(own, w[e], k[e] * value));
          sums[e] = fmaf(x[e], own, sums[e]);
        }
      }
      float y = line_add(sums[0] + sums[1] + (sums[2] + sums[3]));
      if (lane == 0) out.first[i][line] = y, out.second[i][line] = gone;
    }
    put<S>(groups[(n + 1) % 2], next);
    __syncthreads();
    write<S>(out, n, o, removed);
  }
  if (last != nullptr) store_column<S>(last + end_start<S>(), s);
}

// Gradients of values and of what steps removed, and dS behind each chunk, without what its own tokens read. from.column: cotangents of o.
template <class S> __device__ __forceinline__ void backward(Operands from, bf16 *dv, float *dremoved, float *dstates) {
  __shared__ Group<S> groups[2];
  __shared__ Results<S> results[2];
  int line = line_of(), lane = lane_of();
  float ds[S::PART];
  #pragma unroll
  for (int j = 0; j < S::PART; j++) ds[j] = 0.0f;
  Fetched next;
  fetch<S>(next, from, S::GROUPS - 1);
  put<S>(groups[(S::GROUPS - 1) % 2], next);
  __syncthreads();
  #pragma unroll 1
  for (int n = S::GROUPS - 1; n >= 0; n--) {
    fetch<S>(next, from, n - 1);
    if (n == S::GROUPS - 1 || (n + 1) * S::GROUP % S::CHUNK == 0) store_column<S>(dstates + state_start<S>(n * S::GROUP / S::CHUNK), ds);
    const Group<S> &group = groups[n % 2];
    Results<S> &out = results[n % 2];
    #pragma unroll 4
    for (int i = S::GROUP - 1; i >= 0; i--) {
      float x[4], y[4], z[4], sums[4] = {0.0f, 0.0f, 0.0f, 0.0f}, lost[4] = {0.0f, 0.0f, 0.0f, 0.0f}, slope = group.column[i][line];
      #pragma unroll
      for (int q = 0; q < S::PART / 4; q++) {
        load_many<4>(x, &group.r[i][element(q)]);
        load_many<4>(y, &group.k[i][element(q)]);
        load_many<4>(z, &group.b[i][element(q)]);
        #pragma unroll
        for (int e = 0; e < 4; e++) {
          float &own = ds[4 * q + e];
          own = fmaf(x[e], slope, own);
          sums[e] = fmaf(y[e], own, sums[e]);
          lost[e] = fmaf(-z[e], own, lost[e]);
        }
      }
      float gone = line_add(lost[0] + lost[1] + (lost[2] + lost[3]));
      float value = line_add(sums[0] + sums[1] + (sums[2] + sums[3]));
      #pragma unroll
      for (int q = 0; q < S::PART / 4; q++) {
        load_many<4>(x, &group.w[i][element(q)]);
        load_many<4>(y, &group.kappa[i][element(q)]);
        #pragma unroll
        for (int e = 0; e < 4; e++) ds[4 * q + e] = fmaf(x[e], ds[4 * q + e], y[e] * gone);
      }
      if (lane == 0) out.first[i][line] = value, out.second[i][line] = gone;
    }
    put<S>(groups[(n + 1) % 2], next);
    __syncthreads();
    write<S>(out, n, dv, dremoved);
  }
}

// of a chunk: columns of all values, and of the block's rows operands, which become their gradients
template <class S> struct alignas(16) Chunk {
  float v[S::CHUNK][S::K], removed[S::CHUNK][S::K], slope[S::CHUNK][S::K], dremoved[S::CHUNK][S::K];
  float r[S::CHUNK][LINES], w[S::CHUNK][LINES], k[S::CHUNK][LINES], kappa[S::CHUNK][LINES], b[S::CHUNK][LINES];
  float dr[S::CHUNK][LINES], dkappa[S::CHUNK][LINES];
};
template <class T> __device__ __forceinline__ void copy_many(float *into, const T *from) {
  float x[4];
  load_many<4>(x, from);
  store_many<4>(into, x);
}

// Gradients that are sums over values. dS of a decay, times it, is what is left of the sum of dS and S over a step:
// sum(dS S) = decay's + b db + k dk behind it, and decay's + kappa dkappa before it.
template <class S> __device__ __forceinline__ void gradients(Operands from, const float *removed, const float *states, const bf16 *dout,
                                                             const float *dremoved, const float *dstates,
                                                             bf16 *dr, float *ddecay, bf16 *dk, bf16 *dkappa, bf16 *db) {
  constexpr int VECTORS = S::K / 4, ROW_VECTORS = LINES / 4, PARTS = S::K / LINES;
  Chunk<S> &x = *(Chunk<S> *)shared_memory;
  int chunk = blockIdx.x / PARTS, part = blockIdx.x % PARTS * LINES, row = line_of(), lane = lane_of();
  int start = chunk * S::CHUNK, count = min(S::CHUNK, S::T - start);
  for (int i = threadIdx.x; i < count * VECTORS; i += THREADS) {
    int step = i / VECTORS, column = i % VECTORS * 4;
    long long at = token_start<S>(start + step) + column;
    copy_many(&x.v[step][column], from.column + at);
    copy_many(&x.removed[step][column], removed + at);
    copy_many(&x.slope[step][column], dout + at);
    copy_many(&x.dremoved[step][column], dremoved + at);
  }
  for (int i = threadIdx.x; i < count * ROW_VECTORS; i += THREADS) {
    int step = i / ROW_VECTORS, key = i % ROW_VECTORS * 4;
    long long at = token_start<S>(start + step) + part + key;
    float w[4];
    load_many<4>(w, from.decay + at);
    #pragma unroll
    for (int e = 0; e < 4; e++) w[e] = exp_f(w[e]);
    store_many<4>(&x.w[step][key], w);
    copy_many(&x.r[step][key], from.r + at);
    copy_many(&x.k[step][key], from.k + at);
    copy_many(&x.kappa[step][key], from.kappa + at);
    copy_many(&x.b[step][key], from.b + at);
  }
  float s[S::PART];
  long long rowStart = state_start<S>(chunk) + (part + row) * S::K;
  #pragma unroll
  for (int q = 0; q < S::PART / 4; q++) load_many<4>(s + 4 * q, states + rowStart + element(q));
  __syncthreads();
  float y[4], z[4];
  #pragma unroll 2
  for (int t = 0; t < count; t++) {
    float w = x.w[t][row], k = x.k[t][row], b = x.b[t][row], read = 0.0f, seen = 0.0f;
    #pragma unroll
    for (int q = 0; q < S::PART / 4; q++) {
      float u[4], c[4];
      load_many<4>(y, &x.dremoved[t][element(q)]);
      load_many<4>(z, &x.removed[t][element(q)]);
      load_many<4>(u, &x.v[t][element(q)]);
      load_many<4>(c, &x.slope[t][element(q)]);
      #pragma unroll
      for (int e = 0; e < 4; e++) {
        float &own = s[4 * q + e];
        read = fmaf(y[e], own, read);
        own = fmaf(-b, z[e], fmaf(own, w, k * u[e]));
        seen = fmaf(c[e], own, seen);
      }
    }
    read = line_add(read), seen = line_add(seen);
    if (lane == 0) x.dkappa[t][row] = read, x.dr[t][row] = seen;
  }
  float ds[S::PART], both = 0.0f;
  #pragma unroll
  for (int q = 0; q < S::PART / 4; q++) {
    load_many<4>(ds + 4 * q, dstates + rowStart + element(q));
    #pragma unroll
    for (int e = 0; e < 4; e++) both = fmaf(ds[4 * q + e], s[4 * q + e], both);
  }
  both = line_add(both);
  __syncwarp();
  #pragma unroll 2
  for (int t = count - 1; t >= 0; t--) {
    float r = x.r[t][row], w = x.w[t][row], k = x.k[t][row], kappa = x.kappa[t][row], b = x.b[t][row], forK = 0.0f, forB = 0.0f;
    both = fmaf(r, x.dr[t][row], both);
    #pragma unroll
    for (int q = 0; q < S::PART / 4; q++) {
      float u[4], c[4];
      load_many<4>(y, &x.dremoved[t][element(q)]);
      load_many<4>(z, &x.removed[t][element(q)]);
      load_many<4>(u, &x.v[t][element(q)]);
      load_many<4>(c, &x.slope[t][element(q)]);
      #pragma unroll
      for (int e = 0; e < 4; e++) {
        float &own = ds[4 * q + e];
        own = fmaf(r, c[e], own);
        forK = fmaf(u[e], own, forK);
        forB = fmaf(-z[e], own, forB);
        own = fmaf(w, own, kappa * y[e]);
      }
    }
    forK = line_add(forK), forB = line_add(forB);
    both -= fmaf(b, forB, k * forK);
    __syncwarp();
    if (lane == 0) x.k[t][row] = forK, x.b[t][row] = forB, x.w[t][row] = both;
    both = fmaf(kappa, x.dkappa[t][row], both);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < count * ROW_VECTORS; i += THREADS) {
    int step = i / ROW_VECTORS, key = i % ROW_VECTORS * 4;
    long long at = token_start<S>(start + step) + part + key;
    store_many<4>(dr + at, &x.dr[step][key]);
    store_many<4>(ddecay + at, &x.w[step][key]);
    store_many<4>(dk + at, &x.k[step][key]);
    store_many<4>(dkappa + at, &x.dkappa[step][key]);
    store_many<4>(db + at, &x.b[step][key]);
  }
}
}
`
