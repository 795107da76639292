// The loss really falls: every sequence mixer, in a small stack, learns real text in 200 steps well beyond what a bigram
// knows. It catches what no gradient check sees: a bad initialisation, a lost residual, an update with the wrong sign.

import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { blocks } from '#core/blocks/index.ts'
import { parseSpecText } from '#core/model/text.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { ortCpu } from '#main/runtime/targets/ort-cpu.ts'
import { bigramOf, corpusBatches } from '#main/runtime/train/corpus-source.ts'
import { train } from '#main/runtime/train/train.ts'
import { temporaryFolder } from './data/folder.ts'

/** Bits per byte by which a mixer must beat the bigram. */
const MARGIN = 0.15
const DATA = { kind: 'corpus', path: null, tokenizer: 'bytes' } as const

interface Setting {
  readonly params?: string
  /** Symbol of the channel mixer between; the feed-forward block when it is left out. */
  readonly channelMixer?: string
  readonly seqLen?: number
  readonly batchSize?: number
  readonly lr?: number
}

/** What differs from the defaults of a block at this small width, and from 8 sequences of 128 bytes a step. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  attention: { params: '{headDim: 32}', batchSize: 16, lr: 3e-3 },
  mamba2: { params: '{headDim: 32, dState: 32}' },
  mamba1: { params: '{expand: 1, dState: 8}' },
  deltanet: { params: '{nHeads: 2}' },
  retnet: { params: '{nHeads: 4}' },
  rwkv7: { channelMixer: 'r7f' },
  // it sees a set of tokens without their order (no decay, convolution or positions): order has to come from the growth
  // of its sums, which short sequences show best
  linear_attention: { seqLen: 16, batchSize: 128, lr: 4e-3 },
}

process.env['XDG_CACHE_HOME'] = join(temporaryFolder(), 'cache')
const bigram = (await bigramOf(DATA)).bitsPerByte!
const table: string[][] = [['mixer', 'bits/byte', 'bigram', 'seconds']]
afterAll(() => console.log(table.map((row) => row.map((cell) => cell.padEnd(18)).join('')).join('\n')))

const mixers = blocks.filter(({ category }) => category === 'sequence mixer')

it('knows a bigram that is better than chance and worse than a language model', () => {
  expect(bigram).toBeGreaterThan(2.5)
  expect(bigram).toBeLessThan(4)
  expect(Object.keys(SETTINGS).filter((kind) => !mixers.some((block) => block.kind === kind))).toEqual([])
})

it.for(mixers)('$kind beats the bigram after 200 steps', { timeout: 600_000 }, async ({ kind, symbol }) => {
  const { params = '', channelMixer = 'f', seqLen = 128, batchSize = 8, lr = 6e-3 } = SETTINGS[kind] ?? {}
  const config = parseTrainConfig({
    // a head of its own, so that the embedding need not predict itself
    spec: parseSpecText(`{dModel: 64, vocabSize: 257, tieEmbeddings: false} (${symbol}${params} ${channelMixer})x2`),
    data: DATA,
    run: { steps: 200, batchSize, seqLen, validationEvery: 200, validationTokens: 32768, seed: 1 },
    schedule: { lr, warmup: 20 },
  })
  const source = await corpusBatches(DATA, config.run)
  const { state, final, seconds, steps } = await train(config, source, ortCpu)
  source.close()
  const bits = final['bitsPerByte']!
  table.push([kind, bits.toFixed(3), bigram.toFixed(3), seconds.toFixed(1)])
  expect({ state, steps }).toEqual({ state: 'done', steps: 200 })
  expect(bits).toBeLessThan(bigram - MARGIN)
})
