// Every op of the intermediate representation, in the order of the docs.

import * as elementwise from './elementwise.ts'
import * as indexing from './indexing.ts'
import { matmul } from './matmul.ts'
import { broadcast, concat, pad, reshape, slice, transpose } from './movement.ts'
import type { OpDef } from './op.ts'
import { argmax, reduceMax, reduceSum } from './reduce.ts'
import { addGumbel } from './sampling.ts'
import { constant, input } from './source.ts'
import { fusedOps } from './fused/index.ts'
import { GraphBuilder } from './builder.ts'

export const primitiveOps: readonly OpDef[] = [
  input,
  constant,
  elementwise.neg,
  elementwise.exp,
  elementwise.log,
  elementwise.sqrt,
  elementwise.tanh,
  elementwise.sigmoid,
  elementwise.relu,
  elementwise.abs,
  elementwise.erf,
  elementwise.add,
  elementwise.sub,
  elementwise.mul,
  elementwise.div,
  elementwise.maximum,
  elementwise.minimum,
  elementwise.less,
  elementwise.equal,
  elementwise.where,
  elementwise.cast,
  reshape,
  transpose,
  broadcast,
  slice,
  pad,
  concat,
  indexing.gather,
  indexing.scatterAdd,
  indexing.takeAlong,
  indexing.addAlong,
  indexing.update,
  reduceSum,
  reduceMax,
  argmax,
  addGumbel,
  matmul,
]

export const ops: ReadonlyMap<string, OpDef> = new Map([...primitiveOps, ...fusedOps].map((op) => [op.kind, op]))

/** A builder over all ops. */
export const newGraph = (): GraphBuilder => new GraphBuilder(ops)

export { fusedOps, GraphBuilder }
