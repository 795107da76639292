#!/usr/bin/env node
// The `heddle` command: src/main/cli.ts with a Node.js that is new enough (see launcher.mjs).
import { join } from 'node:path'
import { launch, root } from './launcher.mjs'

launch([join(root, 'src/main/cli.ts'), ...process.argv.slice(2)])
