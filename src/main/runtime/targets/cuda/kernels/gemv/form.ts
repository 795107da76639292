// How a kernel of products with few rows goes through the weights; two forms share one frame (kernel.ts).

import type { Buffer, GemvJob, GemvPart } from '../../schedule/job.ts'
import type { BufferOf, KernelWriter } from '../writer.ts'

/** A part with the tasks that it is divided into: `rows` columns of its products each. */
export interface PlacedPart {
  readonly part: GemvPart
  readonly rows: number
  /** The first task of this part, and the first one behind it. */
  readonly from: number
  readonly to: number
}

export interface Form {
  readonly threads: number
  readonly blocks: number
  /** Whether a block takes a task together, and not each of its warps one. */
  readonly isByBlock: boolean
  /** Columns of each product in a task. */
  rows(products: number): number
  /** Bytes of a row of x in shared memory, which lies at `x`; how an element is read and written there. */
  readonly rowBytes: number
  readonly x: string
  readElement(slot: string, j: string): string
  writeElement(slot: string, j: string, element: string): string
  /** Shared memory beside x, in front of it. */
  readonly otherBytes: number
  readonly minBlocks: number | undefined
  readonly uses: readonly string[]
  /** Statements in front of the computation of x. */
  begin(placed: readonly PlacedPart[], writer: KernelWriter): readonly string[]
  /**
   * Statements that give a task's sums: `y0`, `y1`, ... of the part's products for row `b` of x and column `c` of the part.
   * Threads for which `isMine` is false have none.
   */
  sums(placed: PlacedPart, writer: KernelWriter): readonly string[]
}

/** What the forms are chosen for. */
export interface FormInput {
  readonly job: GemvJob
  readonly bufferOf: BufferOf
}

/** C text of the address of a row of a product's weight. */
export const rowPointer = (writer: KernelWriter, weight: Buffer, firstRow: number, row: string, k: number): string =>
  `${writer.pointer(weight)} + (unsigned long long)(${firstRow}u + ${row}) * ${k}u`

/** Statements for the part that a task belongs to. */
export function choice(placed: readonly PlacedPart[], lines: (part: PlacedPart) => readonly string[]): string[] {
  return placed.flatMap((p, i) => [
    placed.length === 1 ? '{' : `${i === 0 ? '' : 'else '}if (task < ${p.to}u) {`,
    ...lines(p),
    '}',
  ])
}

/** A function of the kernel that gives the address of a row of a task, and 0 behind the last one. */
export function rowsFunction(
  placed: readonly PlacedPart[],
  k: number,
  bufferOf: BufferOf,
  writer: KernelWriter,
): readonly string[] {
  return [
    'auto rows = [=](unsigned task, unsigned row) -> const bf16 * {',
    ...choice(placed, ({ part, from, rows }) => [
      `unsigned at = (task - ${from}u) * ${rows}u;`,
      ...part.products.map(
        ({ weight, firstRow }, p) =>
          `if (row == ${p}u) return ${rowPointer(writer, bufferOf(weight)!, firstRow, 'at', k)};`,
      ),
    ]),
    'return 0;',
    '};',
  ]
}
