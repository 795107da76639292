import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'
import { boundaries } from './scripts/lint/boundaries.js'

export default defineConfig(
  { ignores: ['out/', 'dist/', 'coverage/', 'resources/', 'projects/', 'tests/**/fixtures/'] },
  ...tseslint.configs.recommended,
  {
    plugins: { heddle: { rules: { boundaries } } },
    rules: {
      'heddle/boundaries': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-constant-condition': ['error', { checkLoops: false }],
      'no-empty': 'error',
      'no-loss-of-precision': 'error',
      'no-self-assign': 'error',
      'no-self-compare': 'error',
      'no-unsafe-finally': 'error',
      'no-useless-escape': 'error',
      eqeqeq: 'error',
    },
  },
  {
    // pure: the types already refuse console and process; these two belong to the language itself
    files: ['src/core/**'],
    rules: {
      'no-restricted-globals': ['error', { name: 'Date', message: 'core has no clock: pass times in' }],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'core has no unseeded randomness: use src/core/rng.ts' },
      ],
    },
  },
)
