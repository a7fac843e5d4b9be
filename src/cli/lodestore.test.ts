/**
 * The command as a program, from the build: streams of the process, pipes, exit codes, an interrupt. What the commands do is in main.test.ts.
 */

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { nodeStorage, openEngine } from '../node.js'
import { value } from '../testing/exchange.js'

const project = fileURLToPath(new URL('../..', import.meta.url))
const bin = join(project, JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')).bin.lodestore)
if (!existsSync(bin)) throw new Error(`${bin} is missing: run "npm run build" first`)

const folder = mkdtempSync(join(tmpdir(), 'lodestore-bin-'))
afterAll(() => rmSync(folder, { recursive: true }))
const store = join(folder, 'store')
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const large = value(20_000_000)

function lodestore(words: string[], input: Uint8Array | string = '') {
  const options = { input, maxBuffer: 64 * 1024 * 1024 }
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...words], options)
  return { status, stdout, stderr: stderr.toString() }
}

test('is a program: its first line names the interpreter', () => {
  expect(readFileSync(bin, 'utf8').startsWith('#!/usr/bin/env node\n')).toBe(true)
})

test('stores stdin, lists it, gives it back, exports it into a pipe and takes it in again', () => {
  const put = lodestore(['put', '--create', store], large)
  expect(put).toMatchObject({ status: 0, stderr: '' })
  const key = put.stdout.toString().slice(0, 64)
  expect(key).toBe(sha256(large))
  expect(lodestore(['ls', store]).stdout.toString()).toBe(`${key} ${large.length}\n`)
  expect(sha256(lodestore(['get', store, key]).stdout)).toBe(key)
  const tar = lodestore(['export', store]).stdout
  const copy = join(folder, 'copy')
  expect(lodestore(['import', '--create', copy, '-'], tar)).toMatchObject({ status: 0 })
  expect(sha256(lodestore(['get', copy, key, '--offset', '10000000']).stdout)).toBe(sha256(large.subarray(10_000_000)))
  expect(lodestore(['check', copy])).toMatchObject({ status: 0 })
})

test('ends with 1 when it fails and 2 when it does not understand', () => {
  expect(lodestore(['get', store, 'ab'.repeat(32)])).toMatchObject({ status: 1 })
  expect(lodestore(['get', store])).toMatchObject({ status: 2 })
  expect(lodestore(['--help'])).toMatchObject({ status: 0, stderr: '' })
})

test('ends well when its reader has enough', async () => {
  const child = spawn(process.execPath, [bin, 'get', store, sha256(large)], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.once('data', () => child.stdout.destroy())
  let error = ''
  child.stderr.on('data', (text) => {
    error += text
  })
  const status = await new Promise((resolve) => child.on('close', resolve))
  expect([status, error]).toEqual([0, ''])
})

test.skipIf(process.platform === 'win32')(
  'an interrupt while it waits for stdin ends it, and the store is as before',
  async () => {
    const child = spawn(process.execPath, [bin, 'put', store], { stdio: ['pipe', 'pipe', 'pipe'] })
    let error = ''
    child.stderr.on('data', (text) => {
      error += text
    })
    // Once it takes bytes it is past its start.
    await new Promise((resolve) => child.stdin.write(value(8_000_000, 1), resolve))
    child.kill('SIGINT')
    const status = await new Promise((resolve) => child.on('close', resolve))
    expect([status, error]).toEqual([1, expect.stringContaining('ABORTED')])
    expect(lodestore(['ls', store]).stdout.toString().split('\n').length).toBe(2)
    expect(lodestore(['check', store]).status).toBe(0)
  },
)

test.skipIf(process.platform === 'win32')('an interrupt ends it while nobody reads what it writes', async () => {
  const many = join(folder, 'many')
  const engine = await openEngine(nodeStorage(many))
  // Far more lines than the buffers between two processes hold.
  await engine.putMany(Array.from({ length: 20_000 }, (_, i) => `content ${i}`))
  const whole = await engine.put(large)
  await engine.close()
  for (const words of [
    ['ls', many],
    ['get', many, whole],
    ['export', many],
  ]) {
    const child = spawn(process.execPath, [bin, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
    const closed = once(child, 'exit')
    const error = buffer(child.stderr)
    try {
      await once(child.stdout, 'readable')
      child.kill('SIGINT')
      expect([words[0], await closed]).toEqual([words[0], [1, null]])
      expect((await error).toString()).toContain('ABORTED')
    } finally {
      child.kill('SIGKILL')
    }
  }
})

test('holds a few pieces of a stream, not all of it', () => {
  // What lies in buffers after a collection, at the end of a put of 200 MB; it was all of them once.
  const script = `
    import { nodeStorage, openEngine } from ${JSON.stringify(join(project, 'dist/node.js'))}
    async function* pieces() { for (let i = 0; i < 200; i++) { yield new Uint8Array(1e6).fill(i); if (i === 199) gc() } }
    let most = 0
    const store = await openEngine(nodeStorage(${JSON.stringify(join(folder, 'memory'))}))
    await store.put(pieces(), { onProgress: () => { most = process.memoryUsage().arrayBuffers } })
    await store.close()
    console.log(most)
  `
  writeFileSync(join(folder, 'memory.mjs'), script)
  const { stdout } = spawnSync(process.execPath, ['--expose-gc', join(folder, 'memory.mjs')])
  expect(Number(stdout.toString())).toBeGreaterThan(0)
  expect(Number(stdout.toString())).toBeLessThan(60_000_000)
  expect(readdirSync(join(folder, 'memory'))).toContain('config')
})
