// A runner whose parent has died must end, even while its own thread is stuck in a native call and hears no disconnect.
// So a second thread looks after the parent. Its few lines are text because a worker file would need a bundle of its own.

import { Worker } from 'node:worker_threads'

const POLL_MS = 500

const WATCH = `
const parent = require('node:worker_threads').workerData
const isGone = () => {
  if (process.platform !== 'win32') return process.ppid !== parent
  try { return !process.kill(parent, 0) } catch (error) { return error.code === 'ESRCH' }
}
setInterval(() => { if (isGone()) process.kill(process.pid, 'SIGKILL') }, ${POLL_MS})
`

/** Kills this process, whatever it does, within about half a second after its parent has ended. */
export function endWithParent(): void {
  new Worker(WATCH, { eval: true, workerData: process.ppid, env: {}, execArgv: [] }).unref()
}
