/**
 * Engine cases: what is found after damage: all that is good, and a word about the rest. Part of engine-cases.ts.
 */

import { ENTRY, MAGIC_BYTES, SEGMENT_HEADER_ENTRY_BYTES, TAG } from '../format/entry.js'
import { hexBytes, KEY_BYTES } from '../format/key.js'
import { createKernel } from '../kernel/kernel.js'
import type { Damage } from '../types.js'
import { equal, fails } from './check.js'
import { type EngineCase, key, text, value } from './engine-case.js'

/** Where the first entry of a transaction stands in a new segment. */
const FIRST = MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES

/** An entry whose checksum agrees, as a program would write it that mixes up its contents. */
async function sealed(name: string, content: string): Promise<Uint8Array<ArrayBuffer>> {
  const size = ENTRY.putHeaderBytes + content.length
  const arena = (await createKernel()).arena(size)
  arena.view(ENTRY.key, KEY_BYTES).set(hexBytes(name))
  arena.view(ENTRY.putHeaderBytes, content.length).set(new TextEncoder().encode(content))
  arena.seal(0, size, TAG.put)
  return arena.view(0, size).slice()
}

export const damageCases: readonly EngineCase[] = [
  {
    name: 'a whole entry whose content does not match its SHA-256 is found by a check, taken out by a repair, and healed by a put',
    damages: true,
    async run({ open, close, storage, reopen }) {
      const [name = '', other = ''] = await (await open()).putMany(['content', 'neighbour'])
      await close()
      const log = await storage.contents('data/0/0')
      log.set(await sealed(name, 'CONTENT'), FIRST)
      await storage.replace('data/0/0', log)
      const store = await open()
      const place: Damage = {
        kind: 'content',
        message: 'the content does not match its SHA-256',
        key: name,
        segment: 0,
        offset: FIRST,
      }
      equal((await store.check()).findings, [place], 'findings')
      const { repaired, clean } = await store.check({ repair: true })
      equal([clean, repaired?.lost, repaired?.kept, repaired?.setAside.length], [true, [name], 1, 1], 'the repair')
      equal(await store.getMany([name, other]).then((values) => values.map(text)), [undefined, 'neighbour'], 'values')
      equal((await store.check()).findings, [], 'findings after it')
      await store.put('content')
      equal(text(await (await reopen()).get(name)), 'content', 'the healed value')
    },
  },
  {
    name: 'no content is called wrong where keys are chosen, nor where the note that they are is what is damaged',
    damages: true,
    async run({ open, close, flip, storage, reopen }) {
      const first = await open()
      await first.set(key(1), 'one')
      equal((await first.check()).findings, [], 'findings')
      const note = FIRST + ENTRY.putHeaderBytes + 3
      await close()
      await flip('data/0/0', note + ENTRY.key + 20)
      await storage.remove('index.0')
      const store = await open()
      equal((await store.check({ repair: true })).clean, true, 'clean after a repair')
      equal(text(await store.get(key(1))), 'one', 'the value')
      equal((await (await reopen()).check()).findings, [], 'findings after reopening')
    },
  },
  {
    name: 'a damaged value is CORRUPT with its key and place, all others are readable, and a put of the same bytes heals it',
    damages: true,
    async run({ open, close, flip, reopen }) {
      const first = await open()
      const [name = '', other = ''] = await first.putMany(['content', 'neighbour'])
      await close()
      await flip('data/0/0', FIRST + 41 + 2, 5)
      const store = await open()
      const error = await fails(() => store.get(name), 'CORRUPT', 'get')
      equal(error.where, { key: name, segment: 0, offset: FIRST }, 'where')
      await fails(() => store.getMany([other, name]), 'CORRUPT', 'getMany')
      equal(text(await store.get(other)), 'neighbour', 'the other value')
      equal(await store.has(name), true, 'the damaged key is there')
      equal(await store.put('content'), name, 'the put that heals')
      equal(text(await store.get(name)), 'content', 'the healed value')
      equal(text(await (await reopen()).get(name)), 'content', 'after reopening')
    },
  },
  {
    name: 'a put heals damage that only a check has met',
    damages: true,
    async run({ open, close, flip }) {
      const name = await (await open()).put('content')
      await close()
      await flip('data/0/0', FIRST + 41 + 2, 5)
      const store = await open()
      const { clean, findings } = await store.check()
      equal([clean, findings.map(({ kind, key }) => [kind, key])], [false, [['entry', name]]], 'findings')
      await store.put('content')
      equal(text(await store.get(name)), 'content', 'the healed value')
    },
  },
  {
    name: 'damage that a replay meets is told of by key, segment and offset, and the store takes new writes',
    damages: true,
    async run({ open, close, flip, storage, reopen }) {
      const first = await open()
      await first.set(key(1), 'one')
      await first.set(key(2), 'two')
      await close()
      await storage.remove('index.0')
      await flip('data/0/0', FIRST + 41 + 1)
      const store = await open()
      equal(
        store.recovery.damaged.map(({ kind, key, segment, offset }) => ({ kind, key, segment, offset })),
        [{ kind: 'entry', key: key(1), segment: 0, offset: FIRST }],
        'damage',
      )
      await fails(() => store.get(key(1)), 'CORRUPT', 'the damaged value')
      equal(text(await store.get(key(2))), 'two', 'the value behind it')
      await store.set(key(3), 'three')
      await store.set(key(1), 'new')
      const again = await reopen()
      equal((await again.getMany([key(1), key(2), key(3)])).map(text), ['new', 'two', 'three'], 'after reopening')
    },
  },
  {
    name: 'when damage may have hidden a newer value, an older one is only believed if its key proves it',
    damages: true,
    async run({ open, close, storage }) {
      const first = await open()
      await first.set(key(1), 'replaced later, perhaps')
      const name = await first.put('proves itself')
      const at = (await storage.contents('data/0/0')).length
      await first.set(key(2), value(60))
      await first.set(key(3), 'stored behind it')
      await close()
      await storage.remove('index.0')
      const log = await storage.contents('data/0/0')
      log.fill(0xaa, at + 9, at + 60)
      await storage.replace('data/0/0', log)
      const store = await open()
      const error = await fails(() => store.get(key(1)), 'CORRUPT', 'an older value under a key of a choice')
      equal(error.where?.key, key(1), 'the key')
      equal(text(await store.get(name)), 'proves itself', 'an older content')
      equal(text(await store.get(key(3))), 'stored behind it', 'a newer value')
      await store.set(key(1), 'anew')
      equal(text(await store.get(key(1))), 'anew', 'the value stored anew')
    },
  },
  {
    name: 'one flipped bit anywhere in the newest commit loses no finished transaction without a word',
    damages: true,
    async run({ open, storage, crash }) {
      const store = await open()
      await store.set(key(1), 'one')
      const before = (await storage.contents('data/0/0')).length
      await store.set(key(2), 'two')
      const log = await storage.contents('data/0/0')
      for (let bit = before * 8; bit < log.length * 8; bit++) {
        const after = await crash()
        await after.flip('data/0/0', bit >> 3, bit & 7)
        const survivor = await after.open()
        equal(survivor.recovery.damaged.length > 0, true, `bit ${bit} is told of`)
        equal(text(await survivor.get(key(1))), 'one', `the older value, with bit ${bit} flipped`)
        const newer = await survivor.get(key(2)).catch((error: { code: string }) => error.code)
        const told = typeof newer === 'string' ? newer : text(newer)
        equal(told === 'two' || told === 'CORRUPT' || told === undefined, true, `the newer value is ${told}`)
        await after.close()
      }
    },
  },
  {
    name: 'a segment whose file is a copy of an older one gives no older value that stands in the same place, and the repair names its key',
    damages: true,
    async run({ open, close, storage, reopen, reopenFromLog }) {
      const first = await open({ maxSegmentSize: 1024 })
      for (let segment = 0; segment < 4; segment++) {
        await first.transaction(async (tx) => {
          await tx.set(key(0), value(50, segment))
          await tx.set(key(segment + 1), value(1000, segment))
        })
      }
      await first.set(key(5), value(1000))
      await close()
      await storage.replace('data/0/3', await storage.contents('data/0/2'))
      const store = await open()
      equal(store.recovery.damaged, [], 'the checkpoint covers it')
      for (const read of [() => store.get(key(0)), () => store.getMany([key(0)])])
        await fails(read, 'CORRUPT', 'the value')
      const { clean, repaired } = await store.check({ repair: true })
      equal([clean, repaired?.lost.toSorted()], [true, [key(0), key(4)]], 'what was repaired')
      for (const openAgain of [reopen, reopenFromLog])
        equal(await (await openAgain()).get(key(0)), undefined, 'the value')
    },
  },
  {
    name: 'check finds nothing in a sound store and reads all of it, with progress',
    async run({ open }) {
      const store = await open({ maxSegmentSize: 1024 })
      for (let number = 0; number < 12; number++) await store.set(key(number), value(400, number))
      const seen: number[] = []
      const report = await store.check({ onProgress: ({ done }) => seen.push(done) })
      equal([report.clean, report.findings], [true, []], 'findings')
      const { logBytes, segments } = await store.stats()
      equal(report.bytes, logBytes - segments.length * MAGIC_BYTES, 'bytes read')
      equal(seen.length >= segments.length && seen.at(-1) === report.bytes, true, `progress ${seen}`)
    },
  },
]
