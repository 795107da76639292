// Optimisers, in display order.

import { adamw } from './adamw.ts'
import type { Optimiser } from './optimiser.ts'

export const optimisers: readonly Optimiser[] = [adamw]
export type { Optimiser } from './optimiser.ts'
