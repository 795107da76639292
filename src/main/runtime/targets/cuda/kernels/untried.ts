/**
 * Whether kernels are used that are right on the CPU (tests/runtime/cuda) but that nobody has seen right on a device yet:
 * HEDDLE_CUDA_UNTRIED is 1. tests/bench/cuda/check.ts and `npm run bench -- cuda --only forms` on a device show it.
 */
export const takesUntried = (): boolean => process.env['HEDDLE_CUDA_UNTRIED'] === '1'
