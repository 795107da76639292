#!/usr/bin/env node
// Runs a TypeScript file, or a command of an installed package, with a Node.js that is new enough (see launcher.mjs).
import { launch } from './launcher.mjs'

launch(process.argv.slice(2))
