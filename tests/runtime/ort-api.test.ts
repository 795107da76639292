import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeModel, encodeModelExternal } from '#core/onnx/encode.ts'
import { DATA_TYPE } from '#core/onnx/proto.ts'
import { rng } from '#core/rng.ts'
import { writeFileAtomic } from '#main/runtime/files.ts'
import { openOrt } from '#main/runtime/targets/ort-api.ts'
import type { OrtSession, OrtTensor, SessionOptions } from '#main/runtime/targets/ort-api.ts'
import { findOrtLibrary, ortPackageVersion } from '#main/runtime/targets/ort-library.ts'
import { affine, constant, identity, increments, matmulChain, modelOf, node, value } from './ort-models.ts'
import { collectGarbage, errorOf, f32, OPTIONS, ort, usingSession } from './ort-sessions.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-ort-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the library', () => {
  it('is the one of the npm package', () => {
    expect(ort.version).toBe(ortPackageVersion())
    expect(ort.build).toMatch(/git-commit-id/)
    expect(openOrt({ log: 'warning' })).toBe(ort)
  })

  it('is found for every platform that the package serves, and refused for others', () => {
    expect(basename(findOrtLibrary('linux', 'x64'))).toMatch(/^libonnxruntime\.so/)
    expect(basename(findOrtLibrary('linux', 'arm64'))).toMatch(/^libonnxruntime\.so/)
    expect(basename(findOrtLibrary('darwin', 'arm64'))).toMatch(/^libonnxruntime\..*dylib$/)
    expect(basename(findOrtLibrary('win32', 'x64'))).toBe('onnxruntime.dll')
    expect(errorOf(() => findOrtLibrary('sunos', 'x64'))).toMatchObject({ code: 'target-missing' })
    expect(errorOf(() => findOrtLibrary('darwin', 'x64')).message).toMatch(/no library for darwin x64/)
  })

  it('lists providers with reasons', () => {
    const providers = ort.listProviders()
    expect(providers.map((p) => p.name)).toEqual(['CPU', 'WebGPU', 'CUDA'])
    expect(providers[0]).toEqual({ name: 'CPU', isAvailable: true })
    for (const provider of providers) if (!provider.isAvailable) expect(provider.reason).not.toBe('')
    for (const provider of providers.filter((p) => !p.isAvailable)) {
      const create = (): OrtSession =>
        ort.createSession(increments(1, [1]), { ...OPTIONS, providers: [{ name: provider.name }] })
      expect(errorOf(create).code).toBe('target-missing')
    }
  })
})

describe('a session', () => {
  it('tells names, types and shapes of its values', () => {
    const model = encodeModel(
      modelOf({
        inputs: [value('a', ['n', 3]), value('größe', [], DATA_TYPE.int64)],
        outputs: [value('y', ['n', 3]), value('z', [], DATA_TYPE.int64)],
        nodes: [node('Neg', ['a'], ['y']), node('Abs', ['größe'], ['z'])],
      }),
    )
    usingSession(model, (session) => {
      expect(session.inputs).toEqual([
        { name: 'a', dtype: 'f32', shape: ['n', 3] },
        { name: 'größe', dtype: 'i64', shape: [] },
      ])
      expect(session.outputs).toEqual([
        { name: 'y', dtype: 'f32', shape: ['n', 3] },
        { name: 'z', dtype: 'i64', shape: [] },
      ])
      const z = { data: new BigInt64Array(1), shape: [] }
      session.bind({ a: f32([0, 3]), größe: { data: BigInt64Array.of(-5n), shape: [] } }, { z }).run()
      expect(z.data[0]).toBe(5n)
    })
  })

  it('computes into the arrays of the caller, waiting or not', async () => {
    await usingSession(affine(2, 3, 2), async (session) => {
      const y = f32([2, 2])
      const c = f32([2], [10, 20])
      const binding = session.bind({ a: f32([2, 3], [1, 2, 3, 4, 5, 6]), b: f32([3, 2], [1, 0, 0, 1, 1, 1]), c }, { y })
      binding.run()
      expect([...y.data]).toEqual([14, 25, 20, 31])
      c.data.set([0, 0])
      await binding.runAsync()
      expect([...y.data]).toEqual([4, 5, 10, 11])
    })
  })

  it('agrees with the Node binding of ONNX Runtime', async () => {
    const random = rng(3)
    const fill = (shape: readonly number[]): OrtTensor<Float32Array> => {
      const tensor = f32(shape)
      return { ...tensor, data: tensor.data.map(() => random.normal()) }
    }
    const feeds = { a: fill([33, 65]), b: fill([65, 17]), c: fill([17]) }
    const model = affine(33, 65, 17)
    const y = f32([33, 17])
    usingSession(model, (session) => session.bind(feeds, { y }).run())
    const other = await InferenceSession.create(model, { intraOpNumThreads: 1 })
    const theirs = await other.run(
      Object.fromEntries(Object.entries(feeds).map(([k, t]) => [k, new Tensor('float32', t.data, t.shape)])),
    )
    await other.release()
    expect(y.data).toEqual(theirs['y']!.data)
  })

  it.each([
    ['f32', DATA_TYPE.float, Float32Array.of(1.5, -0, NaN, Infinity)],
    ['f64', DATA_TYPE.double, Float64Array.of(Math.PI, -1, 0, 1e300)],
    ['i32', DATA_TYPE.int32, Int32Array.of(1, -2, 2 ** 31 - 1, -(2 ** 31))],
    ['i64', DATA_TYPE.int64, BigInt64Array.of(1n, -2n, 2n ** 63n - 1n, 0n)],
    ['u8', DATA_TYPE.uint8, Uint8Array.of(0, 1, 128, 255)],
    ['bool', DATA_TYPE.bool, Uint8Array.of(0, 1, 1, 0)],
    ['f16', DATA_TYPE.float16, Uint16Array.of(0x3c00, 0xc000, 0x7c00, 1)],
    ['bf16', DATA_TYPE.bfloat16, Uint16Array.of(0x3f80, 0xc000, 0x7f80, 1)],
  ] as const)('passes %s through', (dtype, dataType, data) => {
    usingSession(identity(dataType, ['n', 2]), (session) => {
      expect(session.inputs[0]!.dtype).toBe(dtype)
      const copy = { data: new (data.constructor as new (length: number) => typeof data)(4), shape: [2, 2] }
      session.bind({ x: { data, shape: [2, 2] } }, { y: copy }).run()
      expect(copy.data).toEqual(data)
      const binding = session.bind({ x: { data, shape: [2, 2] } }, { y: 'allocate' })
      binding.run()
      expect(binding.read('y')).toEqual({ data, shape: [2, 2] })
    })
  })

  it('takes scalars, empty tensors, and views inside larger buffers', () => {
    usingSession(increments(1, []), (session) => {
      const y = f32([])
      session.bind({ x0: f32([], [41]) }, { y0: y }).run()
      expect(y.data[0]).toBe(42)
    })
    usingSession(identity(DATA_TYPE.float, ['n', 4]), (session) => {
      const binding = session.bind({ x: f32([0, 4]) }, { y: 'allocate' })
      binding.run()
      expect(binding.read('y')).toEqual({ data: new Float32Array(0), shape: [0, 4] })
      const memory = Float32Array.from({ length: 16 }, (_, i) => i)
      const shared = new Float32Array(new SharedArrayBuffer(32))
      session
        .bind(
          { x: { data: memory.subarray(3, 7), shape: [1, 4] } },
          { y: { data: shared.subarray(2, 6), shape: [1, 4] } },
        )
        .run()
      expect([...shared]).toEqual([0, 0, 3, 4, 5, 6, 0, 0])
    })
  })

  it('replaces the outputs that ONNX Runtime allocates in each run', () => {
    usingSession(identity(DATA_TYPE.float, ['n', 2]), (session) => {
      const x = f32([3, 2], [1, 2, 3, 4, 5, 6])
      const binding = session.bind({ x }, { y: 'allocate' })
      expect(() => binding.read('y')).toThrow(/before the first run/)
      for (let i = 0; i < 3; i++) {
        x.data[0] = i
        binding.run()
        expect([...binding.read('y').data]).toEqual([i, 2, 3, 4, 5, 6])
      }
      expect(() => binding.read('x')).toThrow(/not allocated/)
    })
  })

  it('feeds state back through two bindings', async () => {
    await usingSession(increments(1, [3]), async (session) => {
      const [ping, pong] = [f32([3], [0, 10, 20]), f32([3])]
      const forth = session.bind({ x0: ping }, { y0: pong })
      const back = session.bind({ x0: pong }, { y0: ping })
      for (let i = 0; i < 500; i++) {
        forth.run()
        back.run()
      }
      expect([...ping.data]).toEqual([1000, 1010, 1020])
      for (let i = 0; i < 20; i++) {
        await forth.runAsync()
        await back.runAsync()
      }
      expect([...ping.data]).toEqual([1040, 1050, 1060])
    })
  })

  it('keeps arrays alive that only a binding refers to', () => {
    usingSession(increments(300, [64]), (session) => {
      const tensors = (prefix: string, fill: number): Record<string, OrtTensor> =>
        Object.fromEntries(
          Array.from({ length: 300 }, (_, i) => [prefix + i, { data: new Float32Array(64).fill(fill), shape: [64] }]),
        )
      const last = f32([64])
      const binding = session.bind(tensors('x', 7), { ...tensors('y', 0), y299: last })
      const waste: Float32Array[] = []
      for (let i = 0; i < 20; i++) {
        collectGarbage()
        for (let k = 0; k < 300; k++) waste.push(new Float32Array(64).fill(-1))
        waste.length = 0
        last.data.fill(0)
        binding.run()
        expect(last.data.every((x) => x === 8)).toBe(true)
      }
    })
  })

  it('runs the body of a loop', () => {
    const body = {
      name: 'body',
      inputs: [value('i', [], DATA_TYPE.int64), value('go', [], DATA_TYPE.bool), value('s', [2])],
      outputs: [value('go_on', [], DATA_TYPE.bool), value('s_next', [2])],
      nodes: [node('Identity', ['go'], ['go_on']), node('Mul', ['s', 'two'], ['s_next'])],
    }
    const model = modelOf({
      inputs: [value('count', [], DATA_TYPE.int64), value('s0', [2])],
      outputs: [value('s_end', [2])],
      nodes: [node('Loop', ['count', '', 's0'], ['s_end'], [{ name: 'body', type: 'g', value: body }])],
      initializers: [constant('two', [], [2])],
    })
    usingSession(encodeModel(model), (session) => {
      const end = f32([2])
      session.bind({ count: { data: BigInt64Array.of(10n), shape: [] }, s0: f32([2], [1, 3]) }, { s_end: end }).run()
      expect([...end.data]).toEqual([1024, 3072])
    })
  })

  it('reads weights from an external file', async () => {
    const weights = Float32Array.from({ length: 5000 }, (_, i) => i)
    const model = modelOf({
      inputs: [value('x', [5000])],
      outputs: [value('y', [5000])],
      nodes: [node('Add', ['x', 'w'], ['xw']), node('Mul', ['xw', 'k'], ['y'])],
      initializers: [constant('k', [], [2]), constant('w', [5000], [...weights])],
    })
    const parts = encodeModelExternal(model, { threshold: 1000, fileName: 'weights.bin' })
    const path = join(folder, 'external.onnx')
    await writeFileAtomic(path, [parts.model])
    await writeFileAtomic(join(folder, 'weights.bin'), parts.external)
    expect(parts.model.length).toBeLessThan(1000)
    usingSession(path, (session) => {
      const y = f32([5000])
      session.bind({ x: f32([5000]) }, { y }).run()
      expect(y.data).toEqual(weights.map((w) => 2 * w))
    })
  })

  it('writes a trace with the provider of every node', () => {
    const prefix = join(folder, 'trace')
    const path = usingSession(
      matmulChain(4, 3),
      (session) => {
        session.bind({ x: f32([4, 4]), w: f32([4, 4]) }, { h2: f32([4, 4]) }).run()
        const written = session.endProfiling()
        expect(() => session.endProfiling()).toThrow(/not being profiled/)
        return written
      },
      { ...OPTIONS, profile: prefix },
    )
    expect(path.startsWith(prefix)).toBe(true)
    const events = JSON.parse(readFileSync(path, 'utf8')) as {
      cat: string
      args?: { op_name?: string; provider?: string }
    }[]
    const nodes = events.filter((event) => event.cat === 'Node' && event.args?.provider !== undefined)
    expect(nodes.map((event) => [event.args!.op_name, event.args!.provider])).toEqual(
      Array(3).fill(['MatMul', 'CPUExecutionProvider']),
    )
  })

  it('accepts every option', () => {
    for (const optimization of ['disabled', 'basic', 'extended', 'all'] as const) {
      const options: SessionOptions = {
        threads: 2,
        interThreads: 2,
        execution: 'parallel',
        optimization,
        memoryPattern: false,
        memoryArena: false,
        providers: [{ name: 'CPU' }],
        config: { 'session.intra_op.allow_spinning': '0', 'session.dynamic_block_base': '4' },
      }
      const y = f32([2])
      usingSession(increments(1, [2]), (session) => session.bind({ x0: f32([2], [1, 2]) }, { y0: y }).run(), options)
      expect([...y.data]).toEqual([2, 3])
    }
    expect(errorOf(() => ort.createSession(increments(1, [2]), { ...OPTIONS, threads: 0 })).message).toMatch(
      /threads \(0\)/,
    )
  })
})

describe('errors', () => {
  it.each([
    ['garbage', new Uint8Array(100).fill(0xab)],
    ['nothing', new Uint8Array(0)],
    ['a truncated model', increments(3, [2]).subarray(0, 120)],
    [
      'an unknown operator',
      encodeModel(
        modelOf({ inputs: [value('x', [1])], outputs: [value('y', [1])], nodes: [node('Nope', ['x'], ['y'])] }),
      ),
    ],
    ['a missing file', '/nowhere/model.onnx'],
  ])('of creation carry the message of ONNX Runtime: %s', (_what, model) => {
    const error = errorOf(() => ort.createSession(model, OPTIONS))
    expect(error.code).toBe('target-failed')
    expect(error.message.length).toBeGreaterThan('onnx runtime: '.length + 5)
  })

  it('of binding name the value', () => {
    usingSession(affine(2, 3, 2), (session) => {
      const feeds = { a: f32([2, 3]), b: f32([3, 2]), c: f32([2]) }
      const y = f32([2, 2])
      const refuse = (
        more: Record<string, OrtTensor>,
        fetches: Record<string, OrtTensor | 'allocate'> = { y },
      ): string => {
        const error = errorOf(() => session.bind({ ...feeds, ...more }, fetches))
        expect(error.code).toBe('target-failed')
        return error.message
      }
      expect(refuse({ a: f32([3, 2]) })).toBe(
        'onnx runtime: value "a" has the shape [3, 2], but the model declares [2, 3]',
      )
      expect(refuse({ a: f32([6]) })).toMatch(/"a" has the shape \[6\]/)
      expect(refuse({ a: { data: new Float32Array(5), shape: [2, 3] } })).toMatch(
        /"a" has 5 elements, but its shape \[2, 3\] needs 6/,
      )
      expect(refuse({ a: { data: new Float64Array(6), shape: [2, 3] } })).toMatch(
        /"a" is f32 and needs a Float32Array, got Float64Array/,
      )
      expect(refuse({ q: f32([1]) })).toMatch(/no input "q"/)
      expect(refuse({}, { q: f32([1]) })).toMatch(/no output "q"/)
      expect(refuse({}, { y: f32([2, 3]) })).toMatch(/"y" has the shape/)
      expect(refuse({}, {})).toMatch(/no output is fetched/)
      expect(refuse({ c: { data: new Float32Array(new ArrayBuffer(8, { maxByteLength: 64 })), shape: [2] } })).toMatch(
        /resizable/,
      )
      expect(errorOf(() => session.bind({ a: feeds.a, b: feeds.b }, { y })).message).toMatch(/input "c" is not fed/)
    })
  })

  it('of binding find outputs that share memory', () => {
    usingSession(increments(2, [4]), (session) => {
      const memory = new Float32Array(16)
      const part = (start: number): OrtTensor => ({ data: memory.subarray(start, start + 4), shape: [4] })
      const bind = ([x0, x1, y0, y1]: readonly [number, number, number, number]): void => {
        session.bind({ x0: part(x0), x1: part(x1) }, { y0: part(y0), y1: part(y1) }).release()
      }
      bind([0, 4, 8, 12])
      bind([0, 0, 8, 12])
      bind([0, 2, 8, 12])
      for (const bad of [
        [0, 4, 0, 8],
        [0, 4, 7, 12],
        [0, 4, 8, 8],
        [0, 4, 8, 11],
        [8, 9, 5, 0],
        [0, 9, 8, 4],
      ] as const) {
        expect(errorOf(() => bind(bad)).message).toMatch(/share memory/)
      }
    })
  })

  it('of running carry the message, and the binding still works', async () => {
    const model = encodeModel(
      modelOf({
        inputs: [value('x', [4]), value('i', [1], DATA_TYPE.int64)],
        outputs: [value('y', [1])],
        nodes: [node('Gather', ['x', 'i'], ['y'])],
      }),
    )
    await usingSession(model, async (session) => {
      const i = { data: BigInt64Array.of(9n), shape: [1] }
      const y = f32([1])
      const binding = session.bind({ x: f32([4], [5, 6, 7, 8]), i }, { y })
      expect(errorOf(() => binding.run()).message).toMatch(/^onnx runtime: .*out of data bounds/s)
      await expect(binding.runAsync()).rejects.toMatchObject({ code: 'target-failed' })
      i.data[0] = 2n
      binding.run()
      expect(y.data[0]).toBe(7)
    })
  })

  it('of a bound array that was transferred away stop the run', () => {
    usingSession(increments(1, [64]), (session) => {
      const x = f32([64])
      const binding = session.bind({ x0: x }, { y0: f32([64]) })
      structuredClone(x.data, { transfer: [x.data.buffer as ArrayBuffer] })
      expect(() => binding.run()).toThrow(/transferred away/)
    })
  })
})
