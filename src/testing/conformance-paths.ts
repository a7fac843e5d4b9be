/**
 * Conformance cases for what is in a directory: opening, closing, listing, removing. Part of conformance.ts.
 */

import { equal } from './check.js'
import { bytes, type ConformanceCase, contents, create, createClosed, failsOn } from './conformance-case.js'

const opening: ConformanceCase[] = [
  {
    name: 'an absent file is NOT_FOUND without create',
    async run({ storage }) {
      await failsOn('absent', () => storage.open('absent'), 'NOT_FOUND')
      await failsOn('absent', () => storage.open('absent', { create: false }), 'NOT_FOUND')
      equal(await storage.list(''), [], 'the root after it')
    },
  },
  {
    name: 'a file in an absent directory is NOT_FOUND without create, and no directory is made',
    async run({ storage }) {
      await failsOn('absent/file', () => storage.open('absent/file'), 'NOT_FOUND')
      equal(await storage.list(''), [], 'the root after it')
    },
  },
  {
    name: 'create makes the file and its directories',
    async run({ storage }) {
      await createClosed(storage, 'one/two/file', 7)
      equal(await storage.list(''), ['one/'], 'root')
      equal(await storage.list('one'), ['two/'], 'one')
      equal(await storage.list('one/two'), ['file'], 'one/two')
    },
  },
  {
    name: 'create opens a file that is there and keeps its contents',
    async run({ storage }) {
      await createClosed(storage, 'file', 1, 2)
      const file = await storage.open('file', { create: true })
      equal(contents(file), bytes(1, 2), 'file')
      file.write(bytes(3), 2)
      equal(contents(file), bytes(1, 2, 3), 'file')
    },
  },
  {
    name: 'a file opened without create can be written',
    async run({ storage }) {
      await createClosed(storage, 'file', 1)
      const file = await storage.open('file')
      file.write(bytes(2), 0)
      equal(contents(file), bytes(2), 'file')
    },
  },
  {
    name: 'a file that is open already is LOCKED, with create and without',
    async run({ storage }) {
      const file = await create(storage, 'dir/file', 1)
      await failsOn('dir/file', () => storage.open('dir/file'), 'LOCKED')
      await failsOn('dir/file', () => storage.open('dir/file', { create: true }), 'LOCKED')
      equal(contents(file), bytes(1), 'file')
    },
  },
  {
    name: 'a file that another opener has open is LOCKED, README as well',
    async run({ storage, reopen }) {
      const other = await reopen()
      for (const path of ['README', 'data/0/0']) {
        const file = await create(storage, path, 1)
        await failsOn(path, () => other.open(path, { create: true }), 'LOCKED')
        file.close()
        const opened = await other.open(path)
        equal(contents(opened), bytes(1), path)
        opened.close()
      }
    },
  },
  {
    name: 'of two opens at once just one succeeds, the other is LOCKED',
    async run({ storage }) {
      await createClosed(storage, 'file', 1)
      const results = await Promise.allSettled([storage.open('file'), storage.open('file')])
      equal(results.map((result) => result.status).sort(), ['fulfilled', 'rejected'], 'results')
      const refused = results.find((result) => result.status === 'rejected')
      await failsOn('file', () => Promise.reject(refused?.reason), 'LOCKED')
    },
  },
  {
    name: 'a failed open leaves the path free',
    async run({ storage }) {
      await createClosed(storage, 'file', 1)
      await failsOn('README', () => storage.open('README'), 'NOT_FOUND')
      const file = await storage.open('README', { create: true })
      await failsOn('README', () => storage.open('README'), 'LOCKED')
      file.close()
      equal((await storage.open('README')).size(), 0, 'size')
    },
  },
  {
    name: 'a directory is no file: NOT_FOUND without create, and with it IO that says what to do',
    async run({ storage }) {
      await createClosed(storage, 'dir/file', 1)
      await failsOn('dir', () => storage.open('dir'), 'NOT_FOUND')
      await failsOn('dir', () => storage.open('dir', { create: true }), 'IO', /move it away/)
      equal(await storage.list('dir'), ['file'], 'dir')
    },
  },
  {
    name: 'a file is no directory: nothing is found below it, and IO that says what to do when it is listed or something is made in it',
    async run({ storage }) {
      await createClosed(storage, 'file', 1)
      await failsOn('file/below', () => storage.open('file/below'), 'NOT_FOUND')
      await failsOn('file/below', () => storage.open('file/below', { create: true }), 'IO', /move it away/)
      await failsOn('file', () => storage.list('file'), 'IO', /move it away/)
    },
  },
  {
    name: 'a hundred files are open at once',
    async run({ storage }) {
      const names = Array.from({ length: 100 }, (_, index) => `data/${index}`)
      const files = await Promise.all(names.map((name) => storage.open(name, { create: true })))
      for (const [index, file] of files.entries()) file.write(bytes(index & 0xff, index >> 8), 0)
      for (const [index, file] of files.entries()) equal(contents(file), bytes(index & 0xff, index >> 8), `${index}`)
      for (const file of files) file.close()
      equal((await storage.list('data')).length, 100, 'names')
    },
  },
]

const closing: ConformanceCase[] = [
  {
    name: 'close frees the path',
    async run({ storage }) {
      const file = await create(storage, 'file', 1)
      file.close()
      const again = await storage.open('file')
      equal(contents(again), bytes(1), 'file')
    },
  },
  {
    name: 'closing twice is allowed and does not free a path that was opened again',
    async run({ storage }) {
      const file = await create(storage, 'file', 1)
      file.close()
      const again = await storage.open('file')
      file.close()
      await failsOn('file', () => storage.open('file'), 'LOCKED')
      equal(contents(again), bytes(1), 'file')
    },
  },
  {
    name: 'any other call on a closed file throws IO',
    async run({ storage }) {
      const file = await create(storage, 'dir/file', 1)
      file.close()
      await failsOn('dir/file', () => file.read(new Uint8Array(1), 0), 'IO')
      await failsOn('dir/file', () => file.write(bytes(1), 0), 'IO')
      await failsOn('dir/file', () => file.truncate(0), 'IO')
      await failsOn('dir/file', () => file.size(), 'IO')
      await failsOn('dir/file', () => file.flush(), 'IO')
    },
  },
]

const naming: ConformanceCase[] = [
  {
    name: 'an absent directory has no names',
    async run({ storage }) {
      equal(await storage.list(''), [], 'root')
      equal(await storage.list('absent'), [], 'absent')
      equal(await storage.list('absent/below'), [], 'absent/below')
    },
  },
  {
    name: "list gives the names in a directory, and a directory's name ends with '/'",
    async run({ storage }) {
      await createClosed(storage, 'config', 1)
      await createClosed(storage, 'README', 1)
      await createClosed(storage, 'lost+found/index.7', 1)
      await createClosed(storage, 'data/0/12', 1)
      equal((await storage.list('')).sort(), ['README', 'config', 'data/', 'lost+found/'], 'root')
      equal(await storage.list('data'), ['0/'], 'data')
      equal(await storage.list('data/0'), ['12'], 'data/0')
    },
  },
  {
    name: 'list names files that are open, and nothing else that opening them made',
    async run({ storage, reopen }) {
      await create(storage, 'README', 1)
      equal(await storage.list(''), ['README'], 'root')
      equal(await (await reopen()).list(''), ['README'], 'root, for another opener')
    },
  },
  {
    name: "paths with '..', '.', empty or absolute parts are refused before anything is touched",
    async run({ storage }) {
      for (const path of [
        '../up',
        'dir/../../up',
        './here',
        'dir//file',
        '/absolute',
        'dir/',
        'back\\slash',
        'n\0ul',
      ]) {
        for (const call of [storage.open(path, { create: true }), storage.remove(path), storage.list(path)]) {
          const reason = await call.then(
            () => 'accepted',
            (error) => String(error),
          )
          equal(reason.includes('broken invariant'), true, `${JSON.stringify(path)} is refused (${reason})`)
        }
      }
      equal(await storage.list(''), [], 'root')
    },
  },
]

const removing: ConformanceCase[] = [
  {
    name: 'a removed file is gone',
    async run({ storage, reopen }) {
      await createClosed(storage, 'dir/file', 1)
      await createClosed(storage, 'dir/other', 2)
      await storage.remove('dir/file')
      equal(await storage.list('dir'), ['other'], 'dir')
      await failsOn('dir/file', async () => (await reopen()).open('dir/file'), 'NOT_FOUND')
    },
  },
  {
    name: 'a removed file that is created again is empty',
    async run({ storage }) {
      await createClosed(storage, 'file', 1, 2, 3)
      await storage.remove('file')
      equal((await storage.open('file', { create: true })).size(), 0, 'size')
    },
  },
  {
    name: 'removing a directory removes all that is in it',
    async run({ storage }) {
      await createClosed(storage, 'dir/one', 1)
      await createClosed(storage, 'dir/below/two', 2)
      await createClosed(storage, 'directory', 3)
      await storage.remove('dir')
      equal(await storage.list(''), ['directory'], 'root')
      equal(await storage.list('dir'), [], 'dir')
      equal(await storage.list('dir/below'), [], 'dir/below')
    },
  },
  {
    name: 'a removed directory can be made again, by this opener and by one that knew it before',
    async run({ storage, reopen }) {
      const other = await reopen()
      await createClosed(storage, 'data/0/1', 1)
      await createClosed(other, 'data/0/2', 2)
      await storage.remove('data')
      await createClosed(other, 'data/0/3', 3)
      await createClosed(storage, 'data/0/4', 4)
      equal((await storage.list('data/0')).sort(), ['3', '4'], 'data/0')
      equal((await other.list('data/0')).sort(), ['3', '4'], 'data/0, for the other')
    },
  },
  {
    name: 'removing what is absent is NOT_FOUND',
    async run({ storage }) {
      await failsOn('absent', () => storage.remove('absent'), 'NOT_FOUND')
      await failsOn('absent/file', () => storage.remove('absent/file'), 'NOT_FOUND')
    },
  },
  {
    name: 'an open file cannot be removed, by its opener or another: LOCKED',
    async run({ storage, reopen }) {
      for (const path of ['README', 'data/0']) {
        const file = await create(storage, path, 1)
        await failsOn(path, () => storage.remove(path), 'LOCKED')
        await failsOn(path, async () => (await reopen()).remove(path), 'LOCKED')
        equal(contents(file), bytes(1), path)
        file.close()
        await storage.remove(path)
      }
    },
  },
  {
    name: 'a directory with an open file in it cannot be removed: LOCKED, and the open file stays',
    async run({ storage }) {
      const file = await create(storage, 'dir/below/file', 1)
      await failsOn('dir', () => storage.remove('dir'), 'LOCKED')
      file.write(bytes(2), 1)
      file.close()
      equal(contents(await storage.open('dir/below/file')), bytes(1, 2), 'file')
    },
  },
]

const lending: ConformanceCase[] = [
  {
    name: 'a file as a Blob, where there is such a thing, gives its bytes while it is open and after it was closed',
    async run({ storage }) {
      if (storage.blob === undefined) return
      const file = await create(storage, 'data/0/1', 1, 2, 3, 4, 5)
      await file.flush()
      const blob = await storage.blob('data/0/1')
      const joined = new Blob([blob.slice(3, 5), blob.slice(0, 2)])
      const read = async () => new Uint8Array(await joined.arrayBuffer())
      equal(await read(), bytes(4, 5, 1, 2), 'while it is open')
      await file.flush()
      file.close()
      equal(await read(), bytes(4, 5, 1, 2), 'after it was closed')
      ;(await storage.open('data/0/1')).close()
      equal(await read(), bytes(4, 5, 1, 2), 'after it was open once more')
    },
  },
  {
    name: 'what is absent, or is a directory, is no Blob',
    async run({ storage }) {
      const { blob } = storage
      if (blob === undefined) return
      await failsOn('absent', () => blob.call(storage, 'absent'), 'NOT_FOUND')
      await failsOn('absent/file', () => blob.call(storage, 'absent/file'), 'NOT_FOUND')
      await createClosed(storage, 'dir/file', 1)
      await failsOn('dir', () => blob.call(storage, 'dir'), 'NOT_FOUND')
    },
  },
]

export const pathsCases: readonly ConformanceCase[] = [...opening, ...closing, ...naming, ...removing, ...lending]
