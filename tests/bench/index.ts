// `npm run bench`: Heddle on the CPU; `npm run bench -- cuda`: the native CUDA target.

if (process.argv[2] === 'cuda') await import('./cuda/index.ts')
else await import('./bench.ts')
