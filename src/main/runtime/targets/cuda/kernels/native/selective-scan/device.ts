// Device functions of the selective scan. LANES neighbouring threads have a channel, PER states of it each in registers, and walk over
// time; what they read is brought to shared memory chunk by chunk, a chunk is done in groups of GROUP tokens.

export const SELECTIVE_SCAN = `
namespace selective_scan {
constexpr int THREADS = 256, WARPS = THREADS / 32, GROUP = 4;
// sizes of the op; CHUNK: tokens of a chunk; LANES, PER: threads of a channel and states of a thread; B_ROW, C_ROW: elements between
// the rows of B and of C
template <int B_, int T_, int E_, int N_, int CHUNK_, int LANES_, int PER_, int B_ROW_, int C_ROW_> struct Shape {
  static constexpr int B = B_, T = T_, E = E_, N = N_, CHUNK = CHUNK_, LANES = LANES_, PER = PER_, B_ROW = B_ROW_, C_ROW = C_ROW_;
  // with the states that no channel has; channels of a block, and blocks side by side
  static constexpr int STATES = LANES * PER, WIDTH = THREADS / LANES, BLOCKS = (E + WIDTH - 1) / WIDTH;
  static constexpr int CHUNKS = (T + CHUNK - 1) / CHUNK, GROUPS = CHUNK / GROUP;
};
template <class S> using Channels = bf16[S::CHUNK][S::WIDTH];
template <class S> using States = float[S::CHUNK][S::STATES];
template <class S> struct Forward {
  States<S> b, c;
  Channels<S> x, dt;
};
template <class S> struct Backward {
  States<S> b, c;
  // the states before each group of a chunk
  float starts[S::GROUPS][S::PER][THREADS];
  // gradients of B, then of C, for the tokens of a group, summed over the channels of each warp; one group is added up as the next is done
  float sums[2][WARPS][2 * GROUP][S::STATES];
  Channels<S> x, dt, dy;
};

// where a thread is: its sequence, the first channel of its block, its own, its first state
struct Place { int sequence, first, column, channel, state; bool isThere; };
template <class S> __device__ __forceinline__ Place place() {
  Place p;
  p.sequence = blockIdx.x / S::BLOCKS;
  p.first = blockIdx.x % S::BLOCKS * S::WIDTH;
  p.column = threadIdx.x / S::LANES;
  p.channel = p.first + p.column;
  p.state = threadIdx.x % S::LANES * S::PER;
  p.isThere = p.channel < S::E;
  return p;
}
// tokens of a chunk for the channels of a block; zeros where there are none, which change no state
template <class S> __device__ __forceinline__ void read_channels(Channels<S> &tile, const bf16 *from, const Place &p, int start) {
  from += ((long long)p.sequence * S::T + start) * S::E + p.first;
  #pragma unroll 8
  for (int i = threadIdx.x; i < S::CHUNK * S::WIDTH; i += THREADS) {
    int t = i / S::WIDTH, c = i % S::WIDTH;
    tile[t][c] = start + t < S::T && p.first + c < S::E ? from[(long long)t * S::E + c] : (bf16)0;
  }
}
template <class S> __device__ __forceinline__ void write_channels(bf16 *into, const Channels<S> &tile, const Place &p, int start) {
  into += ((long long)p.sequence * S::T + start) * S::E + p.first;
  #pragma unroll 8
  for (int i = threadIdx.x; i < S::CHUNK * S::WIDTH; i += THREADS) {
    int t = i / S::WIDTH, c = i % S::WIDTH;
    if (start + t < S::T && p.first + c < S::E) into[(long long)t * S::E + c] = tile[t][c];
  }
}
template <class S, int ROW> __device__ __forceinline__ void read_states(States<S> &tile, const bf16 *from, const Place &p, int start) {
  from += ((long long)p.sequence * S::T + start) * ROW;
  #pragma unroll 4
  for (int i = threadIdx.x; i < S::CHUNK * S::STATES; i += THREADS) {
    int t = i / S::STATES, n = i % S::STATES;
    tile[t][n] = start + t < S::T && n < S::N ? load(from, (long long)t * ROW + n) : 0.0f;
  }
}
// what a thread has of a row of shared memory
template <int PER> __device__ __forceinline__ void own(float (&v)[PER], const float *row) {
  if constexpr (PER == 4) load_many<4>(v, row);
  else
    #pragma unroll
    for (int i = 0; i < PER; i++) v[i] = row[i];
}
// what a thread has of [channels, N]
template <class S> __device__ __forceinline__ void read_own(float (&v)[S::PER], const float *from, const Place &p) {
  from += (long long)p.channel * S::N + p.state;
  if constexpr (S::PER == 4 && S::N == S::STATES) {
    if (p.isThere) load_many<4>(v, from);
    else v[0] = v[1] = v[2] = v[3] = 0.0f;
  } else
    #pragma unroll
    for (int i = 0; i < S::PER; i++) v[i] = p.isThere && p.state + i < S::N ? from[i] : 0.0f;
}
template <class S, class Real> __device__ __forceinline__ void write_own(Real *into, const float (&v)[S::PER], const Place &p) {
  into += (long long)p.channel * S::N + p.state;
  if (!p.isThere) return;
  if constexpr (S::PER == 4 && S::N == S::STATES) store_many<4>(into, v);
  else
    #pragma unroll
    for (int i = 0; i < S::PER; i++)
      if (p.state + i < S::N) store(into, i, v[i]);
}

// adds up COUNT numbers over lanes LAST to 2 FIRST apart; each ends with its part of them, in the order of the lanes
template <int COUNT, int FIRST, int LAST, int SIZE> __device__ __forceinline__ void share(float (&v)[SIZE]) {
  if constexpr (FIRST >= LAST) {
    constexpr int HALF = COUNT / 2;
    bool isUpper = threadIdx.x & FIRST;
    #pragma unroll
    for (int i = 0; i < HALF; i++) {
      float given = isUpper ? v[i] : v[i + HALF];
      v[i] = (isUpper ? v[i + HALF] : v[i]) + __shfl_xor_sync(0xffffffffu, given, FIRST);
    }
    share<HALF, FIRST / 2, LAST>(v);
  }
}
// sums over the threads of a channel; the first GROUP of them end with those of a token each
template <class S, int COUNT> __device__ __forceinline__ void share_tokens(float (&v)[COUNT]) {
  #pragma unroll
  for (int d = S::LANES / 2; d >= GROUP; d /= 2)
    #pragma unroll
    for (int i = 0; i < COUNT; i++) v[i] += __shfl_xor_sync(0xffffffffu, v[i], d);
  share<COUNT, GROUP / 2, 1>(v);
}

template <class S, class Real>
__device__ __forceinline__ void forward(const bf16 *x, const bf16 *dt, const float *rates, const bf16 *b, const bf16 *c, const float *state,
                                        bf16 *y, Real *last, float *starts) {
  Forward<S> &tiles = *(Forward<S> *)shared_memory;
  Place p = place<S>();
  float rate[S::PER], h[S::PER];
  read_own<S>(rate, rates, p);
  #pragma unroll
  for (int i = 0; i < S::PER; i++) h[i] = 0.0f;
  if (state != nullptr) read_own<S>(h, state + (long long)p.sequence * S::E * S::N, p);
  #pragma unroll 1
  for (int chunk = 0; chunk < S::CHUNKS; chunk++) {
    int start = chunk * S::CHUNK;
    __syncthreads();
    read_channels<S>(tiles.x, x, p, start);
    read_channels<S>(tiles.dt, dt, p, start);
    read_states<S, S::B_ROW>(tiles.b, b, p, start);
    read_states<S, S::C_ROW>(tiles.c, c, p, start);
    __syncthreads();
    if (starts != nullptr) write_own<S>(starts + (long long)(p.sequence * S::CHUNKS + chunk) * S::E * S::N, h, p);
    #pragma unroll 1
    for (int t = 0; t < S::CHUNK && start + t < S::T; t += GROUP) {
      float sums[GROUP];
      #pragma unroll
      for (int j = 0; j < GROUP; j++) {
        float step = load(tiles.dt[t + j], p.column), added = step * load(tiles.x[t + j], p.column);
        float in[S::PER], out[S::PER];
        own(in, tiles.b[t + j] + p.state);
        own(out, tiles.c[t + j] + p.state);
        sums[j] = 0.0f;
        #pragma unroll
        for (int i = 0; i < S::PER; i++) {
          h[i] = fmaf(exp_f(step * rate[i]), h[i], added * in[i]);
          sums[j] = fmaf(h[i], out[i], sums[j]);
        }
      }
      share_tokens<S>(sums);
      // results take the place of what nobody reads any more
      __syncwarp();
      int lane = threadIdx.x % S::LANES;
      if (lane < GROUP) store(tiles.x[t + lane], p.column, sums[0]);
    }
    __syncthreads();
    if (y != nullptr) write_channels<S>(y, tiles.x, p, start);
  }
  if (last != nullptr) write_own<S>(last + (long long)p.sequence * S::E * S::N, h, p);
}

// Gradients of x and dt; of A for each sequence, [sequence, E, N]; of B and C summed over the channels of a block: [block, token, B or C, N].
template <class S>
__device__ __forceinline__ void backward(const bf16 *x, const bf16 *dt, const float *rates, const bf16 *b, const bf16 *c, const bf16 *dy,
                                         const float *starts, bf16 *dx, bf16 *ddt, float *rateSums, float *stateSums) {
  constexpr int PER = S::PER, PARTS = 2 * GROUP * PER;
  Backward<S> &tiles = *(Backward<S> *)shared_memory;
  Place p = place<S>();
  // carried: the gradient of the state that a token begins with
  float rate[PER], carried[PER], rateSum[PER];
  read_own<S>(rate, rates, p);
  #pragma unroll
  for (int i = 0; i < PER; i++) carried[i] = rateSum[i] = 0.0f;
  #pragma unroll 1
  for (int chunk = S::CHUNKS - 1; chunk >= 0; chunk--) {
    int start = chunk * S::CHUNK, groups = (min(S::CHUNK, S::T - start) + GROUP - 1) / GROUP;
    __syncthreads();
    read_channels<S>(tiles.x, x, p, start);
    read_channels<S>(tiles.dt, dt, p, start);
    read_channels<S>(tiles.dy, dy, p, start);
    read_states<S, S::B_ROW>(tiles.b, b, p, start);
    read_states<S, S::C_ROW>(tiles.c, c, p, start);
    __syncthreads();
    {
      float h[PER];
      read_own<S>(h, starts + (long long)(p.sequence * S::CHUNKS + chunk) * S::E * S::N, p);
      #pragma unroll 1
      for (int g = 0; g < groups; g++) {
        #pragma unroll
        for (int i = 0; i < PER; i++) tiles.starts[g][i][threadIdx.x] = h[i];
        if (g + 1 == groups) break;
        #pragma unroll
        for (int j = 0; j < GROUP; j++) {
          int t = g * GROUP + j;
          float step = load(tiles.dt[t], p.column), added = step * load(tiles.x[t], p.column), in[PER];
          own(in, tiles.b[t] + p.state);
          #pragma unroll
          for (int i = 0; i < PER; i++) h[i] = fmaf(exp_f(step * rate[i]), h[i], added * in[i]);
        }
      }
    }
    #pragma unroll 1
    for (int g = groups - 1; g >= 0; g--) {
      float h[GROUP + 1][PER], decay[GROUP][PER], sums[2 * GROUP], parts[PARTS];
      #pragma unroll
      for (int i = 0; i < PER; i++) h[0][i] = tiles.starts[g][i][threadIdx.x];
      #pragma unroll
      for (int j = 0; j < GROUP; j++) {
        int t = g * GROUP + j;
        float step = load(tiles.dt[t], p.column), added = step * load(tiles.x[t], p.column), in[PER];
        own(in, tiles.b[t] + p.state);
        #pragma unroll
        for (int i = 0; i < PER; i++) {
          decay[j][i] = exp_f(step * rate[i]);
          h[j + 1][i] = fmaf(decay[j][i], h[j][i], added * in[i]);
        }
      }
      #pragma unroll
      for (int j = GROUP - 1; j >= 0; j--) {
        int t = g * GROUP + j;
        float step = load(tiles.dt[t], p.column), added = step * load(tiles.x[t], p.column), slope = load(tiles.dy[t], p.column);
        float in[PER], out[PER];
        own(in, tiles.b[t] + p.state);
        own(out, tiles.c[t] + p.state);
        // of the logarithm of the decay times its rate, and of what is added times B
        float &faded = sums[2 * j], &taken = sums[2 * j + 1];
        faded = taken = 0.0f;
        #pragma unroll
        for (int i = 0; i < PER; i++) {
          float d = fmaf(slope, out[i], carried[i]);
          carried[i] = decay[j][i] * d;
          float fade = carried[i] * h[j][i];
          rateSum[i] = fmaf(fade, step, rateSum[i]);
          faded = fmaf(fade, rate[i], faded);
          taken = fmaf(d, in[i], taken);
          parts[j * PER + i] = added * d;
          parts[(GROUP + j) * PER + i] = slope * h[j + 1][i];
        }
      }
      share_tokens<S>(sums);
      __syncwarp();
      int lane = threadIdx.x % S::LANES;
      if (lane < GROUP) {
        bf16 *a = tiles.x[g * GROUP + lane], *s = tiles.dt[g * GROUP + lane];
        float had = load(a, p.column), step = load(s, p.column);
        store(a, p.column, step * sums[1]);
        store(s, p.column, fmaf(had, sums[1], sums[0]));
      }
      share<PARTS, 16, S::LANES>(parts);
      // rows of B and C that a lane has the sums of
      constexpr int ROWS = 2 * GROUP * S::LANES / 32;
      int row = threadIdx.x % 32 / S::LANES * ROWS;
      #pragma unroll
      for (int k = 0; k < ROWS; k++)
        #pragma unroll
        for (int i = 0; i < PER; i++) tiles.sums[g % 2][threadIdx.x / 32][row + k][p.state + i] = parts[k * PER + i];
      __syncthreads();
      if (stateSums != nullptr)
        for (int i = threadIdx.x; i < 2 * GROUP * S::STATES; i += THREADS) {
          int k = i / S::STATES, n = i % S::STATES, t = start + g * GROUP + k % GROUP;
          float sum = tiles.sums[g % 2][0][k][n];
          #pragma unroll
          for (int w = 1; w < WARPS; w++) sum += tiles.sums[g % 2][w][k][n];
          long long token = ((long long)(blockIdx.x % S::BLOCKS) * S::B + p.sequence) * S::T + t;
          if (t < S::T && n < S::N) stateSums[(token * 2 + k / GROUP) * S::N + n] = sum;
        }
    }
    if (dx != nullptr) write_channels<S>(dx, tiles.x, p, start);
    if (ddt != nullptr) write_channels<S>(ddt, tiles.dt, p, start);
  }
  if (rateSums != nullptr) write_own<S>(rateSums + (long long)p.sequence * S::E * S::N, rateSum, p);
}

// adds up COUNT arrays of SIZE numbers that lie one behind the other, for one place in them
template <int COUNT, int SIZE> __device__ __forceinline__ float total(const float *parts, int at) {
  float sum = 0.0f;
  #pragma unroll 8
  for (int k = 0; k < COUNT; k++) sum += parts[(long long)k * SIZE + at];
  return sum;
}
}
`
