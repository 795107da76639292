/** Eight neighbouring numbers in 16-byte loads, and sums of their products: for kernels whose time is that of reading. */
export const EIGHT = `
/** Where element j of rows of length k lies, so that lanes that read eight neighbours each meet no bank twice. */
__device__ __forceinline__ unsigned split8(unsigned j, unsigned k) { return (j & 4u) * (k / 8u) + j / 8u * 4u + (j & 3u); }
/** 16 bytes that are read once. */
__device__ __forceinline__ uint4 read_once16(const void *p) {
#ifdef HEDDLE_ON_CPU
  return *(const uint4 *)p;
#else
  uint4 x;
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w) : "l"(p));
  return x;
#endif
}
template <class T> struct Eight {
  uint4 x;
  __device__ __forceinline__ void clear() { x.x = x.y = x.z = x.w = 0; }
  __device__ __forceinline__ void read(const T *p) { x = *(const uint4 *)p; }
  __device__ __forceinline__ void read_once(const T *p) { x = read_once16(p); }
  __device__ __forceinline__ float dot(float4 a, float4 b, float sum) const {
    sum = fmaf(Halves<T>::low(x.x), a.x, sum); sum = fmaf(Halves<T>::high(x.x), a.y, sum);
    sum = fmaf(Halves<T>::low(x.y), a.z, sum); sum = fmaf(Halves<T>::high(x.y), a.w, sum);
    sum = fmaf(Halves<T>::low(x.z), b.x, sum); sum = fmaf(Halves<T>::high(x.z), b.y, sum);
    sum = fmaf(Halves<T>::low(x.w), b.z, sum); return fmaf(Halves<T>::high(x.w), b.w, sum);
  }
  __device__ __forceinline__ void add_to(float (&sums)[8], float factor) const {
    sums[0] = fmaf(Halves<T>::low(x.x), factor, sums[0]); sums[1] = fmaf(Halves<T>::high(x.x), factor, sums[1]);
    sums[2] = fmaf(Halves<T>::low(x.y), factor, sums[2]); sums[3] = fmaf(Halves<T>::high(x.y), factor, sums[3]);
    sums[4] = fmaf(Halves<T>::low(x.z), factor, sums[4]); sums[5] = fmaf(Halves<T>::high(x.z), factor, sums[5]);
    sums[6] = fmaf(Halves<T>::low(x.w), factor, sums[6]); sums[7] = fmaf(Halves<T>::high(x.w), factor, sums[7]);
  }
};
template <> struct Eight<float> {
  float4 x, y;
  __device__ __forceinline__ void clear() { x.x = x.y = x.z = x.w = 0.0f; y = x; }
  __device__ __forceinline__ void read(const float *p) { x = *(const float4 *)p; y = *(const float4 *)(p + 4); }
  __device__ __forceinline__ void read_once(const float *p) { read(p); }
  __device__ __forceinline__ float dot(float4 a, float4 b, float sum) const {
    sum = fmaf(x.x, a.x, sum); sum = fmaf(x.y, a.y, sum); sum = fmaf(x.z, a.z, sum); sum = fmaf(x.w, a.w, sum);
    sum = fmaf(y.x, b.x, sum); sum = fmaf(y.y, b.y, sum); sum = fmaf(y.z, b.z, sum); return fmaf(y.w, b.w, sum);
  }
  __device__ __forceinline__ void add_to(float (&sums)[8], float factor) const {
    sums[0] = fmaf(x.x, factor, sums[0]); sums[1] = fmaf(x.y, factor, sums[1]);
    sums[2] = fmaf(x.z, factor, sums[2]); sums[3] = fmaf(x.w, factor, sums[3]);
    sums[4] = fmaf(y.x, factor, sums[4]); sums[5] = fmaf(y.y, factor, sums[5]);
    sums[6] = fmaf(y.z, factor, sums[6]); sums[7] = fmaf(y.w, factor, sums[7]);
  }
};
`
