// Products of four warps by `wgmma`, on devices that have it: capability 9.0, compiled for sm_90a. The tiles of tensor-core.ts have
// the layout that it reads; accumulators lie as those of `mma.sync`. Source: PTX ISA 9.0, section 9.7.15.

/** Widths of the accumulators, in columns, that the instruction is written out for. */
const WIDTHS = [32, 48, 64, 96, 128]

const list = (count: number, item: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => item(i)).join(', ')

/**
 * The instruction for 64 x `n` x 16: A in shared memory, with B stored by rows of its transpose, or A in registers, with B as it
 * is. It adds to its accumulator or writes it.
 */
function warpGroupProduct(n: number, left: 'shared' | 'registers', isSum: boolean): string {
  const count = n / 2
  const inRegisters = left === 'registers'
  const a = inRegisters ? `{${list(4, (i) => `%${count + i}`)}}` : `%${count}`
  const b = `%${count + (inRegisters ? 4 : 1)}`
  const parameter = inRegisters ? 'const unsigned (&a)[4]' : 'unsigned long long a'
  const operand = inRegisters ? list(4, (i) => `"r"(a[${i}])`) : '"l"(a)'
  const result = list(count, (i) => `"${isSum ? '+' : '='}f"(d[${i >> 2}][${i & 3}])`)
  const signs = inRegisters ? '1, 1, 1' : '1, 1, 0, 0'
  return `__device__ __forceinline__ void ${isSum ? 'wgmma_add' : 'wgmma'}(float (&d)[${n / 8}][4], ${parameter}, unsigned long long b) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, ${Number(isSum)}, 0; wgmma.mma_async.sync.aligned.m64n${n}k16.f32.bf16.bf16 {${list(count, (i) => `%${i}`)}}, ${a}, ${b}, p, ${signs};}"
    : ${result} : ${operand}, "l"(b));
}`
}

const PRODUCTS = WIDTHS.flatMap((n) => [
  warpGroupProduct(n, 'shared', false),
  warpGroupProduct(n, 'shared', true),
  warpGroupProduct(n, 'registers', true),
])

/** The functions of tensor-core.ts that multiply, for four warps together. */
export const WARP_GROUP = `
// A matrix descriptor: K-major tiles have their groups of 8 rows 8 * ROW bytes apart; column blocks of the other operand order
// are BLOCK bytes apart.
template <class TILE> __device__ __forceinline__ unsigned long long describe(unsigned address, unsigned lead) {
  return (unsigned long long)((address & 0x3ffffu) >> 4) | (unsigned long long)(lead >> 4) << 16 |
         (unsigned long long)(8 * TILE::ROW >> 4) << 32 | (unsigned long long)(TILE::ROW == 128 ? 1 : 2) << 62;
}
${PRODUCTS.join('\n')}
__device__ __forceinline__ void products_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void products_end() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int LEFT> __device__ __forceinline__ void products_wait() { asm volatile("wgmma.wait_group.sync.aligned %0;" :: "n"(LEFT) : "memory"); }
template <int N> __device__ __forceinline__ void products_done(float (&d)[N][4]) {
  #pragma unroll
  for (int i = 0; i < N; i++) asm volatile("" : "+f"(d[i][0]), "+f"(d[i][1]), "+f"(d[i][2]), "+f"(d[i][3]) :: "memory");
}
template <class A, class B, int N> __device__ __forceinline__ void rows_by_rows(float (&d)[N][4], unsigned a, unsigned b) {
  a += threadIdx.x / 128 * 64 * A::ROW;
  #pragma unroll
  for (int k = 0; k < A::WIDTH / 16; k++) {
    const int block = k * 16 / A::COLUMNS, inside = k * 16 % A::COLUMNS * 2;
    const unsigned long long left = describe<A>(a + block * A::BLOCK + inside, 16), right = describe<B>(b + block * B::BLOCK + inside, 16);
    if (k == 0) wgmma(d, left, right);
    else wgmma_add(d, left, right);
  }
}
template <class B, int N, int STEPS> __device__ __forceinline__ void add_rows_by_columns(float (&d)[N][4], const unsigned (&a)[STEPS][4], unsigned b) {
  #pragma unroll
  for (int k = 0; k < STEPS; k++) wgmma_add(d, a[k], describe<B>(b + k * 16 * B::ROW, B::BLOCK));
}`
