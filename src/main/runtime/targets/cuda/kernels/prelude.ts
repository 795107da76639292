import { PHILOX } from '#core/philox.ts'

/**
 * Functions that generated kernels share. It needs no header, so that NVRTC needs no toolkit. With HEDDLE_FAST, exponentials
 * come from the special function unit, some 2^-21 off: far less than what bf16 rounds.
 */
export const PRELUDE = `
typedef unsigned short bf16;
struct f16 { unsigned short bits; };
#ifndef HEDDLE_ON_CPU
__device__ __forceinline__ bf16 to_bf16(float x) { bf16 y; asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y) : "f"(x)); return y; }
__device__ __forceinline__ unsigned short to_f16(float x) { unsigned short y; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y) : "f"(x)); return y; }
__device__ __forceinline__ float from_f16(unsigned short x) { float y; asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x)); return y; }
__device__ __forceinline__ unsigned pack_halves(float low, float high) { unsigned y; asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low)); return y; }
#else
__device__ __forceinline__ unsigned pack_halves(float low, float high) { return (unsigned)to_bf16(low) | (unsigned)to_bf16(high) << 16; }
#endif
/** Two numbers of sixteen bits in one word, the first in the lower half. */
template <class T> struct Halves;
template <> struct Halves<bf16> {
  static __device__ __forceinline__ float low(unsigned x) { return __uint_as_float(x << 16); }
  static __device__ __forceinline__ float high(unsigned x) { return __uint_as_float(x & 0xffff0000u); }
  static __device__ __forceinline__ unsigned pair(float a, float b) { return pack_halves(a, b); }
};
template <> struct Halves<f16> {
  static __device__ __forceinline__ float low(unsigned x) { return from_f16((unsigned short)x); }
  static __device__ __forceinline__ float high(unsigned x) { return from_f16((unsigned short)(x >> 16)); }
  static __device__ __forceinline__ unsigned pair(float a, float b) { return (unsigned)to_f16(a) | (unsigned)to_f16(b) << 16; }
};
__device__ __forceinline__ float load(const float *p, unsigned long long i) { return p[i]; }
__device__ __forceinline__ float load(const bf16 *p, unsigned long long i) { return __uint_as_float((unsigned)p[i] << 16); }
__device__ __forceinline__ float load(const f16 *p, unsigned long long i) { return from_f16(p[i].bits); }
__device__ __forceinline__ void store(float *p, unsigned long long i, float x) { p[i] = x; }
__device__ __forceinline__ void store(bf16 *p, unsigned long long i, float x) { p[i] = to_bf16(x); }
__device__ __forceinline__ void store(f16 *p, unsigned long long i, float x) { p[i].bits = to_f16(x); }
template <int N> __device__ __forceinline__ void load_many(float *x, const float *p) {
  #pragma unroll
  for (int i = 0; i < N; i += 4) {
    float4 v = *(const float4 *)(p + i);
    x[i] = v.x, x[i + 1] = v.y, x[i + 2] = v.z, x[i + 3] = v.w;
  }
}
template <int N, class T> __device__ __forceinline__ void load_many(float *x, const T *p) {
  unsigned v[N / 2];
  if (N % 8 == 0) {
    #pragma unroll
    for (int i = 0; i < N / 2; i += 4) {
      uint4 w = *(const uint4 *)(p + 2 * i);
      v[i] = w.x, v[i + 1] = w.y, v[i + 2] = w.z, v[i + 3] = w.w;
    }
  } else {
    #pragma unroll
    for (int i = 0; i < N / 2; i += 2) {
      uint2 w = *(const uint2 *)(p + 2 * i);
      v[i] = w.x, v[i + 1] = w.y;
    }
  }
  #pragma unroll
  for (int i = 0; i < N / 2; i++) {
    x[2 * i] = Halves<T>::low(v[i]);
    x[2 * i + 1] = Halves<T>::high(v[i]);
  }
}
template <int N> __device__ __forceinline__ void store_many(float *p, const float *x) {
  #pragma unroll
  for (int i = 0; i < N; i += 4) *(float4 *)(p + i) = make_float4(x[i], x[i + 1], x[i + 2], x[i + 3]);
}
template <int N, class T> __device__ __forceinline__ void store_many(T *p, const float *x) {
  unsigned v[N / 2];
  #pragma unroll
  for (int i = 0; i < N / 2; i++) v[i] = Halves<T>::pair(x[2 * i], x[2 * i + 1]);
  if (N % 8 == 0) {
    #pragma unroll
    for (int i = 0; i < N / 2; i += 4) *(uint4 *)(p + 2 * i) = make_uint4(v[i], v[i + 1], v[i + 2], v[i + 3]);
  } else {
    #pragma unroll
    for (int i = 0; i < N / 2; i += 2) *(uint2 *)(p + 2 * i) = make_uint2(v[i], v[i + 1]);
  }
}
#if defined(HEDDLE_FAST) && !defined(HEDDLE_ON_CPU)
__device__ __forceinline__ float exp_f(float x) { return __expf(x); }
__device__ __forceinline__ float sigmoid_f(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(-1.44269504f * x));
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(1.0f + y));
  return y;
}
#else
__device__ __forceinline__ float exp_f(float x) { return expf(x); }
__device__ __forceinline__ float sigmoid_f(float x) { return 1.0f / (1.0f + expf(-x)); }
#endif
#ifdef HEDDLE_ON_CPU
__device__ __forceinline__ float larger(float a, float b) { return a > b || a != a ? a : b; }
__device__ __forceinline__ float smaller(float a, float b) { return a < b || a != a ? a : b; }
#else
__device__ __forceinline__ float larger(float a, float b) { float y; asm("max.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b)); return y; }
__device__ __forceinline__ float smaller(float a, float b) { float y; asm("min.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b)); return y; }
#endif
/** x + scale G with the Gumbel noise of core/ops/sampling.ts; words by Philox4x32-10. */
__device__ __forceinline__ float add_gumbel(float x, float scale, int seed, int step, unsigned column, unsigned row) {
  if (scale == 0.0f) return x;
  unsigned a = column / 4u, b = row, c = (unsigned)step, d = 0, key = (unsigned)seed, key2 = 0;
  #pragma unroll
  for (int round = 0; round < ${PHILOX.rounds}; round++) {
    unsigned long long p = ${PHILOX.multipliers[0]}ull * a, q = ${PHILOX.multipliers[1]}ull * c;
    a = (unsigned)(q >> 32) ^ b ^ key;
    b = (unsigned)q;
    c = (unsigned)(p >> 32) ^ d ^ key2;
    d = (unsigned)p;
    key += ${PHILOX.weyl[0]}u;
    key2 += ${PHILOX.weyl[1]}u;
  }
  unsigned word = column % 4u < 2u ? (column % 4u == 0u ? a : b) : column % 4u == 2u ? c : d;
  float part = fminf((float)word * 2.3283064365386963e-10f + 1.1641532182693481e-10f, 0.99999994f);
  return x - scale * logf(-log1pf(-part));
}
__device__ __forceinline__ float add_f(float a, float b) { return a + b; }
template <int LANES> __device__ __forceinline__ float lanes_add(float x) {
  for (int d = LANES / 2; d > 0; d /= 2) x += __shfl_xor_sync(0xffffffffu, x, d);
  return x;
}
template <int LANES> __device__ __forceinline__ float lanes_larger(float x) {
  for (int d = LANES / 2; d > 0; d /= 2) x = larger(x, __shfl_xor_sync(0xffffffffu, x, d));
  return x;
}
template <int WARPS> __device__ __forceinline__ float block_add(float x, float *shared) {
  x = lanes_add<32>(x);
  __syncthreads();
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = x;
  __syncthreads();
  float sum = 0;
  for (int w = 0; w < WARPS; w++) sum += shared[w];
  return sum;
}
template <int LANES> __device__ __forceinline__ float group_add(float x, float *shared) {
  x = lanes_add<32>(x);
  __syncthreads();
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = x;
  __syncthreads();
  float sum = 0;
  for (int w = 0; w < LANES / 32; w++) sum += shared[threadIdx.x / LANES * (LANES / 32) + w];
  return sum;
}
template <int LANES> __device__ __forceinline__ float group_larger(float x, float *shared) {
  x = lanes_larger<32>(x);
  __syncthreads();
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = x;
  __syncthreads();
  float most = shared[threadIdx.x / LANES * (LANES / 32)];
  for (int w = 1; w < LANES / 32; w++) most = larger(most, shared[threadIdx.x / LANES * (LANES / 32) + w]);
  return most;
}
template <int WARPS> __device__ __forceinline__ float block_larger(float x, float *shared) {
  x = lanes_larger<32>(x);
  __syncthreads();
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = x;
  __syncthreads();
  float most = shared[0];
  for (int w = 1; w < WARPS; w++) most = larger(most, shared[w]);
  return most;
}
`
