import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // forks: native add-ons do not always survive worker threads
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // a loaded machine is slow, not wrong
    expect: { poll: { timeout: 20_000 } },
  },
})
