// `npm run package`: installers of the desktop program for this platform, in dist/. Arguments go to electron-builder.

import { run } from './commands.ts'

const steps = [
  ['scripts/build.ts'],
  ['--bin', 'electron-builder', '--config', 'electron-builder.yml', ...process.argv.slice(2)],
]
for (const step of steps) {
  if ((await run(step, 'inherit')).ok) continue
  process.exitCode = 1
  break
}
