/** Engine cases: an ingest, whose chunks survive a reload, and what is left of one that ends otherwise. Part of engine-cases.ts. */

import { equal, fails } from './check.js'
import { type EngineCase, keysOf, value } from './engine-case.js'
import { inPieces, LARGE, same, sha256 } from './large-content.js'

export const ingestCases: readonly EngineCase[] = [
  {
    name: 'an ingest goes on where an earlier session left it, and is invisible until it is complete',
    async run({ open, reopen, reopenFromLog }) {
      const bytes = value(4 * LARGE, 9)
      const name = await sha256(bytes)
      const first = await (await open()).ingest(name, { size: bytes.length })
      equal(first.offset, 0, 'offset at the beginning')
      for await (const piece of inPieces(bytes.slice(0, 2 * LARGE), 300_000)) await first.write(piece)
      let store = await reopen()
      equal([await keysOf(store), await store.get(name)], [[], undefined], 'what is seen of it')
      const second = await store.ingest(name, { size: bytes.length })
      equal([second.offset > LARGE, second.offset <= 2 * LARGE], [true, true], `offset ${second.offset}`)
      await second.write(bytes.subarray(second.offset, 3 * LARGE))
      await second[Symbol.asyncDispose]()
      store = await reopenFromLog()
      const third = await store.ingest(name, { size: bytes.length })
      await third.write(bytes.subarray(third.offset))
      equal(await third.finish(), name, 'key')
      await same(await store.get(name), bytes, 'content')
      equal((await store.stats()).count, 1, 'blobs')
      const again = await store.ingest(name, { size: bytes.length })
      equal([again.offset, await again.finish()], [bytes.length, name], 'an ingest of what is there')
    },
  },
  {
    name: 'an ingest of other bytes is MISMATCH and leaves nothing; of too few, it waits for the rest',
    async run({ open }) {
      const store = await open()
      const bytes = value(2 * LARGE, 10)
      const name = await sha256(bytes)
      const ingest = await store.ingest(name, { size: bytes.length })
      await fails(() => store.ingest(name, { size: bytes.length }), 'LOCKED', 'a second one')
      await ingest.write(bytes.subarray(0, LARGE))
      await fails(() => ingest.finish(), 'MISMATCH', 'finish before the end')
      await fails(() => ingest.write(value(2 * LARGE)), 'MISMATCH', 'too many bytes')
      await ingest.write(value(LARGE))
      await fails(() => ingest.finish(), 'MISMATCH', 'finish')
      await fails(() => ingest.write(value(1)), 'TX_CLOSED', 'write after the end')
      equal((await store.stats()).bytes, 0, 'bytes left')
    },
  },
  {
    name: 'a discarded ingest leaves nothing',
    async run({ open }) {
      const store = await open()
      const bytes = value(2 * LARGE, 11)
      const ingest = await store.ingest(await sha256(bytes), { size: bytes.length })
      await ingest.write(bytes.subarray(0, LARGE + LARGE / 2))
      await ingest.discard()
      equal((await store.stats()).bytes, 0, 'bytes left')
      equal((await store.ingest(await sha256(bytes), { size: bytes.length })).offset, 0, 'offset of another')
    },
  },
]
