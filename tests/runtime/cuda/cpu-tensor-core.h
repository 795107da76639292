// The instructions of kernels/native/tensor-core.ts on the CPU: shared memory is an array that addresses count from, copies are
// done when they are asked for, and the lanes of a warp lay their operands out for each other.

static unsigned shared_start() { return 0; }
static unsigned char *shared_place(unsigned address, unsigned bytes) {
  if (address % bytes != 0 || address + bytes > SHARED_BYTES) {
    fprintf(stderr, "shared memory has no %u bytes at %u\n", bytes, address);
    abort();
  }
  return shared_memory + address;
}
static void copy_async(unsigned to, const void *from, bool exists, unsigned bytes) {
  if (exists) memcpy(shared_place(to, bytes), from, bytes);
  else memset(shared_place(to, bytes), 0, bytes);
}
static void copy_async16(unsigned to, const void *from, bool exists) { copy_async(to, from, exists, 16); }
static void copy_async4(unsigned to, const void *from, bool exists) { copy_async(to, from, exists, 4); }
static void copies_end() {}
template <int LEFT> static void copies_wait() {}
static void block_barrier() { fibers::wait(fibers::block); }
static void store_shared(unsigned to, unsigned x) { memcpy(shared_place(to, 4), &x, 4); }
static unsigned load_shared(unsigned from) {
  unsigned x;
  memcpy(&x, shared_place(from, 4), 4);
  return x;
}
static uint4 load_shared16(unsigned from) {
  uint4 x;
  memcpy(&x, shared_place(from, 16), 16);
  return x;
}
static float power_of_two(float x) { return exp2f(x); }
static unsigned pack(float low, float high) { return to_bf16(low) | (unsigned)to_bf16(high) << 16; }

// What each lane of each warp shows to the others.
static unsigned shown[32][32][6];
static unsigned (*show(const unsigned *values, int count))[6] {
  unsigned self = fibers::current;
  memcpy(shown[self / 32][self % 32], values, count * 4);
  fibers::wait(fibers::warps[self / 32]);
  return shown[self / 32];
}
static void shown_enough() { fibers::wait(fibers::warps[fibers::current / 32]); }
static float half_of(unsigned word, unsigned upper) { return __uint_as_float(upper ? word & 0xffff0000u : word << 16); }

static void mma(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  unsigned own[6] = {a[0], a[1], a[2], a[3], b0, b1}, lane = fibers::current % 32;
  auto lanes = show(own, 6);
  for (unsigned i = 0; i < 4; i++)
    for (unsigned k = 0; k < 16; k++) {
      unsigned inner = k % 8 / 2, column = lane % 4 * 2 + i % 2;
      d[i] += half_of(lanes[lane / 4 * 4 + inner][i / 2 + k / 8 * 2], k % 2) * half_of(lanes[column * 4 + inner][4 + k / 8], k % 2);
    }
  shown_enough();
}
static void load_matrices(unsigned (&f)[4], unsigned address) {
  unsigned lane = fibers::current % 32;
  auto lanes = show(&address, 1);
  for (unsigned i = 0; i < 4; i++) memcpy(&f[i], shared_place(lanes[i * 8 + lane / 4][0], 16) + lane % 4 * 4, 4);
  shown_enough();
}
static void load_transposed(unsigned (&f)[4], unsigned address) {
  unsigned lane = fibers::current % 32;
  auto lanes = show(&address, 1);
  for (unsigned i = 0; i < 4; i++) {
    unsigned short pair[2];
    for (unsigned row = 0; row < 2; row++) memcpy(&pair[row], shared_place(lanes[i * 8 + lane % 4 * 2 + row][0], 16) + lane / 4 * 2, 2);
    f[i] = pair[0] | (unsigned)pair[1] << 16;
  }
  shown_enough();
}
static unsigned transpose8(unsigned x) {
  unsigned lane = fibers::current % 32, y = 0;
  auto lanes = show(&x, 1);
  for (unsigned i = 0; i < 2; i++) {
    unsigned row = lane % 4 * 2 + i, column = lane / 4;
    y |= (lanes[row * 4 + column / 2][0] >> column % 2 * 16 & 0xffff) << i * 16;
  }
  shown_enough();
  return y;
}
static unsigned times2(unsigned a, unsigned b) {
  return pack(half_of(a, 0) * half_of(b, 0), half_of(a, 1) * half_of(b, 1));
}
