// Device functions of the causal convolution. A warp has neighbouring channels, U a thread, and walks over a stretch of time with
// the last inputs in registers; the warps of a block have stretches that follow one another.

export const CONV = `
namespace conv {
// sizes of the op; X: elements between the rows of x; U: channels of a thread; STRETCH: tokens that it walks over
template <int B_, int T_, int C_, int X_, int TAPS_, bool HAS_SILU, int U_, int STRETCH_, int WARPS_> struct Shape {
  static constexpr int B = B_, T = T_, C = C_, X = X_, TAPS = TAPS_, U = U_, STRETCH = STRETCH_, WARPS = WARPS_;
  static constexpr int STRETCHES = (T + STRETCH - 1) / STRETCH, WIDTH = 32 * U, BLOCKS = (C + WIDTH - 1) / WIDTH;
  static constexpr bool hasSilu = HAS_SILU;
};
template <int U> struct Raw { unsigned x[U / 2]; };
__device__ __forceinline__ void read(Raw<2> &r, const bf16 *p) { r.x[0] = *(const unsigned *)p; }
__device__ __forceinline__ void read(Raw<4> &r, const bf16 *p) {
  uint2 v = *(const uint2 *)p;
  r.x[0] = v.x, r.x[1] = v.y;
}
__device__ __forceinline__ void write(bf16 *p, const float (&x)[2]) { *(unsigned *)p = pack_halves(x[0], x[1]); }
__device__ __forceinline__ void write(bf16 *p, const float (&x)[4]) { *(uint2 *)p = make_uint2(pack_halves(x[0], x[1]), pack_halves(x[2], x[3])); }
template <int U> __device__ __forceinline__ void clear(Raw<U> &r) {
  #pragma unroll
  for (int u = 0; u < U / 2; u++) r.x[u] = 0u;
}
template <int U> __device__ __forceinline__ float channel(const Raw<U> &r, int u) {
  return __uint_as_float(u % 2 ? r.x[u / 2] & 0xffff0000u : r.x[u / 2] << 16);
}
// moves a window on by one row, which becomes its last
template <int TAPS, int U> __device__ __forceinline__ void shift(float (&window)[TAPS][U]) {
  #pragma unroll
  for (int j = 1; j < TAPS; j++)
    #pragma unroll
    for (int u = 0; u < U; u++) window[j - 1][u] = window[j][u];
}
template <int TAPS, int U> __device__ __forceinline__ void shift_in(float (&window)[TAPS][U], const Raw<U> &r) {
  shift(window);
  #pragma unroll
  for (int u = 0; u < U; u++) window[TAPS - 1][u] = channel(r, u);
}
template <int TAPS, int U> __device__ __forceinline__ float convolve(const float (&w)[TAPS][U], const float (&x)[TAPS][U], float bias, int u) {
  float y = bias;
  #pragma unroll
  for (int j = 0; j < TAPS; j++) y = fmaf(w[j][u], x[j][u], y);
  return y;
}

// where a thread is: its first channel, its sequence, its tokens; none where it has nothing to do
struct Place { int c, sequence, from, to; };
template <class S> __device__ __forceinline__ Place place() {
  int lane = threadIdx.x % 32, stretch = blockIdx.x / S::BLOCKS * S::WARPS + threadIdx.x / 32;
  Place p;
  p.c = (blockIdx.x % S::BLOCKS * 32 + lane) * S::U;
  p.sequence = stretch / S::STRETCHES;
  p.from = stretch % S::STRETCHES * S::STRETCH;
  p.to = p.c < S::C && p.sequence < S::B ? min(p.from + S::STRETCH, S::T) : p.from;
  return p;
}
// weights and bias of a thread's channels, and the inputs before its first token
template <class S> __device__ __forceinline__ void begin(const Place &p, const float *weight, const float *bias, const bf16 *x,
                                                         float (&w)[S::TAPS][S::U], float (&b)[S::U], float (&window)[S::TAPS][S::U]) {
  #pragma unroll
  for (int u = 0; u < S::U; u++) {
    b[u] = bias == nullptr ? 0.0f : bias[p.c + u];
    #pragma unroll
    for (int j = 0; j < S::TAPS; j++) w[j][u] = weight[(p.c + u) * S::TAPS + j];
  }
  #pragma unroll
  for (int j = 0; j < S::TAPS; j++) {
    int t = p.from - S::TAPS + j;
    Raw<S::U> r;
    clear(r);
    if (t >= 0) read(r, x + (long long)t * S::X);
    #pragma unroll
    for (int u = 0; u < S::U; u++) window[j][u] = channel(r, u);
  }
}

// some rows, as far as there are tokens
template <class S, int STEP> __device__ __forceinline__ void read_rows(Raw<S::U> (&rows)[STEP], const bf16 *p, int stride, int left) {
  #pragma unroll
  for (int i = 0; i < STEP; i++) {
    clear(rows[i]);
    if (S::T % STEP == 0 ? left > 0 : i < left) read(rows[i], p + (long long)i * stride);
  }
}

template <class S> __device__ __forceinline__ void forward(const bf16 *x, const float *weight, const float *bias, bf16 *y) {
  constexpr int U = S::U, TAPS = S::TAPS, STEP = 8;
  Place p = place<S>();
  if (p.from == p.to) return;
  x += (long long)p.sequence * S::T * S::X + p.c;
  y += (long long)(p.sequence * S::T + p.from) * S::C + p.c;
  float w[TAPS][U], b[U], window[TAPS][U];
  begin<S>(p, weight, bias, x, w, b, window);
  x += (long long)p.from * S::X;
  #pragma unroll 1
  for (int left = p.to - p.from; left > 0; left -= STEP, x += STEP * S::X, y += STEP * S::C) {
    Raw<U> rows[STEP];
    read_rows<S, STEP>(rows, x, S::X, left);
    #pragma unroll
    for (int i = 0; i < STEP; i++) {
      shift_in(window, rows[i]);
      float out[U];
      #pragma unroll
      for (int u = 0; u < U; u++) {
        float a = convolve(w, window, b[u], u);
        out[u] = S::hasSilu ? a * sigmoid_f(a) : a;
      }
      if (S::T % STEP == 0 || i < left) write(y + (long long)i * S::C, out);
    }
  }
}

// the next token of a walk: its gradients before SiLU become the last of d; out is the gradient of the input TAPS - 1 tokens before
template <class S> __device__ __forceinline__ void step_back(float (&window)[S::TAPS][S::U], float (&d)[S::TAPS][S::U], float (&out)[S::U],
                                                             const Raw<S::U> &row, const Raw<S::U> &slope,
                                                             const float (&w)[S::TAPS][S::U], const float (&b)[S::U]) {
  shift_in(window, row);
  shift_in(d, slope);
  #pragma unroll
  for (int u = 0; u < S::U; u++) {
    if (S::hasSilu) {
      float a = convolve(w, window, b[u], u), s = sigmoid_f(a);
      d[S::TAPS - 1][u] *= fmaf(a * s, 1.0f - s, s);
    }
    // a tap saw it that lies as far from the end as the token seeing it lies behind
    out[u] = 0.0f;
    #pragma unroll
    for (int j = 0; j < S::TAPS; j++) out[u] = fmaf(w[j][u], d[S::TAPS - 1 - j][u], out[u]);
  }
}

// Gradients of the inputs (rows D elements apart), and of weights and bias summed over the tokens of a block: [block, tap or bias, channel].
template <class S, int D> __device__ __forceinline__ void backward(const bf16 *x, const float *weight, const float *bias, const bf16 *dy, bf16 *dx, float *sums) {
  constexpr int U = S::U, TAPS = S::TAPS, STEP = 4;
  __shared__ float shared[S::WARPS][TAPS + 1][S::WIDTH];
  Place p = place<S>();
  float dw[TAPS][U], db[U];
  #pragma unroll
  for (int u = 0; u < U; u++) {
    db[u] = 0.0f;
    #pragma unroll
    for (int j = 0; j < TAPS; j++) dw[j][u] = 0.0f;
  }
  if (p.from < p.to) {
    x += (long long)p.sequence * S::T * S::X + p.c;
    float w[TAPS][U], b[U], window[TAPS][U], d[TAPS][U], out[U];
    begin<S>(p, weight, bias, x, w, b, window);
    #pragma unroll
    for (int j = 0; j < TAPS; j++)
      #pragma unroll
      for (int u = 0; u < U; u++) d[j][u] = 0.0f;
    x += (long long)p.from * S::X;
    dy += (long long)(p.sequence * S::T + p.from) * S::C + p.c;
    if (dx != nullptr) dx += (long long)(p.sequence * S::T + p.from - TAPS + 1) * D + p.c;
    Raw<U> rows[STEP], slopes[STEP], nextRows[STEP], nextSlopes[STEP];
    read_rows<S, STEP>(rows, x, S::X, S::T - p.from);
    read_rows<S, STEP>(slopes, dy, S::C, S::T - p.from);
    #pragma unroll 2
    for (int t = p.from; t < p.to + TAPS - 1; t += STEP) {
      x += STEP * S::X, dy += STEP * S::C;
      int left = min(S::T, p.to + TAPS - 1) - t - STEP;
      read_rows<S, STEP>(nextRows, x, S::X, left);
      read_rows<S, STEP>(nextSlopes, dy, S::C, left);
      #pragma unroll
      for (int i = 0; i < STEP; i++) {
        step_back<S>(window, d, out, rows[i], slopes[i], w, b);
        // what follows the stretch is counted where it belongs
        if (S::T % STEP == 0 ? t < p.to : t + i < p.to)
          #pragma unroll
          for (int u = 0; u < U; u++) {
            db[u] += d[TAPS - 1][u];
            #pragma unroll
            for (int j = 0; j < TAPS; j++) dw[j][u] = fmaf(d[TAPS - 1][u], window[j][u], dw[j][u]);
          }
        int seen = t + i - TAPS + 1;
        if (dx != nullptr && seen >= p.from && seen < p.to) write(dx + (long long)i * D, out);
      }
      if (dx != nullptr) dx += STEP * D;
      #pragma unroll
      for (int i = 0; i < STEP; i++) rows[i] = nextRows[i], slopes[i] = nextSlopes[i];
    }
  }
  if (sums == nullptr) return;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  #pragma unroll
  for (int u = 0; u < U; u++) {
    #pragma unroll
    for (int j = 0; j < TAPS; j++) shared[warp][j][lane * U + u] = dw[j][u];
    shared[warp][TAPS][lane * U + u] = db[u];
  }
  __syncthreads();
  int first = blockIdx.x % S::BLOCKS * S::WIDTH;
  for (int i = threadIdx.x; i < (TAPS + 1) * S::WIDTH; i += 32 * S::WARPS) {
    int j = i / S::WIDTH, c = i % S::WIDTH;
    float sum = shared[0][j][c];
    #pragma unroll
    for (int n = 1; n < S::WARPS; n++) sum += shared[n][j][c];
    if (first + c < S::C) sums[((long long)(blockIdx.x / S::BLOCKS) * (TAPS + 1) + j) * S::C + first + c] = sum;
  }
}
}
`
