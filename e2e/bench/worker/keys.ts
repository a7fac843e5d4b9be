/**
 * What a store with very many keys costs: opening it after a clean close, opening it when its checkpoint is lost, and committing one more
 * blob, against a store with few. Values are 32 bytes, so that the keys are what counts; in another store they are 64 KiB, so that the bytes of the log are. One
 * store of each kind serves a whole run.
 */
import { type Engine, openEngine, opfsStorage } from 'lodestore/engine'
import { fillRandom, randomNumbers } from '../shared/data.js'
import { emptyDirectory, removeDirectory } from '../shared/directory.js'
import type { KeysCall } from '../shared/keeper.js'

const VALUE_BYTES = 32
const TOGETHER = 10_000
const LARGE_VALUE_BYTES = 64 * 1024
const LARGE_TOGETHER = 128
const READ_BYTES = 1024 * 1024

interface KeysStore {
  directory: FileSystemDirectoryHandle
  engine: Engine | undefined
  next: () => number
}

export class KeysBench {
  #few: KeysStore | undefined
  #many: KeysStore | undefined
  #values: KeysStore | undefined

  /** Milliseconds, or bytes for `build…`: those of the log of the large store. `count` is keys for `build…`, commits for `commit…`. */
  async run(call: KeysCall, count: number): Promise<number> {
    switch (call) {
      case 'build': {
        this.#few = await build('few', Math.min(1000, count), VALUE_BYTES, TOGETHER)
        this.#many = await build('many', count, VALUE_BYTES, TOGETHER)
        return logBytes(this.#many)
      }
      case 'buildValues': {
        this.#values = await build('values', count, LARGE_VALUE_BYTES, LARGE_TOGETHER)
        return logBytes(this.#values)
      }
      case 'commitFew':
        return commit(present(this.#few), count)
      case 'commitMany':
        return commit(present(this.#many), count)
      case 'open':
        return open(present(this.#many))
      case 'replay':
        return replay(present(this.#many))
      case 'replayValues':
        return replay(present(this.#values))
      case 'rawRead':
        return rawRead(present(this.#many))
      case 'rawReadValues':
        return rawRead(present(this.#values))
      case 'remove': {
        for (const store of [this.#few, this.#many, this.#values]) if (store !== undefined) await close(store)
        for (const name of ['few', 'many', 'values']) await removeDirectory(name)
        return 0
      }
    }
  }
}

function present(store: KeysStore | undefined): KeysStore {
  if (store === undefined) throw new Error('the store was not built')
  return store
}

async function build(name: string, count: number, size: number, together: number): Promise<KeysStore> {
  const directory = await emptyDirectory(name)
  const store: KeysStore = { directory, engine: undefined, next: randomNumbers(count) }
  const engine = await engineOf(store)
  for (let done = 0; done < count; done += together) {
    await engine.putMany(values(store, Math.min(together, count - done), size), { durability: 'relaxed' })
  }
  await close(store)
  return store
}

function values({ next }: KeysStore, count: number, size: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const value = new Uint8Array(size)
    fillRandom(value, next)
    return value
  })
}

async function engineOf(store: KeysStore): Promise<Engine> {
  store.engine ??= await openEngine(opfsStorage(store.directory))
  return store.engine
}

async function close(store: KeysStore): Promise<void> {
  await store.engine?.close()
  store.engine = undefined
}

async function commit(store: KeysStore, count: number): Promise<number> {
  const engine = await engineOf(store)
  // What an opening does once, after its first commit, is not a commit's: it opens a file.
  for (const blob of values(store, 2, VALUE_BYTES)) await engine.put(blob)
  const blobs = values(store, count, VALUE_BYTES)
  const begin = performance.now()
  for (const blob of blobs) await engine.put(blob)
  return performance.now() - begin
}

async function open(store: KeysStore): Promise<number> {
  await close(store)
  const begin = performance.now()
  await engineOf(store)
  return performance.now() - begin
}

async function replay(store: KeysStore): Promise<number> {
  await close(store)
  for await (const name of store.directory.keys()) {
    if (name.startsWith('index.')) await store.directory.removeEntry(name)
  }
  return open(store)
}

async function rawRead(store: KeysStore): Promise<number> {
  await close(store)
  const target = new Uint8Array(READ_BYTES)
  const begin = performance.now()
  for await (const handle of segments(store)) {
    const file = await handle.createSyncAccessHandle()
    for (let at = 0, size = file.getSize(); at < size; ) at += file.read(target, { at })
    file.close()
  }
  return performance.now() - begin
}

async function logBytes(store: KeysStore): Promise<number> {
  let bytes = 0
  for await (const handle of segments(store)) bytes += (await handle.getFile()).size
  return bytes
}

async function* segments({ directory }: KeysStore): AsyncGenerator<FileSystemFileHandle> {
  const data = await directory.getDirectoryHandle('data')
  for await (const folder of data.values()) {
    if (folder.kind === 'directory') {
      for await (const file of folder.values()) if (file.kind === 'file') yield file
    }
  }
}
