// Run by memory.test.ts: tokenises a corpus, takes batches from it, and prints how far its memory grew.

import { openCorpus } from '#main/runtime/data/corpus.ts'
import { prepareDataset } from '#main/runtime/data/dataset.ts'
import { loadTokenizer } from '#main/runtime/data/tokenizer.ts'

const [path, cacheFolder] = process.argv.slice(2)
const tokenizer = await loadTokenizer('bytes')
const corpus = await openCorpus(path!)
const before = process.memoryUsage().rss
let peak = before
const look = (): void => void (peak = Math.max(peak, process.memoryUsage().rss))
const dataset = await prepareDataset(corpus, tokenizer, { cacheFolder, onProgress: look })
for (let step = 0; step < 200; step++) {
  dataset.trainBatch(step, { batchSize: 16, seqLen: 512, seed: 0 })
  look()
}
const { train, validation } = dataset.cache
console.log(
  JSON.stringify({
    growthBytes: peak - before,
    tokens: train.tokens + validation.tokens,
    bytes: train.bytes! + validation.bytes!,
  }),
)
