#!/usr/bin/env node
/** The command `lodestore`: the process around main.ts. An interrupt ends the command cleanly; a second one ends the process. */

import { main } from './main.js'

const controller = new AbortController()
const interrupt = () => controller.abort(new Error('interrupted'))
process.once('SIGINT', interrupt)
// A reader that goes away is met where it is written to.
process.stdout.on('error', () => undefined)

const { stdin, stdout, stderr } = process
void main(process.argv.slice(2), { stdin, stdout, stderr, signal: controller.signal }).then((code) => {
  process.exitCode = code
  // A pipe nobody closes must not keep the process, nor one that nobody reads when it was interrupted.
  stdin.destroy()
  process.off('SIGINT', interrupt)
  if (controller.signal.aborted && code !== 0) process.exit()
})
