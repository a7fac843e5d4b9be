/** Puts that are made together: hashed side by side, and yet each with an answer of its own and in the order of the calls. */

import { createHash } from 'node:crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { Arena } from '../kernel/arena.js'
import { createKernel } from '../kernel/kernel.js'
import { memoryStorage } from '../storage/memory.js'
import { noise } from '../testing/bytes.js'
import { openEngine } from './engine.js'
import { Hasher } from './hash.js'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const KIB = 1024

afterEach(() => vi.restoreAllMocks())

const sets: [string, number[]][] = [
  ['none', []],
  ['an empty one', [0]],
  ['all sizes to 300 bytes', Array.from({ length: 301 }, (_, size) => size)],
  ['a thousand of 1 KiB', Array(1000).fill(KIB)],
  ['large ones between small ones', [1, 128 * KIB, 5, 300 * KIB, 127 * KIB, 2 * KIB, 0]],
]
test.each(sets)('contents that are hashed together have their own SHA-256: %s', async (_, sizes) => {
  const contents = sizes.map((size, i) => noise(size, i))
  const digests = new Hasher(await createKernel()).sha256Together(contents)
  const found = contents.map((_, i) => Buffer.from(digests.subarray(i * 32, i * 32 + 32)).toString('hex'))
  expect(digests.length).toBe(contents.length * 32)
  expect(found).toEqual(contents.map(sha256))
})

test('putMany hashes what it stores in one call of the kernel for each 128 KiB', async () => {
  const engine = await openEngine(memoryStorage())
  const values = Array.from({ length: 2000 }, (_, i) => noise(KIB, i))
  const hash = vi.spyOn(Arena.prototype, 'sha256Batch')
  expect(await engine.putMany(values)).toEqual(values.map(sha256))
  expect(hash).toHaveBeenCalledTimes(Math.ceil(2000 / 128))
})

test('calls of a transaction that are made together run in their order', async () => {
  const engine = await openEngine(memoryStorage())
  const [one, two] = [noise(100, 1), noise(100, 2)]
  await engine.transaction(async (tx) => {
    const answers = [tx.put(one), tx.delete(sha256(one)), tx.put(two), tx.put(one), tx.get(sha256(one)), tx.put(two)]
    expect(await Promise.all(answers)).toEqual([sha256(one), true, sha256(two), sha256(one), one, sha256(two)])
  })
  expect(await engine.getMany([sha256(one), sha256(two)])).toEqual([one, two])
  expect((await engine.stats()).transactions).toBe(1)
})

test('of puts made together, one that is refused does not disturb the others', async () => {
  const engine = await openEngine(memoryStorage())
  const values = Array.from({ length: 5 }, (_, i) => noise(50, i))
  const answers = await engine.transaction((tx) =>
    Promise.allSettled([
      tx.put(values[0] as Uint8Array),
      tx.put(values[1] as Uint8Array, { expected: sha256(values[2] as Uint8Array) }),
      tx.put(7 as never),
      tx.put(values[3] as Uint8Array, { signal: AbortSignal.abort() }),
      tx.put(values[4] as Uint8Array),
    ]),
  )
  const outcome = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : answer.reason.name))
  expect(outcome).toEqual([
    sha256(values[0] as Uint8Array),
    'StoreError',
    'TypeError',
    'AbortError',
    sha256(values[4] as Uint8Array),
  ])
  expect(await engine.hasMany(values.map(sha256))).toEqual([true, false, false, false, true])
})
