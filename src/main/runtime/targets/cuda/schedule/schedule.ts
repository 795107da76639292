// Program -> steps: kernels, products and copies in the order in which they run, and the buffers between them.

import type { Program } from '#core/graph/program.ts'
import type { Graph, Node, Value } from '#core/graph/types.ts'
import { inputsOf, sizeOf } from '#core/graph/types.ts'
import { vjpParts } from '#core/ops/fused/vjp.ts'
import type { MatmulShape } from '../driver/machine.ts'
import { directKernel } from '../kernels/direct-kernel.ts'
import { gemvKernel } from '../kernels/gemv/kernel.ts'
import { groupKernels } from '../kernels/group-kernel.ts'
import { convertKernel } from '../kernels/convert-kernel.ts'
import { nativeOf } from '../kernels/native/index.ts'
import { nativeKind } from '../kernels/native/native-op.ts'
import { stepOf } from '../kernels/step/index.ts'
import type { StepOp } from '../kernels/step/step-op.ts'
import { reduceKernels, reduceScratch } from '../kernels/reduce-kernel.ts'
import type { Launch } from '../kernels/writer.ts'
import { batchAlike } from './launches/batch.ts'
import type { Pack } from './launches/batch.ts'
import { stacked } from './matmul-view.ts'
import { gemvValues } from './few-rows/gemv.ts'
import { groupJobs } from './groups.ts'
import { inPlaceStates } from './in-place.ts'
import type { Buffer, Home, Job, NativeJob } from './job.ts'
import { keptOnce, planMemory } from './memory.ts'
import type { MemoryPlan } from './memory.ts'
import { mergeAlike } from './launches/merge.ts'
import type { Compute, Precision } from './precision.ts'
import { halfOf, precisionOf } from './precision.ts'
import { findRoots } from './roots.ts'
import type { Roots } from './roots.ts'
import { operandView, placedParts } from './rows.ts'
import type { Part } from './rows.ts'
import { isHalf, isLeaf, storedExactly, unshaped } from './values.ts'
import type { Stored } from './values.ts'

/** A place in a buffer, counted in elements. */
export interface BufferPlace {
  readonly buffer: Buffer
  readonly offset: number
}

export type Action =
  | { readonly kind: 'kernel'; readonly launch: Launch }
  | {
      /** One launch for many, which read where their parameters lie from a table. */
      readonly kind: 'table'
      readonly launch: Omit<Launch, 'buffers' | 'writes'>
      readonly rows: readonly (readonly Buffer[])[]
    }
  | {
      readonly kind: 'matmul'
      readonly shape: MatmulShape
      readonly a: BufferPlace
      readonly b: BufferPlace
      readonly c: BufferPlace
    }
  | { readonly kind: 'copy'; readonly from: Buffer; readonly to: Buffer }

export interface Step {
  readonly action: Action
  readonly reads: readonly Buffer[]
  readonly writes: readonly Buffer[]
  /** What it computes, for printing. */
  readonly label: string
  readonly scope: string
  /** Whether it depends on nothing that changes, so that it runs once. */
  readonly isOnce: boolean
}

export interface Schedule {
  readonly compute: Compute
  readonly steps: readonly Step[]
  readonly buffers: readonly Buffer[]
  readonly memory: MemoryPlan
  readonly inputs: ReadonlyMap<string, Buffer>
  /** Where each output is after a run; bound state outputs are in the buffer of their input. */
  readonly outputs: ReadonlyMap<string, Buffer>
}

export interface ScheduleOptions {
  readonly compute: Compute
  /** Inputs that are state beside the bound and frozen ones. */
  readonly extraState: ReadonlySet<string>
  /** Bytes of shared memory that a block may have. */
  readonly sharedBytes: number
  /** Steps for which memory stays free between two values. */
  readonly rest?: number
}

/** Schedules an optimised graph: what the target does not claim must be decomposed. */
export function schedule(program: Program, graph: Graph, options: ScheduleOptions): Schedule {
  return new Scheduler(program, graph, options).build()
}

class Scheduler {
  readonly #program: Program
  readonly #graph: Graph
  readonly #options: ScheduleOptions
  readonly #precision: Precision
  readonly #buffers: Buffer[] = []
  readonly #bufferOf = new Map<Value, Buffer>()
  readonly #converted = new Map<string, Buffer>()
  /** Nodes whose gradient is a node. */
  readonly #differentiated: ReadonlySet<Node>
  /** Parts of concatenations that are written in place. */
  #parts: ReadonlyMap<Value, Part> = new Map()
  readonly #residuals = new Map<Node, Map<string, Buffer>>()
  readonly #steps: Step[] = []
  readonly #inputs = new Map<string, Buffer>()
  /** Buffers that lie one behind the other. */
  readonly #packs: Pack[] = []

  constructor(program: Program, graph: Graph, options: ScheduleOptions) {
    this.#program = program
    this.#graph = graph
    this.#options = options
    this.#differentiated = new Set(
      graph.nodes.flatMap((n) => (n.op === 'vjp' ? vjpParts(n).outputs.map((v) => v.node) : [])),
    )
    this.#precision = precisionOf(options.compute, graph.nodes)
  }

  build(): Schedule {
    const roots = findRoots(this.#graph, (node) => this.#precision.isExact(node))
    const placed = groupJobs(roots)
    this.#addInputs(roots)
    const { order, inPlace } = inPlaceStates(this.#program, this.#graph, roots.roots, placed)
    const outputs = this.#addOutputs(inPlace)
    const jobs = order.map((i) => placed[i]!.job)
    this.#parts = placedParts(placed, roots.roots, (value) => this.#bufferOf.has(value))
    const isRead = this.#readers(placed.map((p) => p.reads))
    for (const job of jobs) this.#addJob(job, roots.roots, isRead)
    this.#addCopies(outputs)
    const marked = this.#markOnce()
    const once = keptOnce(marked)
    const { steps, packs } = batchAlike(mergeAlike(marked), this.#packs, (buffer) => once.has(buffer))
    return {
      compute: this.#options.compute,
      steps,
      buffers: this.#buffers,
      memory: planMemory(steps, this.#buffers, packs, this.#options.rest),
      inputs: this.#inputs,
      outputs: new Map(outputs.map(({ name, buffer }) => [name, buffer])),
    }
  }

  #add(home: Home, stored: Stored, size: number, name: string, constant?: Value): Buffer {
    const buffer = { id: this.#buffers.length, home, stored, size, name, ...(constant !== undefined && { constant }) }
    this.#buffers.push(buffer)
    return buffer
  }

  #addInputs(roots: Roots): void {
    const frozen = new Set(this.#program.frozen)
    const bound = new Set([...this.#program.bindings.map((b) => b.input), ...frozen])
    const half = halfOf(this.#options.compute)
    const forms = half === undefined ? new Map<Value, 'weight' | 'cache'>() : inputForms(roots)
    for (const [name, node] of inputsOf(this.#graph)) {
      const value = node.outputs[0]!
      const { dtype, shape } = value.type
      const home = bound.has(name) || this.#options.extraState.has(name) ? 'state' : 'feed'
      const form = forms.get(value)
      const narrow = form === 'cache' && home === 'state' ? half : undefined
      const buffer = this.#add(home, narrow ?? storedExactly(dtype), sizeOf(shape), name)
      this.#inputs.set(name, buffer)
      // a weight that never changes is read in its smaller form by everybody, and its first form is given back
      const isNarrow = form === 'weight' && frozen.has(name) && half !== undefined
      this.#bufferOf.set(value, isNarrow ? this.#convert(value, buffer, half) : buffer)
    }
  }

  /** Buffers of outputs, and what must be copied into them at the end. */
  #addOutputs(inPlace: ReadonlyMap<string, Value>): readonly OutputPlace[] {
    const places: OutputPlace[] = []
    for (const { name, value } of this.#graph.outputs) {
      const base = unshaped(value)
      const state = this.#program.bindings.find((b) => b.output === name)?.input
      const written = inPlace.get(name)
      if (state !== undefined && written !== undefined) {
        this.#bufferOf.set(written, this.#inputs.get(state)!)
        places.push({ name, buffer: this.#inputs.get(state)!, from: undefined })
      } else if (state !== undefined) places.push({ name, buffer: this.#inputs.get(state)!, from: base })
      else if (this.#bufferOf.has(base) || base.node.op === 'input')
        places.push({
          name,
          buffer: this.#add('result', storedExactly(base.type.dtype), sizeOf(base.type.shape), name),
          from: base,
        })
      else {
        const buffer = this.#add('result', storedExactly(base.type.dtype), sizeOf(base.type.shape), name)
        this.#bufferOf.set(base, buffer)
        places.push({ name, buffer, from: undefined })
      }
    }
    return places
  }

  /** Values that some job reads from memory. */
  #readers(reads: readonly ReadonlySet<Value>[]): (value: Value) => boolean {
    const read = new Set<Value>()
    for (const set of reads) for (const value of set) read.add(value)
    for (const { value } of this.#graph.outputs) read.add(unshaped(value))
    return (value) => read.has(value)
  }

  /** The buffer of a value, made when it is first asked for. */
  #memory(value: Value): Buffer | undefined {
    const base = unshaped(value)
    const found = this.#bufferOf.get(base)
    if (found !== undefined) return found
    if (!isLeaf(base)) return undefined
    const stored = storedExactly(base.type.dtype)
    const buffer = this.#add('constant', stored, sizeOf(base.type.shape), `constant %${base.node.id}`, base)
    this.#bufferOf.set(base, buffer)
    return buffer
  }

  #make(value: Value): Buffer {
    const found = this.#bufferOf.get(value)
    if (found !== undefined) return found
    const name = `${value.node.op} %${value.node.id}${value.index === 0 ? '' : `.${value.index}`}`
    const part = this.#parts.get(value)
    const buffer =
      part === undefined
        ? this.#add('arena', this.#precision.stored(value), sizeOf(value.type.shape), name)
        : this.#within(this.#make(part.whole), part, name)
    this.#bufferOf.set(value, buffer)
    return buffer
  }

  #within(whole: Buffer, { offset, width, stride }: Part, name: string): Buffer {
    const size = (whole.size / stride) * width
    return { ...whole, size, name, within: { whole, offset, width, stride } }
  }

  #addJob(job: Job, roots: ReadonlySet<Value>, isRead: (value: Value) => boolean): void {
    const memory = (value: Value): Buffer | undefined => this.#memory(value)
    switch (job.kind) {
      case 'group': {
        const wholes = new Set([...this.#parts.values()].map((part) => part.whole))
        if (job.members.every((member) => wholes.has(member))) return
        const stored = new Set(job.members.filter(isRead))
        if (stored.size === 0 && job.columnSums.length === 0) return
        for (const value of [...stored, ...job.columnSums]) this.#make(value)
        const last = job.members.at(-1)!
        const label = [...new Set(job.members.map((m) => m.node.op))].join(' ')
        const scratch = (size: number): Buffer => this.#add('arena', 'f32', size, `parts of %${last.node.id}`)
        for (const launch of groupKernels(job, stored, roots, memory, scratch))
          this.#push({ kind: 'kernel', launch }, launch.buffers, launch.writes, label, last.node.scope)
        return
      }
      case 'reduce': {
        const result = job.node.outputs[0]!
        this.#make(result)
        const scratchSize = reduceScratch(job)
        const scratch =
          scratchSize === 0 ? undefined : this.#add('arena', 'f32', scratchSize, `parts of %${job.node.id}`)
        const launches = reduceKernels(job, scratch, memory)
        launches.forEach((launch, i) => {
          const writes = i === launches.length - 1 ? this.#bufferOf.get(result)! : scratch!
          this.#push(
            { kind: 'kernel', launch },
            launch.buffers.filter((b) => b !== writes),
            [writes],
            job.node.op,
            job.node.scope,
          )
        })
        return
      }
      case 'direct':
        this.#make(job.node.outputs[0]!)
        this.#launch(directKernel(job.node, memory), [job.node.outputs[0]!], 'matmul', job.node.scope)
        return
      case 'native':
        this.#addNative(job, isRead)
        return
      case 'library':
        this.#addProduct(job)
        return
      case 'gemv': {
        const stored = new Set(gemvValues(job).filter(isRead))
        for (const value of stored) this.#make(value)
        const { scope } = job.parts[0]!.products[0]!.node
        this.#launch(gemvKernel(job, stored, memory), [...stored], 'gemv', scope)
        return
      }
      case 'step':
        this.#addStep(job.node, stepOf(job.node)!, isRead)
        return
    }
  }

  #addNative({ node, first, last }: NativeJob, isRead: (value: Value) => boolean): void {
    const op = nativeOf(node)!
    const nodes = [...first.values(), node, ...last.values()]
    const wanted = (of: Node, side: 'input' | 'output', index: number): Stored | 'any' => {
      const form = nativeOf(of)!.stored(of, side, index)
      if (form === undefined) throw new Error(`cuda: ${nativeKind(of)} does not touch ${side} ${index}`)
      return form
    }
    const readOf = (value: Value): readonly [Node, number] => {
      const reader = nodes.find(({ inputs }) => inputs.includes(value))!
      return [reader, reader.inputs.indexOf(value)]
    }
    const taken = (value: Value): Buffer => {
      const [reader, index] = readOf(value)
      const { base } = operandView(reader, index)
      const buffer = this.#memory(base)
      if (buffer === undefined) throw new Error(`cuda: operand ${base.node.op} %${base.node.id} has no memory`)
      const form = wanted(reader, 'input', index)
      return form === 'any' || form === buffer.stored ? buffer : this.#convert(base, buffer, form)
    }
    // an output whose memory has another form is converted into it afterwards
    const given = new Map<Value, Buffer>()
    const made = (value: Value): Buffer => {
      if (!isRead(value)) throw new Error(`cuda: nobody reads output ${value.index} of ${op.kind}`)
      const buffer = this.#make(value)
      const form = wanted(value.node, 'output', value.index)
      if (form === 'any' || form === buffer.stored) return buffer
      const found = given.get(value) ?? this.#add('arena', form, buffer.size, `${form} of ${buffer.name}`)
      given.set(value, found)
      return found
    }
    const launches = op.launches(node, {
      isRead,
      buffer: (value) => (nodes.includes(value.node) ? made(value) : taken(value)),
      rows: (value) => {
        if (nodes.includes(value.node)) {
          const buffer = made(value)
          const stride = nativeOf(value.node)!.rows!(value.node, 'output', value.index)!
          return buffer.within === undefined
            ? { buffer, offset: 0, stride }
            : { ...buffer.within, buffer: buffer.within.whole }
        }
        const { offset, stride } = operandView(...readOf(value))
        return { buffer: taken(value), offset, stride }
      },
      first: (operand) => first.get(operand),
      last: (output) => last.get(output),
      scratch: (stored, size, name) => this.#add('arena', stored, size, `${name} of %${node.id}`),
      isDifferentiated: (primal) => this.#differentiated.has(primal),
      sharedBytes: this.#options.sharedBytes,
      residual: (primal, stored, size, name) => this.#residual(primal, stored, size, name),
    })
    const label = nodes.map(nativeKind).join(' ')
    for (const launch of launches)
      this.#push({ kind: 'kernel', launch }, launch.buffers, launch.writes, label, node.scope)
    for (const [value, from] of given) {
      const into = this.#bufferOf.get(value)!
      this.#push({ kind: 'kernel', launch: convertKernel(from, into) }, [from], [into], 'convert', node.scope)
    }
  }

  #addStep(node: Node, step: StepOp, isRead: (value: Value) => boolean): void {
    for (const output of node.outputs) this.#make(output)
    const launches = step.launches(node, {
      isRead,
      bufferOf: (value) => this.#memory(value),
      scratch: (stored, size, name) => this.#add('arena', stored, size, `${name} of %${node.id}`),
      counters: (size) => this.#add('state', 'i32', size, `counters of %${node.id} of ${this.#program.name}`),
    })
    for (const launch of launches)
      this.#push({ kind: 'kernel', launch }, launch.buffers, launch.writes, step.kind, node.scope)
  }

  #residual(node: Node, stored: Stored, size: number, name: string): Buffer {
    const own = this.#residuals.get(node) ?? new Map<string, Buffer>()
    this.#residuals.set(node, own)
    const buffer = own.get(name) ?? this.#add('arena', stored, size, `${name} of %${node.id}`)
    own.set(name, buffer)
    return buffer
  }

  #addProduct(job: Extract<Job, { kind: 'library' }>): void {
    const { compute } = this.#options
    const type = halfOf(compute) ?? 'f32'
    const operand = (value: Value): Buffer => {
      const base = unshaped(value)
      const buffer = this.#memory(base)
      if (buffer === undefined) throw new Error(`cuda: operand ${base.node.op} %${base.node.id} has no memory`)
      return buffer.stored === type ? buffer : this.#convert(base, buffer, type)
    }
    const a = operand(job.a.base)
    const weights = (stacked(job.b.base) ?? [job.b.base]).map(operand)
    if (weights.length > 1) this.#packs.push(weights)
    const b = weights[0]!
    const c = this.#make(job.node.outputs[0]!)
    const shape: MatmulShape = {
      m: job.m,
      n: job.n,
      k: job.k,
      batch: job.batch,
      a: { ...job.a.layout, type },
      b: { ...job.b.layout, type },
      c: { type: isHalf(c.stored) ? c.stored : 'f32', transposed: false, lead: job.n, stride: job.m * job.n },
      tf32: compute === 'tf32',
    }
    const action: Action = {
      kind: 'matmul',
      shape,
      a: { buffer: a, offset: job.a.offset },
      b: { buffer: b, offset: job.b.offset },
      c: { buffer: c, offset: 0 },
    }
    this.#push(action, [a, ...weights], [c], 'matmul', job.node.scope)
  }

  #convert(value: Value, from: Buffer, stored: Stored): Buffer {
    const key = `${from.id} ${stored}`
    let into = this.#converted.get(key)
    if (into === undefined) {
      into = this.#add('arena', stored, from.size, `${stored} of ${from.name}`)
      this.#converted.set(key, into)
      this.#push({ kind: 'kernel', launch: convertKernel(from, into) }, [from], [into], 'convert', value.node.scope)
    }
    return into
  }

  #launch(launch: Launch, outputs: readonly Value[], label: string, scope: string): void {
    const writes = outputs.map((value) => this.#bufferOf.get(value)!)
    this.#push({ kind: 'kernel', launch }, launch.buffers, writes, label, scope)
  }

  #push(action: Action, reads: readonly Buffer[], writes: readonly Buffer[], label: string, scope: string): void {
    this.#steps.push({ action, reads, writes, label, scope, isOnce: false })
  }

  #addCopies(outputs: readonly OutputPlace[]): void {
    for (const { buffer, from } of outputs) {
      if (from === undefined) continue
      const source = this.#memory(from)
      if (source === undefined) throw new Error(`cuda: output ${buffer.name} has no memory`)
      if (source === buffer) continue
      const same = source.stored === buffer.stored
      const action: Action = same
        ? { kind: 'copy', from: source, to: buffer }
        : { kind: 'kernel', launch: convertKernel(source, buffer) }
      this.#push(action, [source], [buffer], 'copy', 'state')
    }
  }

  /** Steps that only depend on frozen inputs and constants; their results stay. */
  #markOnce(): readonly Step[] {
    const frozen = new Set(this.#program.frozen.map((name) => this.#inputs.get(name)))
    const fixed = new Set<Buffer>(this.#buffers.filter((b) => b.home === 'constant' || frozen.has(b)))
    return this.#steps.map((step) => {
      const isOnce =
        step.action.kind === 'kernel' &&
        step.reads.every((b) => fixed.has(b) || step.writes.includes(b)) &&
        step.writes.every((b) => b.home === 'arena')
      if (isOnce) for (const buffer of step.writes) fixed.add(buffer)
      return isOnce ? { ...step, isOnce } : step
    })
  }
}

/** Inputs that are kept in the form of the operands of products: weights, and caches. */
function inputForms({ nodes, gemv, library }: Roots): ReadonlyMap<Value, 'weight' | 'cache'> {
  const forms = new Map<Value, 'weight' | 'cache'>()
  for (const { weight } of gemv.values()) forms.set(weight, 'weight')
  for (const { b } of library.values())
    for (const weight of stacked(b.base) ?? [unshaped(b.base)]) forms.set(weight, 'weight')
  for (const node of nodes)
    for (const { input, isCache } of stepOf(node)?.states ?? []) if (isCache) forms.set(node.inputs[input]!, 'cache')
  return forms
}

interface OutputPlace {
  readonly name: string
  readonly buffer: Buffer
  /** What is copied into it at the end of a run; undefined where it is written in place. */
  readonly from: Value | undefined
}
