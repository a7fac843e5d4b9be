/**
 * Engine cases: names of contents, and collecting what has none. Part of engine-cases.ts.
 */

import { StoreError } from '../errors.js'
import { CHUNK_SIZES, wholeBytesMax } from '../format/chunks.js'
import type { Engine } from '../store/engine.js'
import type { Transaction } from '../types.js'
import { equal, fails, placeOf } from './check.js'
import { type EngineCase, key, keysOf, text, value } from './engine-case.js'

const LARGE = wholeBytesMax(CHUNK_SIZES) + 3_000_000

async function namesOf(store: Engine, prefix = ''): Promise<string[]> {
  const found: string[] = []
  for await (const { name } of store.refs.list({ prefix })) found.push(name)
  return found
}

const naming: EngineCase[] = [
  {
    name: 'a name points to a content with what the app noted, also after reopening and a replay',
    async run({ open, reopen, reopenFromLog }) {
      const store = await open()
      const [one = '', two = ''] = await store.putMany(['one', 'two'])
      await store.refs.set('photos/ä.jpg', one, { type: 'image/jpeg', size: [1, 2] })
      await store.refs.set('photos/b', two)
      await store.refs.set('notes', two, null)
      const expected = { name: 'photos/ä.jpg', key: one, meta: { type: 'image/jpeg', size: [1, 2] } }
      for (const opened of [async () => store, reopen, reopenFromLog]) {
        const again = await opened()
        equal(await again.refs.get('photos/ä.jpg'), expected, 'the ref')
        equal((await again.refs.get('notes'))?.meta, null, 'a meta of null')
        equal(await again.refs.get('other'), undefined, 'a name that is not there')
        equal(await namesOf(again), ['notes', 'photos/b', 'photos/ä.jpg'], 'all names')
        equal(await namesOf(again, 'photos/'), ['photos/b', 'photos/ä.jpg'], 'names with a prefix')
        equal([(await again.stats()).count, (await keysOf(again)).length], [2, 2], 'names are no blobs')
      }
    },
  },
  {
    name: 'a damaged name hides no other: the list gives those that can be read, then it is CORRUPT',
    async run({ open, close, flip, storage }) {
      const first = await open()
      const content = await first.put('content')
      for (const name of ['before', 'damaged', 'beyond']) await first.refs.set(name, content)
      await close()
      await flip('data/0/0', placeOf('damaged', await storage.contents('data/0/0')))
      const store = await open()
      const found: string[] = []
      const list = async () => {
        for await (const { name } of store.refs.list()) found.push(name)
      }
      await fails(list, 'CORRUPT', 'the list')
      await fails(() => store.gc({ grace: 0 }), 'CORRUPT', 'gc')
      equal(found, ['before', 'beyond'], 'names')
      equal((await store.refs.get('beyond'))?.key, content, 'one that can be read')
      await store.refs.set('damaged', content)
      equal((await store.gc({ grace: 0 })).count, 0, 'what gc deletes then')
      await store.check({ repair: true })
      equal(await namesOf(store), ['before', 'beyond', 'damaged'], 'names, when it is set anew')
    },
  },
  {
    name: 'names on a disk that refuses to be read are IO, and there when it can be read again',
    async run({ open, reopen, storage }) {
      // Its segment is not open yet when the list begins.
      const first = await open({ maxSegmentSize: 1024 })
      await first.refs.set('name', await first.put('content'))
      for (let number = 0; number < 4; number++) await first.set(key(number), value(900, number))
      const store = await reopen()
      storage.before = ({ kind }) => {
        if (kind === 'open') throw new StoreError('IO', 'the disk is gone')
      }
      await fails(() => namesOf(store), 'IO', 'the list')
      storage.before = () => undefined
      equal(await namesOf(store), ['name'], 'names')
    },
  },
  {
    name: 'a damaged name can be deleted, and no longer holds its content then',
    async run({ open, close, flip, storage }) {
      const first = await open()
      const content = await first.put('content')
      await first.refs.set('damaged', content)
      await close()
      await flip('data/0/0', placeOf('damaged', await storage.contents('data/0/0')))
      const store = await open()
      equal([await store.refs.delete('damaged'), await store.refs.delete('damaged')], [true, false], 'deleting it')
      equal(await namesOf(store), [], 'names')
      equal(await store.delete(content), true, 'deleting the content')
      await store.check({ repair: true })
      equal(await keysOf(store), [], 'contents')
    },
  },
  {
    name: 'a name can be moved to another content, and be deleted without the content',
    async run({ open }) {
      const store = await open()
      const [one = '', two = ''] = await store.putMany(['one', 'two'])
      await store.refs.set('name', one)
      await store.refs.set('name', two)
      equal((await store.refs.get('name'))?.key, two, 'key')
      equal(await store.delete(one), true, 'the content without a name any more')
      equal([await store.refs.delete('name'), await store.refs.delete('name')], [true, false], 'deleting the name')
      equal(text(await store.get(two)), 'two', 'the content')
    },
  },
  {
    name: 'a content with a name is IN_USE for delete, and a name for what is not there is NOT_FOUND; neither dooms a transaction',
    async run({ open, reopen }) {
      let store = await open()
      for (const data of ['small', value(LARGE)]) {
        const name = await store.put(data)
        await store.refs.set('name', name)
        store = await reopen()
        await fails(() => store.delete(name), 'IN_USE', 'delete')
        await fails(() => store.refs.set('other', key(9)), 'NOT_FOUND', 'set')
        await store.transaction(async (tx) => {
          await fails(() => tx.delete(name), 'IN_USE', 'delete inside')
          await fails(() => tx.refs.set('other', key(9)), 'NOT_FOUND', 'set inside')
          await tx.refs.delete('name')
          equal(await tx.delete(name), true, 'delete of the unnamed')
        })
        equal([await keysOf(store), await namesOf(store)], [[], []], 'what is left')
      }
    },
  },
  {
    name: 'names and contents change together, or not at all',
    async run({ open }) {
      const store = await open()
      await store.transaction(async (tx) => {
        await tx.refs.set('both', await tx.put('content'), 1)
        equal((await tx.refs.get('both'))?.meta, 1, 'inside')
        equal(await store.refs.get('both'), undefined, 'outside')
      })
      const tx = await store.begin()
      await tx.refs.delete('both')
      await tx.refs.set('other', await tx.put('other content'))
      await tx.rollback()
      equal([await namesOf(store), (await store.stats()).count], [['both'], 1], 'after a rollback')
      const { key: held = '' } = (await store.refs.get('both')) ?? {}
      await fails(() => store.delete(held), 'IN_USE', 'the content is still named')
    },
  },
  {
    name: 'a name that is none is BAD_NAME, a meta that is too large TOO_LARGE, and one that is no JSON a TypeError',
    async run({ open, storage }) {
      const store = await open()
      const name = await store.put('content')
      storage.calls.length = 0
      for (const bad of ['', 'x'.repeat(1025), 'ü'.repeat(513), '\ud800', 'a\udc00b', 5, undefined]) {
        for (const call of [
          () => store.refs.set(bad as string, name),
          () => store.refs.get(bad as string),
          () => store.refs.delete(bad as string),
        ]) {
          await fails(call, 'BAD_NAME', `${bad}`.slice(0, 20))
        }
      }
      await fails(() => store.refs.set('name', name, 'x'.repeat(65_535)), 'TOO_LARGE', 'meta')
      // JSON would make {} of most of these, and say nothing.
      const lost = [new Blob(['x']), new Map([[1, 2]]), new Set([1]), new ArrayBuffer(3), Promise.resolve(1), /x/]
      const deep = [{ thumb: new Uint8Array(3) }, [[new Float32Array(1)]], { a: { b: lost[0] } }]
      for (const meta of [() => 1, Symbol('x'), 1n, ...lost, ...deep]) {
        const error = await store.refs.set('name', name, meta).catch((error) => error)
        equal(error instanceof TypeError, true, `${error}`)
      }
      equal(storage.count('write'), 0, 'writes')
      class Caption {
        readonly text = 'sea'
      }
      const date = new Date(0)
      await store.refs.set('name', name, [
        new Caption(),
        date,
        new URL('a:b'),
        Object.create(null),
        { gone: undefined },
      ])
      const said = [{ text: 'sea' }, date.toJSON(), 'a:b', {}, {}]
      equal((await store.refs.get('name'))?.meta, said, 'what JSON can say')
      await store.refs.delete('name')
      await store.refs.set('😀'.repeat(256), name, 'x'.repeat(65_534))
      equal((await namesOf(store)).length, 1, 'the longest name')
    },
  },
]

const collecting: EngineCase[] = [
  {
    name: 'gc waits for the transaction that is open, and goes by the names that are committed then',
    async run({ open }) {
      const store = await open()
      const [named = '', other = '', third = ''] = await store.putMany(['named', 'other', 'third'])
      await store.refs.set('name', named)
      const lookAfter = async (end: (tx: Transaction) => Promise<void>) => {
        const tx = await store.begin()
        await tx.refs.set('other', other)
        await tx.refs.delete('name')
        const looking = store.gc({ dryRun: true, keep: [], grace: 0 })
        await tx.refs.set('third', third)
        await end(tx)
        return (await looking).count
      }
      equal(await lookAfter((tx) => tx.rollback()), 2, 'after a rollback')
      equal(await lookAfter((tx) => tx.commit()), 1, 'after a commit')
      equal((await store.gc({ grace: 0 })).count, 1, 'collected')
      equal((await keysOf(store)).sort(), [other, third].sort(), 'keys')
    },
  },
  {
    name: 'gc does not know the names of a transaction whose commit failed',
    async run({ open, storage }) {
      const store = await open()
      const [named = '', other = ''] = await store.putMany(['named', 'other'])
      await store.refs.set('name', named)
      const tx = await store.begin()
      await tx.refs.set('other', other)
      await tx.refs.delete('name')
      storage.before = ({ kind }) => {
        if (kind === 'flush') throw new StoreError('IO', 'the disk is tired')
      }
      await fails(() => tx.commit(), 'IO', 'commit')
      storage.before = () => undefined
      equal((await store.gc({ dryRun: true, grace: 0 })).count, 1, 'what would be collected')
      equal((await store.gc({ grace: 0 })).count, 1, 'collected')
      equal(await keysOf(store), [named], 'keys')
    },
  },
  {
    name: 'gc deletes what has no name, says how much that is, and what it would be beforehand',
    async run({ open, reopen }) {
      let store = await open()
      const first = value(LARGE)
      const second = first.slice()
      second.set(value(10, 1), 5)
      const names = await store.putMany([first, second, 'small', 'kept', 'named'])
      const [one = '', two = '', small = '', kept = '', named = ''] = names
      await store.refs.set('two', two)
      await store.refs.set('named', named)
      const before = (await store.stats()).bytes
      const dry = await store.gc({ dryRun: true, keep: [kept], grace: 0 })
      equal((await keysOf(store)).sort(), [...names].sort(), 'keys after a dry run')
      store = await reopen()
      const report = await store.gc({ keep: [kept] })
      equal(report, dry, 'the report')
      equal([report.count, before - (await store.stats()).bytes], [2, report.bytes], 'counts')
      equal((await keysOf(store)).sort(), [two, kept, named].sort(), 'keys')
      equal([await store.has(one), await store.has(small)], [false, false], 'what is gone')
      equal((await store.get(two))?.length, LARGE, 'the content that shares chunks')
      equal(await store.gc({ keep: [kept] }), { count: 0, bytes: 0 }, 'a second one')
    },
  },
  {
    name: 'gc leaves what was put a short while ago, or put again',
    async run({ open }) {
      let time = 1_000_000
      const store = await open({ now: () => time })
      await store.refs.set('name', await store.put('named'))
      const old = await store.put('old')
      time += 60_000
      const again = await store.put('again')
      time += 60_000
      const fresh = await store.put('fresh')
      await store.put('again')
      equal(await store.gc({ grace: 30_000 }), { count: 1, bytes: 3 }, 'the first')
      equal([await store.has(old), await store.has(again), await store.has(fresh)], [false, true, true], 'who is left')
      time += 60_000
      equal((await store.gc({ grace: 30_000 })).count, 2, 'the second')
    },
  },
  {
    name: 'gc without any name, and without a list of what stays, is refused',
    async run({ open }) {
      const store = await open()
      await store.put('content')
      const error = await store.gc({ grace: 0 }).catch((error) => error)
      equal(error instanceof TypeError, true, `${error}`)
      equal((await store.gc({ grace: 0, keep: [] })).count, 1, 'with an empty list')
    },
  },
  {
    name: 'what is put and named while gc runs stays',
    async run({ open }) {
      const store = await open()
      const names = await store.putMany(Array.from({ length: 5000 }, (_, i) => `content ${i}`))
      await store.refs.set('first', names[0] ?? '')
      const running = store.gc({ grace: 0 })
      const late = await store
        .transaction(async (tx) => {
          const name = await tx.put('late')
          await tx.refs.set('late', name)
          await tx.refs.set('last', names[4999] ?? '')
          return name
        })
        .catch((error) => error.code)
      const { count } = await running
      equal(text(await store.get(late)) ?? late, 'late', 'the late one')
      equal((await store.stats()).count, 5001 - count, 'what is left')
      for await (const { key } of store.refs.list()) equal(await store.has(key), true, 'a name points to what is there')
    },
  },
  {
    name: 'a signal ends gc between two transactions, and progress tells of contents',
    async run({ open }) {
      const store = await open()
      await store.putMany(Array.from({ length: 5000 }, (_, i) => `content ${i}`))
      const controller = new AbortController()
      const told: number[] = []
      const collecting = store.gc({
        keep: [],
        grace: 0,
        signal: controller.signal,
        onProgress: ({ done, total }) => {
          told.push(done, total)
          controller.abort()
        },
      })
      await fails(() => collecting, 'ABORTED', 'gc')
      equal([told, (await store.stats()).count], [[2000, 5000], 3000], 'progress, and what is left')
    },
  },
]

export const nameCases: readonly EngineCase[] = [...naming, ...collecting]
