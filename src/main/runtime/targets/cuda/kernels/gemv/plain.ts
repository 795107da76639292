// Products with few rows, the plain form, for weights of any kind: each lane of a warp loads pieces of the rows that its warp
// takes, several at once.

import { C_TYPE } from '../../schedule/values.ts'
import { EIGHT } from './eight.ts'
import { rowPointer } from './form.ts'
import type { Form, FormInput } from './form.ts'

const THREADS = 256
const BLOCKS = 264

/** `dot_rows`, and `pick`, which gives a lane one of the sums. */
export const DOT_ROWS = `
/** Sums of R rows of weights times M rows of x, of which each lane has a part. x lies as split8 has it. */
template <class W, int K, int M, int R>
__device__ __forceinline__ void dot_rows(const W *const (&rows)[R], const float *x, unsigned lane, float (&sums)[R][M]) {
  constexpr int TRIPS = (K + 255) / 256;
  constexpr int MOST = R >= 8 ? 1 : 8 / R;
  constexpr int AHEAD = TRIPS % MOST == 0 ? MOST : TRIPS <= MOST ? TRIPS : TRIPS % (MOST - MOST / 4) == 0 ? MOST - MOST / 4 : MOST;
  for (int first = 0; first < TRIPS; first += AHEAD) {
    Eight<W> w[AHEAD][R];
#pragma unroll
    for (int a = 0; a < AHEAD; a++) {
      unsigned j = (first + a) * 256 + lane * 8;
#pragma unroll
      for (int r = 0; r < R; r++)
        if ((K % 256 == 0 && TRIPS % AHEAD == 0) || j < K) w[a][r].read_once(rows[r] + j);
        else w[a][r].clear();
    }
#pragma unroll
    for (int a = 0; a < AHEAD; a++) {
      unsigned j = (first + a) * 256 + lane * 8;
      if (!((K % 256 == 0 && TRIPS % AHEAD == 0) || j < K)) j = 0;
#pragma unroll
      for (int m = 0; m < M; m++) {
        float4 low = *(const float4 *)(x + m * K + j / 2), high = *(const float4 *)(x + m * K + K / 2 + j / 2);
#pragma unroll
        for (int r = 0; r < R; r++) sums[r][m] = w[a][r].dot(low, high, sums[r][m]);
      }
    }
  }
#pragma unroll
  for (int r = 0; r < R; r++)
#pragma unroll
    for (int m = 0; m < M; m++) sums[r][m] = lanes_add<32>(sums[r][m]);
}
/** Element \`at\` of R rows from \`first\` on, of M elements each. */
template <int M, int R, int ALL> __device__ __forceinline__ float pick(const float (&sums)[ALL][M], int first, unsigned at) {
  float found = 0;
#pragma unroll
  for (int r = 0; r < R; r++)
#pragma unroll
    for (int m = 0; m < M; m++) if (at == r * M + m) found = sums[first + r][m];
  return found;
}
`

export function plainForm({ job, bufferOf }: FormInput): Form {
  const { m, k } = job
  // more rows of a weight at a time where more rows of x read them
  const rowsAtOnce = (products: number): number => Math.max(1, Math.floor((m <= 2 ? 1 : m <= 4 ? 2 : 4) / products))
  return {
    threads: THREADS,
    blocks: BLOCKS,
    isByBlock: false,
    rows: rowsAtOnce,
    rowBytes: 4 * k,
    x: 'float *x = (float *)memory;',
    readElement: (slot, j) => `x[${slot} * ${k}u + split8(${j}, ${k}u)]`,
    writeElement: (slot, j, element) => `x[${slot} * ${k}u + split8(${j}, ${k}u)] = ${element};`,
    otherBytes: 0,
    minBlocks: m <= 2 ? 4 : undefined,
    uses: [EIGHT, DOT_ROWS],
    begin: () => [],
    sums: ({ part: { n, products }, rows, from }, writer) => {
      const all = rows * products.length
      const type = C_TYPE[bufferOf(products[0]!.weight)!.stored]
      const pointers = products.flatMap(({ weight, firstRow }) =>
        Array.from({ length: rows }, (_, r) =>
          rowPointer(writer, bufferOf(weight)!, firstRow, `min(at + ${r}u, ${n - 1}u)`, k),
        ),
      )
      return [
        `unsigned at = (task - ${from}u) * ${rows}u;`,
        `const ${type} *weights[${all}] = {${pointers.join(', ')}};`,
        `float sums[${all}][${m}] = {};`,
        `dot_rows<${type}, ${k}, ${m}, ${all}>(weights, x, lane, sums);`,
        ...products.map((_, p) => `float y${p} = pick<${m}, ${rows}, ${all}>(sums, ${p * rows}, lane);`),
        `unsigned c = at + lane / ${m}u, b = lane % ${m}u;`,
        `bool isMine = lane < ${rows * m}u && c < ${n}u;`,
      ]
    },
  }
}
