// A graph of one hand-written op by its kernels on the CPU, against its meaning.

import { expect } from 'vitest'
import type { Graph } from '#core/graph/types.ts'
import { claimsIn } from '#main/runtime/targets/cuda/kernels/native/index.ts'
import { openOnMachine } from '#main/runtime/targets/cuda/session.ts'
import { normError } from '../../helpers/assert-close.ts'
import { evaluate } from '../../helpers/evaluate.ts'
import type { Feeds } from '../../helpers/evaluate.ts'
import { cpuMachine, there } from './cpu-machine.ts'

/** Runs a graph in bf16; expects that kernels take `op`, and outputs within a relative error of what the interpreter computes. */
export async function expectByKernels(
  graph: Graph,
  feeds: Feeds,
  outputs: readonly string[],
  { op, tolerance }: { readonly op: string; readonly tolerance: number },
): Promise<void> {
  const expected = evaluate(graph, feeds)
  const program = { name: 'test', phase: 'prefill' as const, graph, bindings: [], frozen: [] }
  const options = { compute: 'bf16', claims: claimsIn('bf16') } as const
  const session = await openOnMachine(there(cpuMachine()), program, { initial: new Map() }, options)
  try {
    expect(session.claimed.map((claimed) => claimed.op)).toEqual([op])
    const arrays = Object.fromEntries([...feeds].map(([name, { data }]) => [name, Float32Array.from(data)]))
    const actual = session.runSync(arrays, outputs)
    for (const name of outputs) expect(normError(actual[name]!, expected.get(name)!.data), name).toBeLessThan(tolerance)
  } finally {
    session.close()
  }
}
