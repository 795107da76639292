// Corpora and tokenizers that a screen, or a project from elsewhere, may name: those in the folder of the library. What a
// screen could otherwise name is every file of this machine.

import type { TrainConfig } from '#core/optim/train-config.ts'
import { BUILT_IN_TOKENIZERS } from '#main/runtime/data/tokenizer.ts'
import type { Library } from './library.ts'

type Data = TrainConfig['data']

/** A tokenizer by its name, or by a path in the library. */
export const ownTokenizer = (library: Library, name: string): string =>
  (BUILT_IN_TOKENIZERS as readonly string[]).includes(name) ? name : library.file(name)

/**
 * The data with the real paths of its files.
 * @throws HeddleError `usage` for a file outside the library, `file-missing`
 */
export const ownData = (library: Library, data: Data): Data =>
  data.kind !== 'corpus'
    ? data
    : {
        ...data,
        path: data.path === null ? null : library.file(data.path),
        tokenizer: ownTokenizer(library, data.tokenizer),
      }
