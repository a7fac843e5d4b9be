/** The frozen stores that a page has: each is released once, whoever ends it, and bytes leave without a copy. */

import { expect, test, vi } from 'vitest'
import { opened } from '../testing/wire.js'
import type { Frozen } from '../types.js'

/** A store that counts what is done to the frozen ones that it makes. */
async function served() {
  const released = vi.fn()
  const bytes = new Uint8Array(1024 * 1024).fill(7)
  const freeze = async () => {
    const file = { path: 'data/0/0', size: bytes.length, read: async () => bytes }
    const made: Partial<Frozen> = { keysAreHashes: true, files: [file], release: released }
    return made as Frozen
  }
  const { wire, closed } = await opened({ freeze })
  wire.send({ type: 'freeze', id: 2, frozen: 10 }, { type: 'freeze', id: 3, frozen: 11 })
  const files = [{ path: 'data/0/0', size: bytes.length }]
  expect(await wire.answer(2)).toMatchObject({ value: { keysAreHashes: true, files } })
  await wire.answer(3)
  return { wire, closed, released, bytes }
}

test('a piece of a file is transferred', async () => {
  const { wire, bytes } = await served()
  wire.posted.length = 0
  wire.send({ type: 'frozenRead', id: 4, frozen: 10, file: 0, at: 0, length: bytes.length })
  expect(await wire.answer(4)).toMatchObject({ type: 'result', value: 0 })
  expect(wire.posted[0]?.buffers.map(({ byteLength }) => byteLength)).toEqual([1024 * 1024])
  expect(bytes.length).toBe(0)
})

test('one that is released twice is released once, and gives nothing any more', async () => {
  const { wire, released } = await served()
  wire.send({ type: 'frozenEnd', id: 4, frozen: 10 }, { type: 'frozenEnd', id: 5, frozen: 10 })
  expect(await wire.answer(5)).toMatchObject({ type: 'result' })
  expect(released).toHaveBeenCalledTimes(1)
  wire.send({ type: 'frozenRead', id: 6, frozen: 10, file: 0, at: 0, length: 1 })
  wire.send({ type: 'frozenRead', id: 7, frozen: 11, file: 0, at: 0, length: 1 })
  expect(await wire.answer(6)).toMatchObject({ error: { code: 'CLOSED' } })
  expect(await wire.answer(7)).toMatchObject({ type: 'result' })
})

// The host keeps nothing of those that ended, so it cannot tell one from another.
test.each([
  { type: 'frozenRead', file: 0, at: 0, length: 1 },
  { type: 'frozenEntries' },
  { type: 'frozenValue', index: 0 },
])('$type of one that was never made is CLOSED, as of one that was released', async (call) => {
  const { wire } = await served()
  wire.send({ ...call, id: 4, frozen: 12 })
  const error = { code: 'CLOSED', message: expect.stringContaining('freeze the store again') }
  expect(await wire.answer(4)).toMatchObject({ type: 'error', error })
})

test('a file that is not in it is BAD_MESSAGE', async () => {
  const { wire } = await served()
  wire.send({ type: 'frozenRead', id: 4, frozen: 10, file: 1, at: 0, length: 1 })
  const error = { code: 'BAD_MESSAGE', message: expect.stringContaining('no file 1') }
  expect(await wire.answer(4)).toMatchObject({ error })
})

test('a number that is used again releases what had it', async () => {
  const { wire, released } = await served()
  wire.send({ type: 'freeze', id: 4, frozen: 10 })
  await wire.answer(4)
  expect(released).toHaveBeenCalledTimes(1)
})

test('a close releases all of them', async () => {
  const { wire, closed, released } = await served()
  wire.send({ type: 'close', id: 4 })
  await closed
  expect(released).toHaveBeenCalledTimes(2)
})
