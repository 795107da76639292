import type { Target } from '#main/runtime/targets/target.ts'
import type { HuggingFaceCase } from './case-index.ts'
import type { Check } from './report.ts'
export async function checkHuggingFace(golden: HuggingFaceCase, targets: readonly Target[], checks: Check[]): Promise<void> { await Promise.resolve(); void golden; void targets; void checks }
