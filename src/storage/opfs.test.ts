/**
 * What browsers answer and what it means: each row is one platform's way to fail, as met in real browsers or documented for those
 * that are not at hand here (WebKit). The driver itself is tested in real browsers (e2e/storage.spec.ts, e2e/quota.spec.ts).
 */
import { describe, expect, it } from 'vitest'
import { opfsStorage } from './opfs.js'

/** A file handle and a directory that holds it, with some calls replaced. */
function directoryWith(
  handle: Partial<FileSystemSyncAccessHandle>,
  calls: Partial<Record<'getFileHandle' | 'createSyncAccessHandle' | 'removeEntry', unknown>> = {},
): FileSystemDirectoryHandle {
  const directory = {
    getFileHandle: async () => ({ createSyncAccessHandle: async () => handle, ...calls }),
    ...calls,
  }
  return directory as unknown as FileSystemDirectoryHandle
}

const throwing = (error: unknown) => () => {
  throw error
}
const named = (name: string) => new DOMException('as the platform says', name)
/** Firefox throws its own result codes as bare objects, which are no Errors. */
const exception = (name: string) => ({ name, toString: () => name })

describe('a platform error at open', () => {
  it.each([
    { name: 'NotFoundError', code: 'NOT_FOUND' },
    { name: 'NoModificationAllowedError', code: 'LOCKED' }, // Chromium, Firefox
    { name: 'InvalidStateError', code: 'LOCKED' }, // WebKit
    { name: 'QuotaExceededError', code: 'QUOTA' },
    { name: 'SecurityError', code: 'UNSUPPORTED' },
    { name: 'NotSupportedError', code: 'UNSUPPORTED' }, // WebKitGTK
    { name: 'TypeMismatchError', code: 'NOT_FOUND' }, // a directory
    { name: 'UnknownError', code: 'IO' },
  ])('$name is $code, with the path and the cause', async ({ name, code }) => {
    const cause = named(name)
    const storage = opfsStorage(directoryWith({}, { createSyncAccessHandle: throwing(cause) }))
    const expected = { code, where: { file: 'config' }, cause, message: expect.stringContaining('"config"') }
    await expect(storage.open('config')).rejects.toMatchObject(expected)
  })

  it('a browser without createSyncAccessHandle is UNSUPPORTED', async () => {
    const storage = opfsStorage(directoryWith({}, { createSyncAccessHandle: undefined }))
    await expect(storage.open('config')).rejects.toMatchObject({ code: 'UNSUPPORTED', where: { file: 'config' } })
  })
})

describe('a platform error on an open file', () => {
  it.each([
    { name: 'QuotaExceededError', error: named('QuotaExceededError'), code: 'QUOTA' },
    { name: 'NS_ERROR_FILE_NO_DEVICE_SPACE', error: exception('NS_ERROR_FILE_NO_DEVICE_SPACE'), code: 'QUOTA' },
    { name: 'InvalidStateError', error: named('InvalidStateError'), code: 'IO' }, // closed
    { name: 'NotFoundError', error: named('NotFoundError'), code: 'IO' }, // removed from elsewhere
    { name: 'NoModificationAllowedError', error: named('NoModificationAllowedError'), code: 'IO' },
    { name: 'an error of no name', error: 'text', code: 'IO' },
  ])('$name is $code in every call', async ({ error, code }) => {
    const fail = throwing(error)
    const handle = { read: fail, write: fail, truncate: fail, getSize: fail, flush: fail }
    const file = await opfsStorage(directoryWith(handle)).open('0')
    const expected = expect.objectContaining({ code, where: { file: '0' }, cause: error })
    expect(() => file.read(new Uint8Array(1), 0)).toThrow(expected)
    expect(() => file.write(new Uint8Array(1), 0)).toThrow(expected)
    expect(() => file.truncate(0)).toThrow(expected)
    expect(() => file.size()).toThrow(expected)
    expect(() => file.flush()).toThrow(expected)
  })
})

describe('a count that is not what was asked for', () => {
  it.each([0, 99, 101, 4294967288])('a write of 100 bytes answered with %d is QUOTA', async (count) => {
    const file = await opfsStorage(directoryWith({ write: () => count })).open('0')
    expect(() => file.write(new Uint8Array(100), 0)).toThrow(expect.objectContaining({ code: 'QUOTA' }))
  })

  it('a write answered with its length succeeds', async () => {
    const file = await opfsStorage(directoryWith({ write: (source) => source.byteLength })).open('0')
    expect(file.write(new Uint8Array(100), 0)).toBeUndefined()
  })

  it('a read of more than the target holds is IO', async () => {
    const file = await opfsStorage(directoryWith({ read: () => 4294967288 })).open('0')
    expect(() => file.read(new Uint8Array(100), 0)).toThrow(expect.objectContaining({ code: 'IO' }))
  })

  it('a truncate that leaves another size is QUOTA', async () => {
    const file = await opfsStorage(directoryWith({ truncate: () => {}, getSize: () => 5 })).open('0')
    expect(() => file.truncate(100)).toThrow(expect.objectContaining({ code: 'QUOTA' }))
  })
})

describe('known directories', () => {
  /** A directory whose subdirectory can be removed behind the storage's back; counts how often it is looked up. */
  function tree(nameOfLoss: string) {
    const state = { lookups: 0, lost: false }
    const below = {
      getFileHandle: async () => {
        if (state.lost) throw named(nameOfLoss)
        return { createSyncAccessHandle: async () => ({}) }
      },
    }
    const root = {
      getDirectoryHandle: async () => {
        state.lookups++
        state.lost = false
        return below
      },
    }
    return { state, storage: opfsStorage(root as unknown as FileSystemDirectoryHandle) }
  }

  it('a directory is looked up once', async () => {
    const { state, storage } = tree('NotFoundError')
    await storage.open('data/0', { create: true })
    await storage.open('data/1')
    await storage.open('data/2', { create: true })
    expect(state.lookups).toBe(1)
  })

  // UnknownError is how Firefox says it.
  it.each(['NotFoundError', 'UnknownError'])('one that was removed from elsewhere (%s) is made again', async (name) => {
    const { state, storage } = tree(name)
    await storage.open('data/0', { create: true })
    state.lost = true
    await storage.open('data/0', { create: true })
    expect(state.lookups).toBe(2)
  })

  it('when the root is gone, opening is IO, and the handles of before are left to the end of the worker', async () => {
    let isGone = false
    const closed: string[] = []
    const directory = {
      getFileHandle: async (name: string) => {
        if (isGone) throw named('NotFoundError')
        return { createSyncAccessHandle: async () => ({ close: () => closed.push(name) }) }
      },
    }
    const storage = opfsStorage(directory as unknown as FileSystemDirectoryHandle)
    const [before, other] = [await storage.open('before', { create: true }), await storage.open('other')]
    before.close()
    isGone = true
    await expect(storage.open('absent')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(storage.open('new', { create: true })).rejects.toMatchObject({ code: 'IO', where: { file: 'new' } })
    other.close()
    expect(closed).toEqual(['before'])
  })

  it('without create it stays NOT_FOUND', async () => {
    const { state, storage } = tree('NotFoundError')
    await storage.open('data/0', { create: true })
    state.lost = true
    await expect(storage.open('data/0')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(state.lookups).toBe(1)
  })
})
