// What CUDA C++ has and C++ lacks, for running generated kernels on the CPU: threads of a block take turns as fibers of one
// system thread, and give way at barriers and warp exchanges. Only tests use this.

#define HEDDLE_ON_CPU
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <ucontext.h>
#include <vector>

#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static

struct Place {
  unsigned x, y, z;
};
static Place blockIdx, threadIdx, gridDim, blockDim;

struct uint2 { unsigned x, y; };
struct uint4 { unsigned x, y, z, w; };
struct float2 { float x, y; };
struct float4 { float x, y, z, w; };
static uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
static float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static void __threadfence() {}
static int atomicAdd(int *p, int x) { int old = *p; *p += x; return old; }

static float __uint_as_float(unsigned x) { float y; memcpy(&y, &x, 4); return y; }
static float __int_as_float(int x) { float y; memcpy(&y, &x, 4); return y; }
static unsigned __float_as_uint(float x) { unsigned y; memcpy(&y, &x, 4); return y; }
static int __popc(unsigned x) { return __builtin_popcount(x); }
template <class T> static T min(T a, T b) { return b < a ? b : a; }
template <class T> static T max(T a, T b) { return a < b ? b : a; }
static unsigned short to_bf16(float x) {
  unsigned u = __float_as_uint(x);
  if (x != x) return 0x7fff;
  return (unsigned short)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

static unsigned short to_f16(float x) {
  unsigned short sign = (unsigned short)(__float_as_uint(x) >> 16 & 0x8000);
  float size = fabsf(x);
  if (x != x) return 0x7fff;
  if (size >= 65520.0f) return sign | 0x7c00;
  int exponent = size < 6.103515625e-5f ? -14 : ilogbf(size);
  return (unsigned short)(sign | ((int)nearbyintf(ldexpf(size, 10 - exponent)) + ((exponent + 14) << 10)));
}
static float from_f16(unsigned short x) {
  int exponent = x >> 10 & 31, fraction = x & 1023;
  float size = exponent == 0 ? ldexpf((float)fraction, -24) : exponent < 31 ? ldexpf((float)(1024 + fraction), exponent - 25) : fraction == 0 ? INFINITY : NAN;
  return x & 0x8000 ? -size : size;
}

/** Dynamic shared memory; NaN when a block starts. */
static const unsigned SHARED_BYTES = 227 << 10;
alignas(1024) static unsigned char shared_memory[SHARED_BYTES];

namespace fibers {
struct Fiber {
  ucontext_t context;
  std::vector<char> stack;
  bool done = false;
};
static std::vector<Fiber> all;
static ucontext_t scheduler;
static unsigned current = 0;
static std::function<void()> body;
struct Barrier {
  unsigned arrived = 0, generation = 0, members = 0;
};
static Barrier block;
static std::vector<Barrier> warps;
static std::vector<unsigned> exchange;

static void pause() { swapcontext(&all[current].context, &scheduler); }
static void release(Barrier &b) {
  if (b.arrived == b.members && b.members > 0) {
    b.arrived = 0;
    b.generation++;
  }
}
static void wait(Barrier &b) {
  unsigned mine = b.generation;
  b.arrived++;
  release(b);
  while (b.generation == mine) pause();
}
static void entry() {
  body();
  all[current].done = true;
  block.members--;
  warps[current / 32].members--;
  release(block);
  release(warps[current / 32]);
  pause();
}
static void runBlock(unsigned threads) {
  memset(shared_memory, 0xff, SHARED_BYTES);
  all.resize(threads);
  warps.assign((threads + 31) / 32, Barrier());
  exchange.assign(threads, 0);
  block = Barrier();
  block.members = threads;
  for (unsigned t = 0; t < threads; t++) {
    warps[t / 32].members++;
    Fiber &f = all[t];
    f.done = false;
    f.stack.resize(1 << 16);
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack.data();
    f.context.uc_stack.ss_size = f.stack.size();
    f.context.uc_link = nullptr;
    makecontext(&f.context, entry, 0);
  }
  for (bool busy = true; busy;) {
    busy = false;
    for (unsigned t = 0; t < threads; t++) {
      if (all[t].done) continue;
      current = t;
      threadIdx = {t, 0, 0};
      swapcontext(&scheduler, &all[t].context);
      busy = busy || !all[t].done;
    }
  }
}
static unsigned swapped(unsigned value, unsigned from) {
  unsigned self = current, warp = self / 32;
  exchange[self] = value;
  wait(warps[warp]);
  unsigned result = exchange[warp * 32 + from];
  wait(warps[warp]);
  return result;
}
} // namespace fibers

static void __syncthreads() { fibers::wait(fibers::block); }
static void __syncwarp() { fibers::wait(fibers::warps[fibers::current / 32]); }
template <class T> static T __shfl_xor_sync(unsigned, T value, int mask) {
  unsigned bits;
  memcpy(&bits, &value, 4);
  bits = fibers::swapped(bits, (fibers::current % 32) ^ mask);
  memcpy(&value, &bits, 4);
  return value;
}
template <class T> static T __shfl_sync(unsigned, T value, int from) {
  unsigned bits;
  memcpy(&bits, &value, 4);
  bits = fibers::swapped(bits, from);
  memcpy(&value, &bits, 4);
  return value;
}
template <class T> static T __shfl_up_sync(unsigned, T value, int distance) {
  int lane = fibers::current % 32;
  return __shfl_sync(0xffffffffu, value, lane >= distance ? lane - distance : lane);
}
template <class T> static T __shfl_down_sync(unsigned, T value, int distance) {
  int lane = fibers::current % 32;
  return __shfl_sync(0xffffffffu, value, lane + distance < 32 ? lane + distance : lane);
}
static unsigned __ballot_sync(unsigned, bool value) {
  unsigned self = fibers::current, warp = self / 32;
  fibers::exchange[self] = value;
  fibers::wait(fibers::warps[warp]);
  unsigned result = 0;
  for (unsigned lane = 0; lane < 32; lane++) result |= fibers::exchange[warp * 32 + lane] << lane;
  fibers::wait(fibers::warps[warp]);
  return result;
}

/** Runs a kernel over a grid; kernels without exchanges run thread after thread. */
static void overGrid(unsigned gx, unsigned gy, unsigned gz, unsigned threads, bool isParallel, std::function<void()> kernel) {
  gridDim = {gx, gy, gz};
  blockDim = {threads, 1, 1};
  fibers::body = kernel;
  for (unsigned z = 0; z < gz; z++)
   for (unsigned y = 0; y < gy; y++)
    for (unsigned x = 0; x < gx; x++) {
      blockIdx = {x, y, z};
      if (isParallel) fibers::runBlock(threads);
      else
        for (unsigned t = 0; t < threads; t++) {
          threadIdx = {t, 0, 0};
          kernel();
        }
    }
}

/** C = A B in float64, rounded once. The last three numbers say of a, b and c: 0 f32, 1 bf16, 2 f16; `flip` whether a and b are transposed. */
extern "C" void multiply(uint64_t a, uint64_t b, uint64_t c, const int64_t *s) {
  int64_t m = s[0], n = s[1], k = s[2], batch = s[3];
  auto read = [](uint64_t p, int64_t i, int64_t half) {
    if (half == 0) return ((float *)p)[i];
    unsigned short bits = ((unsigned short *)p)[i];
    return half == 2 ? from_f16(bits) : __uint_as_float((unsigned)bits << 16);
  };
  for (int64_t z = 0; z < batch; z++)
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) {
        double sum = 0;
        for (int64_t l = 0; l < k; l++) {
          int64_t at = z * s[6] + (s[4] ? l * s[5] + i : i * s[5] + l);
          int64_t bt = z * s[9] + (s[7] ? j * s[8] + l : l * s[8] + j);
          sum += (double)read(a, at, s[12]) * (double)read(b, bt, s[13]);
        }
        int64_t ct = z * s[11] + i * s[10] + j;
        if (s[14]) ((unsigned short *)c)[ct] = s[14] == 2 ? to_f16((float)sum) : to_bf16((float)sum);
        else ((float *)c)[ct] = (float)sum;
      }
}
