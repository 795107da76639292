/** Functions that generated kernels share. It needs no header, so that NVRTC needs no toolkit. */
export const PRELUDE = `
typedef unsigned short bf16;
#ifndef HEDDLE_ON_CPU
__device__ __forceinline__ bf16 to_bf16(float x) { bf16 y; asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y) : "f"(x)); return y; }
#endif
__device__ __forceinline__ float load(const float *p, unsigned long long i) { return p[i]; }
__device__ __forceinline__ float load(const bf16 *p, unsigned long long i) { return __uint_as_float((unsigned)p[i] << 16); }
__device__ __forceinline__ void store(float *p, unsigned long long i, float x) { p[i] = x; }
__device__ __forceinline__ void store(bf16 *p, unsigned long long i, float x) { p[i] = to_bf16(x); }
__device__ __forceinline__ float sigmoid_f(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ __forceinline__ float larger(float a, float b) { return a > b || a != a ? a : b; }
__device__ __forceinline__ float smaller(float a, float b) { return a < b || a != a ? a : b; }
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
