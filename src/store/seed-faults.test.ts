/**
 * The faults of the seed (the store that this one grows from), each shown absent here. A test is named after the fault, and would fail
 * if ours had it.
 */

import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { StoreError } from '../errors.js'
import {
  COMMIT,
  ENTRY,
  ENTRY_BYTES_MAX,
  MAGIC_BYTES,
  SEGMENT_HEADER_ENTRY_BYTES,
  VALUE_BYTES_MAX,
} from '../format/entry.js'
import { createKernel } from '../kernel/kernel.js'
import { memoryStorage } from '../storage/memory.js'
import { fails } from '../testing/check.js'
import { type EngineContext, engineContext, key, keysOf, text, value } from '../testing/engine-case.js'

/** Where the first entry of a transaction stands in a new segment. */
const FIRST = MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES
/** What the first `set` adds: the note that keys are chosen. */
const NOTE = ENTRY.putHeaderBytes

const store = () => engineContext(memoryStorage())

/** Appends bytes to a segment of a closed or crashed store. */
async function append({ storage }: EngineContext, path: string, bytes: Uint8Array | readonly number[]): Promise<void> {
  const before = (await storage.paths()).includes(path) ? await storage.contents(path) : new Uint8Array()
  await storage.replace(path, Uint8Array.from([...before, ...bytes]))
}

/** A PUT with the right checksum. */
function putEntry(name: string, content: Uint8Array): Buffer {
  const entry = Buffer.alloc(ENTRY.putHeaderBytes + content.length)
  entry.writeUInt32LE(entry.length, ENTRY.size)
  entry.set(Buffer.from(name, 'hex'), ENTRY.key)
  entry.set(content, ENTRY.putHeaderBytes)
  entry.writeUInt32LE(crc32(entry.subarray(ENTRY.size)), ENTRY.crc)
  return entry
}

test('1: two puts of one key in one transaction leave the second, also after a compaction and a replay', async () => {
  const { open, reopenFromLog } = store()
  const engine = await open()
  await engine.transaction(async (tx) => {
    await tx.set(key(1), 'old')
    await tx.set(key(1), 'new')
  })
  expect(text(await engine.get(key(1)))).toBe('new')
  const { copiedBytes } = await engine.compact({ threshold: 0 })
  // The new value, the note that keys are chosen, the list of one segment that stays (four numbers), and what opens and closes any log. The old
  // value is not among it.
  const list = ENTRY.putHeaderBytes + 16
  expect(copiedBytes).toBe(FIRST + ENTRY.putHeaderBytes + 3 + NOTE + list + COMMIT.length)
  expect(text(await engine.get(key(1)))).toBe('new')
  expect(text(await (await reopenFromLog()).get(key(1)))).toBe('new')
})

test('2: a transaction of deletes only is committed, and the next one works', async () => {
  const { open, reopenFromLog } = store()
  const engine = await open()
  await engine.set(key(1), 'one')
  await engine.transaction(async (tx) => {
    expect(await tx.delete(key(1))).toBe(true)
  })
  await engine.set(key(2), 'two')
  expect(await keysOf(engine)).toEqual([key(2)])
  expect(await keysOf(await reopenFromLog())).toEqual([key(2)])
})

test('3: a crash right after a segment is created leaves a store that opens', async () => {
  const { open, crash } = store()
  await (await open()).set(key(1), 'one')
  const beginnings = ['', 'D', 'DSEGMEN', 'DSEGMENT', 'DSEGMENT\0\0\0', '\0\0\0\0\0\0\0\0']
  for (const beginning of beginnings) {
    const after = await crash()
    await append(after, 'data/0/1', new TextEncoder().encode(beginning))
    const engine = await after.open()
    expect(engine.recovery.damaged).toEqual([])
    await engine.set(key(2), 'two')
    expect(await keysOf(await after.reopenFromLog())).toEqual([key(1), key(2)])
  }
})

test('4: a commit of nothing leaves the store working', async () => {
  const { open, reopen } = store()
  const engine = await open()
  await engine.transaction(() => undefined)
  await (await engine.begin()).commit()
  await engine.set(key(1), 'one')
  await engine.transaction(() => undefined)
  expect((await engine.stats()).transactions).toBe(1)
  expect(await keysOf(await reopen())).toEqual([key(1)])
})

test('5: an uncommitted value that ends in the nine bytes of a COMMIT is not taken as committed', async () => {
  const context = store()
  await (await context.open()).set(key(1), 'one')
  const after = await context.crash()
  await append(after, 'data/0/0', putEntry(key(2), Uint8Array.from([...value(20), ...COMMIT])))
  const engine = await after.open()
  expect(await keysOf(engine)).toEqual([key(1)])
  await engine.set(key(3), Uint8Array.from(COMMIT))
  expect(await keysOf(await after.reopenFromLog())).toEqual([key(1), key(3)])
})

test('6: one flipped bit in the newest COMMIT removes no committed transaction silently', async () => {
  const { open, storage, crash } = store()
  const engine = await open()
  await engine.set(key(1), 'one')
  await engine.set(key(2), 'two')
  const size = (await storage.contents('data/0/0')).length
  for (let bit = (size - COMMIT.length) * 8; bit < size * 8; bit++) {
    const after = await crash()
    await after.flip('data/0/0', bit >> 3, bit & 7)
    const survivor = await after.open()
    expect(
      survivor.recovery.damaged.map(({ kind, segment }) => [kind, segment]),
      `bit ${bit}`,
    ).toContainEqual(['entry', 0])
    expect((await survivor.getMany([key(1), key(2)])).map(text), `bit ${bit}`).toEqual(['one', 'two'])
    await after.close()
  }
})

test('7: a value over the limit is refused before a byte is written; the largest one is read, compacted and replayed', async () => {
  const { open, reopenFromLog, storage } = store()
  const engine = await open({ maxSegmentSize: 1024 })
  await fails(() => engine.set(key(1), new Uint8Array(VALUE_BYTES_MAX + 1)), 'TOO_LARGE', 'one byte more')
  expect(storage.written('data/')).toBe(0)
  const largest = new Uint8Array(VALUE_BYTES_MAX).fill(7)
  await engine.set(key(1), largest)
  await engine.set(key(2), 'two')
  await engine.compact({ threshold: 0 })
  expect(largest.length + ENTRY.putHeaderBytes).toBe(ENTRY_BYTES_MAX)
  const got = await (await reopenFromLog()).get(key(1))
  expect(Buffer.compare(got ?? new Uint8Array(), largest)).toBe(0)
}, 60_000)

test('8: a checkpoint that is newer than the newest segment does not point into files that are gone', async () => {
  const { open, close, storage } = store()
  const first = await open({ maxSegmentSize: 1024 })
  const keys: string[] = []
  for (let number = 0; number < 9; number++) keys.push(await first.put(value(300, number)))
  const newest = (await first.stats()).segments.at(-1)?.segment
  await close()
  await storage.remove(`data/0/${newest}`)
  const engine = await open()
  expect(engine.recovery.damaged.map(({ kind, segment }) => [kind, segment])).toContainEqual(['segment', newest])
  let lost = 0
  for (const [number, name] of keys.entries()) {
    const got = await engine.get(name).catch((error: unknown) => error)
    if (got instanceof Uint8Array) expect(got).toEqual(value(300, number))
    else {
      expect(got).toMatchObject({ code: 'CORRUPT', where: { key: name, segment: newest } })
      lost++
    }
  }
  expect([lost > 0, lost < 4]).toEqual([true, true])
})

test('9: compaction brings no deleted key back and loses no live one, whenever the machine stops', async () => {
  const { open, storage, crash } = store()
  const engine = await open({ maxSegmentSize: 1024 })
  for (let number = 0; number < 12; number++) await engine.set(key(number), value(300, number))
  for (let number = 0; number < 12; number += 3) await engine.delete(key(number))
  const kept = Array.from({ length: 12 }, (_, number) => number).filter((number) => number % 3 > 0)
  let stops = 0
  for (let stopAt = 1, stopped = true; stopped; stopAt++) {
    let call = 0
    storage.before = ({ kind, path }) => {
      const changes = kind === 'write' || kind === 'truncate' || kind === 'remove' || kind === 'flush'
      if (changes && ++call >= stopAt) throw new StoreError('IO', `the machine stopped at ${kind} ${path}`)
    }
    stopped = await engine.compact({ threshold: 0.2 }).then(
      () => false,
      () => true,
    )
    storage.before = () => undefined
    const after = await crash()
    for (const openAgain of [after.open, after.reopenFromLog]) {
      const survivor = await openAgain()
      expect(await keysOf(survivor), `stopped at change ${stopAt}`).toEqual(kept.map(key))
      expect((await survivor.check()).findings, `stopped at change ${stopAt}`).toEqual([])
    }
    stops++
  }
  expect(stops).toBeGreaterThan(5)
})

test('10: deleting one of 5,000 keys of 1 kB writes at most two bytes for each one deleted', async () => {
  const { open, storage } = store()
  const engine = await open({ maxSegmentSize: 5 * 1024 * 1024 })
  const keys = await engine.putMany(Array.from({ length: 5000 }, (_, number) => value(1000, number)))
  storage.calls.length = 0
  await engine.delete(keys[2500] ?? '')
  await engine.close()
  // A first close writes a checkpoint, once; what the delete itself costs is in the log and the head.
  expect(storage.written('data/') + storage.written('head')).toBeLessThanOrEqual(2000)
}, 60_000)

test('11: a commit writes no more in a store of 20,000 keys than in an empty one', async () => {
  const { open, storage } = store()
  const engine = await open()
  const cost = async (name: string): Promise<number> => {
    storage.calls.length = 0
    await engine.set(name, value(100))
    return storage.written()
  }
  await engine.set(key(1), 'the first makes a segment')
  const empty = await cost(key(2))
  await engine.transaction(async (tx) => {
    for (let number = 100; number < 20_100; number++) await tx.set(key(number), 'x')
  })
  expect(await cost(key(3))).toBe(empty)
}, 60_000)

test('12: foreign names in data/ do not stop the store from opening, and are left alone', async () => {
  const { open, reopen, storage, close } = store()
  await (await open()).set(key(1), 'one')
  await close()
  const foreign = ['data/.DS_Store', 'data/0/thumbs.db', 'data/0/0.bak', 'data/0/ 1', 'data/one/1', 'data/0/1e3']
  for (const path of foreign) await storage.replace(path, value(9))
  expect(await keysOf(await open())).toEqual([key(1)])
  expect(await keysOf(await reopen())).toEqual([key(1)])
  for (const path of foreign) expect(await storage.contents(path)).toEqual(value(9))
})

test('13: when a strict commit is flushed, every byte of it is written, and nothing of it after that', async () => {
  const { open, storage } = store()
  const engine = await open()
  await engine.set(key(1), 'the first makes a segment')
  for (const size of [10, 100_000, 3_000_000]) {
    const before = (await storage.contents('data/0/0')).length
    storage.calls.length = 0
    await engine.set(key(size), value(size))
    const flushed = storage.calls.findIndex(({ kind, path }) => kind === 'flush' && path === 'data/0/0')
    const writtenBefore = storage.calls
      .slice(0, flushed)
      .reduce((sum, { kind, path, bytes }) => (kind === 'write' && path === 'data/0/0' ? sum + bytes : sum), 0)
    const grown = (await storage.contents('data/0/0')).length - before
    expect(grown).toBe(ENTRY.putHeaderBytes + size + COMMIT.length)
    expect(writtenBefore).toBe(grown)
  }
})

test('14: a torn record in the middle does not keep the store from opening: all else is readable', async () => {
  const { open, close, storage } = store()
  const first = await open()
  for (let number = 1; number <= 3; number++) await first.set(key(number), `value ${number}`)
  await close()
  await storage.remove('index.0')
  const log = await storage.contents('data/0/0')
  // The second transaction's entry: its first half is there, zeros follow.
  const at = FIRST + ENTRY.putHeaderBytes + 7 + NOTE + COMMIT.length
  log.fill(0, at + 24, at + ENTRY.putHeaderBytes + 7)
  await storage.replace('data/0/0', log)
  const engine = await open()
  expect(engine.recovery.damaged).toMatchObject([{ kind: 'entry', segment: 0, offset: at }])
  expect(await engine.has(key(3))).toBe(true)
  expect(text(await engine.get(key(3)))).toBe('value 3')
  await engine.set(key(4), 'after')
  expect(text(await engine.get(key(4)))).toBe('after')
})

test('15: a full disk that takes part of a record leaves nothing of it: what is stored later is read back', async () => {
  const inner = memoryStorage()
  let room = Number.POSITIVE_INFINITY
  const { open, reopenFromLog, storage } = engineContext({
    ...inner,
    async open(path, options) {
      const file = await inner.open(path, options)
      return {
        read: (target, at) => file.read(target, at),
        write(source, at) {
          file.write(source.subarray(0, room), at)
          if (room < source.length) throw new StoreError('QUOTA', 'no room is left')
        },
        truncate: (size) => file.truncate(size),
        size: () => file.size(),
        flush: () => file.flush(),
        close: () => file.close(),
      }
    },
  })
  const engine = await open()
  await engine.set(key(1), 'one')
  const parts = [0, 1, 30, 60, 249]
  for (const part of parts) {
    const before = await storage.contents('data/0/0')
    room = part
    await fails(() => engine.set(key(2), value(200)), 'QUOTA', 'set')
    room = Number.POSITIVE_INFINITY
    expect(await storage.contents('data/0/0')).toEqual(before)
    await engine.set(key(100 + part), value(part))
  }
  const replayed = await reopenFromLog()
  expect(await keysOf(replayed)).toEqual([key(1), ...parts.map((part) => key(100 + part))])
  for (const part of parts) expect(await replayed.get(key(100 + part))).toEqual(value(part))
  expect((await replayed.check()).findings).toEqual([])
})

test('16: a closed store writes nothing', async () => {
  const { open, storage } = store()
  const engine = await open()
  const tx = await engine.begin()
  await engine.close()
  storage.calls.length = 0
  await fails(() => engine.put('late'), 'CLOSED', 'put')
  await fails(() => engine.delete(key(1)), 'CLOSED', 'delete')
  await fails(() => tx.set(key(1), 'late'), 'TX_CLOSED', 'set in a transaction')
  expect(storage.calls).toEqual([])
})

test('17: a crash while a store is made leaves a place where it can be made', async () => {
  let stops = 0
  for (let stopAt = 1, stopped = true; stopped; stopAt++) {
    const { open, storage, crash } = store()
    let call = 0
    storage.before = ({ kind }) => {
      if (kind !== 'close' && ++call === stopAt) throw new Error('the machine stopped')
    }
    stopped = await open().then(
      () => false,
      () => true,
    )
    const after = await crash()
    const engine = await after.open()
    await engine.set(key(1), 'works')
    expect(await keysOf(await after.reopen())).toEqual([key(1)])
    stops++
  }
  expect(stops).toBeGreaterThan(10)
})

// A table that looks for all of these from one slot on needs 500,000,000,000 steps: minutes at least.
test('18: a million keys with the same first bytes do not make the index crawl', async () => {
  const table = (await createKernel()).table(1n)
  const count = 1_000_000
  const name = new Uint8Array(32).fill(0xab)
  const last = new DataView(name.buffer, 28)
  for (let number = 0; number < count; number++) {
    last.setUint32(0, number)
    table.set(name, 0, number, 8, 41)
  }
  let found = 0
  for (let number = 0; number < count; number++) {
    last.setUint32(0, number)
    if (table.find(name)?.segment === number) found++
  }
  expect([table.count, found]).toEqual([count, count])
})

test('19: a size is a claim: one that lies leads neither past the file nor to a wrong value', async () => {
  const { open, close, storage } = store()
  const first = await open()
  await first.set(key(1), 'one')
  await first.set(key(2), 'two')
  await close()
  const good = await storage.contents('data/0/0')
  const index = await storage.contents('index.0')
  for (const size of [0, 8, 9, 41, 43, 45, 90, 500, ENTRY_BYTES_MAX, 0x7fffffff, 0xffffffff]) {
    const log = good.slice()
    new DataView(log.buffer).setUint32(FIRST + ENTRY.size, size, true)
    for (const withCheckpoint of [true, false]) {
      await storage.replace('data/0/0', log)
      if (withCheckpoint) await storage.replace('index.0', index)
      else await storage.remove('index.0')
      const engine = await open()
      await fails(() => engine.get(key(1)), 'CORRUPT', `a size of ${size}`).catch(async () => {
        // When nothing told whose entry it was, the key is unknown; then the damage has to be told of.
        expect([await engine.get(key(1)), engine.recovery.damaged.length > 0]).toEqual([undefined, true])
      })
      expect(text(await engine.get(key(2)).catch(() => new TextEncoder().encode('not believed')))).toMatch(
        /^(two|not believed)$/,
      )
      await close()
    }
  }
})
