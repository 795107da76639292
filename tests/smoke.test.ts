// The whole chain in a few seconds: spec -> graph -> gradients -> ONNX -> run, then training and latency -> a front.

import { expect, it } from 'vitest'
import { inputsOf } from '#core/graph/types.ts'
import { lower } from '#core/model/lower.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { initWeights } from '#core/model/weights.ts'
import { emitOnnx } from '#core/onnx/emit.ts'
import { encodeModel } from '#core/onnx/encode.ts'
import { grad } from '#core/passes/grad.ts'
import { differentiable, optimise } from '#core/passes/pipeline.ts'
import { paretoFront } from '#core/stats/pareto.ts'
import { profileStacks } from '#main/runtime/profile/profile.ts'
import { openOrt } from '#main/runtime/targets/ort-api.ts'
import { ortCpu } from '#main/runtime/targets/ort-cpu.ts'
import { assertClose } from './helpers/assert-close.ts'
import { evaluate, f32, i32 } from './helpers/evaluate.ts'
import { openSource, runTiny, tinyConfig } from './helpers/tiny.ts'

const tinyRun = (pattern: string) =>
  tinyConfig({ spec: `{dModel: 16, vocabSize: 16} ${pattern}`, run: { steps: 20, batchSize: 2 } })

it('a spec becomes a graph, its gradients an ONNX model, and ONNX Runtime agrees with the interpreter', async () => {
  const config = tinyRun('a{headDim: 8} d f')
  const { graph, weights } = lower(resolveSpec(config.spec), { phase: 'train', batchSize: 2, seqLen: 16 })
  const names = weights.map(({ name }) => name)
  const wanted = grad(differentiable(graph), { loss: null }, names)
  const source = await openSource(config)
  const { tokens, targets } = source.train(0)
  const values = initWeights(weights, 1)
  const exact = evaluate(
    wanted,
    new Map([
      ['tokens', i32([2, 16], tokens)],
      ['targets', i32([2, 16], targets)],
      ...weights.map(({ name, shape }) => [name, f32(shape, values.get(name)!)] as const),
    ]),
  )

  const optimised = optimise(wanted, { claims: (node) => ortCpu.claims(node, 'train'), verifyEach: true })
  const model = encodeModel(emitOnnx(optimised, { name: 'smoke' }))
  const session = openOrt().createSession(model, { threads: 1, optimization: 'all' })
  const shapes = new Map([...inputsOf(optimised)].map(([name, node]) => [name, node.outputs[0]!.type.shape]))
  const feeds = Object.fromEntries(
    [...shapes].map(([name, shape]) => [name, { shape, data: { tokens, targets }[name] ?? values.get(name)! }]),
  )
  const outputs = Object.fromEntries(optimised.outputs.map(({ name }) => [name, 'allocate' as const]))
  const binding = session.bind(feeds, outputs)
  binding.run()
  expect(names.map((name) => `grad.${name}`).every((name) => name in outputs)).toBe(true)
  for (const name of Object.keys(outputs))
    assertClose(Array.from(binding.read(name).data, Number), exact.get(name)!.data, 1e-4, name)
  session.release()
})

it('training and profiling give (latency, loss) points and a front', async () => {
  const configs = [tinyRun('a{headDim: 8} f'), tinyRun('a{headDim: 8} f d f m2{headDim: 8, dState: 8} f')]
  const losses: number[] = []
  for (const config of configs) {
    const { state, final } = await runTiny(config)
    expect(state).toBe('done')
    losses.push(final['valLoss']!)
  }
  const { stacks, floor } = await profileStacks(
    configs.map(({ spec }) => spec),
    {
      target: ortCpu,
      phases: ['decode'],
      batchSize: 1,
      promptLen: 8,
      context: 16,
      seed: 1,
      threads: 1,
      limits: { maxRelativeWidth: 1, minRepeats: 10, maxRepeats: 30, minMs: 1, maxMs: 1500 },
    },
  )
  const points = stacks.map(({ index, phases }) => [phases[0]!.latency.p50Ms, losses[index]!] as const)
  expect(points.flat().every(Number.isFinite)).toBe(true)
  // the second stack begins with all of the first
  expect(points[0]![0]).toBeGreaterThan(floor.p50Ms)
  expect(points[1]![0]).toBeGreaterThan(points[0]![0])
  expect(paretoFront(points)).toEqual(losses[1]! < losses[0]! ? [0, 1] : [0])
})
