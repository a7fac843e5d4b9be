/** The segments' files: which there are, and how many are open. */

import { describe, expect, it } from 'vitest'
import { StoreError } from '../errors.js'
import { memoryStorage } from '../storage/memory.js'
import { fails } from '../testing/check.js'
import { ObservedStorage } from '../testing/observed-storage.js'
import { findSegments, SegmentFiles } from './segments.js'

async function made(count: number, handlesMax: number): Promise<{ storage: ObservedStorage; files: SegmentFiles }> {
  const storage = new ObservedStorage(memoryStorage())
  for (let segment = 0; segment < count; segment++) {
    await storage.replace(`data/${Math.floor(segment / 4)}/${segment}`, Uint8Array.of(segment))
  }
  const files = new SegmentFiles(storage, 4, handlesMax)
  files.discover((await findSegments(storage)).found)
  return { storage, files }
}

const firstByte = async (files: SegmentFiles, segment: number): Promise<number | undefined> =>
  await files.with(segment, (file) => {
    const byte = new Uint8Array(1)
    file.read(byte, 0)
    return byte[0]
  })

describe('handles', () => {
  it('are kept up to the limit, the least recently used closed first', async () => {
    const { storage, files } = await made(6, 3)
    for (const segment of [0, 1, 2, 0, 3]) expect(await firstByte(files, segment)).toBe(segment)
    expect(storage.openPaths).toEqual(['data/0/0', 'data/0/2', 'data/0/3'])
    storage.calls.length = 0
    await firstByte(files, 2)
    expect(storage.count('open')).toBe(0)
    await firstByte(files, 1)
    expect(storage.openPaths).toEqual(['data/0/1', 'data/0/2', 'data/0/3'])
  })

  it('never include more than the limit, however many are asked for at once', async () => {
    const { storage, files } = await made(20, 3)
    const bytes = await Promise.all(Array.from({ length: 20 }, (_, segment) => firstByte(files, segment)))
    expect(bytes).toEqual(Array.from({ length: 20 }, (_, segment) => segment))
    expect(storage.openPaths.length).toBe(3)
  })

  it('are opened once for all who ask at the same time', async () => {
    const { storage, files } = await made(1, 3)
    storage.calls.length = 0
    await Promise.all([firstByte(files, 0), firstByte(files, 0), files.open(0)])
    expect(storage.count('open')).toBe(1)
  })

  it('of the pinned segment stay open, until another one is pinned', async () => {
    const { storage, files } = await made(6, 2)
    await files.open(0)
    files.pin(0)
    for (const segment of [1, 2, 3]) await files.open(segment)
    expect(storage.openPaths).toEqual(['data/0/0', 'data/0/3'])
    files.pin(3)
    for (const segment of [4, 5]) await files.open(segment)
    expect(storage.openPaths).toEqual(['data/0/3', 'data/1/5'])
  })

  it('are all closed by close, those that are being opened too', async () => {
    const { storage, files } = await made(6, 4)
    await files.open(0)
    const opening = files.open(1)
    await files.close()
    await opening
    expect(storage.openPaths).toEqual([])
    // A read that comes too late must not open one again: it would stay open, and keep the next opening out.
    await fails(() => files.open(2), 'CLOSED', 'open')
    expect(storage.openPaths).toEqual([])
  })
})

describe('segments', () => {
  it('are found in their own directories only, in the order of their numbers', async () => {
    const { storage } = await made(6, 4)
    for (const foreign of ['data/0/5', 'data/1/0', 'data/2/7', 'data/9', 'data/0/x', 'data/x/1']) {
      await storage.replace(foreign, new Uint8Array(1))
    }
    await storage.replace('data/2/10', new Uint8Array(1))
    const files = new SegmentFiles(storage, 4)
    files.discover((await findSegments(storage)).found)
    expect(files.list()).toEqual([0, 1, 2, 3, 4, 5, 10])
    expect([files.has(10), files.has(7), files.path(10)]).toEqual([true, false, 'data/2/10'])
  })

  it('that are not there are NOT_FOUND, and named', async () => {
    const { files } = await made(1, 4)
    const error = await fails(() => files.open(9), 'NOT_FOUND', 'open')
    expect(error.where).toEqual({ segment: 9, file: 'data/2/9' })
  })

  it('that vanished behind our back are NOT_FOUND, and not listed any more; those that cannot be opened still are', async () => {
    const { storage, files } = await made(3, 4)
    await storage.remove('data/0/1')
    storage.before = ({ kind, path }) => {
      if (kind === 'open' && path === 'data/0/2') throw new StoreError('IO', 'the disk is slow to wake')
    }
    await fails(() => files.open(1), 'NOT_FOUND', 'open')
    await fails(() => files.open(2), 'IO', 'open')
    expect(files.list()).toEqual([0, 2])
  })

  it('are empty when they are created, whatever lay there', async () => {
    const { storage, files } = await made(2, 4)
    const file = await files.create(1)
    expect(file.size()).toBe(0)
    await files.create(2)
    expect(files.list()).toEqual([0, 1, 2])
    expect(storage.openPaths).toEqual(['data/0/1', 'data/0/2'])
  })

  it('are emptied, and the emptying flushed, before they are discarded', async () => {
    const { storage, files } = await made(2, 4)
    storage.calls.length = 0
    await files.discard(1)
    const calls = storage.calls.map(({ kind }) => kind).filter((kind) => kind !== 'open')
    expect(calls).toEqual(['truncate', 'flush', 'close', 'remove'])
    expect([files.list(), await storage.paths()]).toEqual([[0], ['data/0/0']])
    await files.discard(1)
  })

  it('are removed even when an opening of theirs is under way and fails', async () => {
    const { storage, files } = await made(2, 4)
    storage.before = ({ kind }) => {
      if (kind === 'open') throw new StoreError('IO', 'the file cannot be opened')
    }
    const opening = fails(() => files.open(1), 'IO', 'open')
    await files.remove(1)
    await opening
    expect([files.list(), await storage.paths()]).toEqual([[0], ['data/0/0']])
  })

  it('may be gone already when they are removed', async () => {
    const { storage, files } = await made(2, 4)
    await storage.remove('data/0/1')
    await files.remove(1)
    expect(files.list()).toEqual([0])
    storage.before = ({ kind }) => {
      if (kind === 'remove') throw new Error('the disk is gone')
    }
    await expect(files.remove(0)).rejects.toThrow('the disk is gone')
    expect(files.list()).toEqual([0])
  })
})
