/** The state: what is live, what is shadowed, and that a saved state is the same when it is loaded. */

import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DELETE_BYTES, ENTRY, NO_SEGMENT, SEGMENT_LIST_KEY, segmentHeaderKey, TAG } from '../format/entry.js'
import { keyHex } from '../format/key.js'
import { createKernel, type Location } from '../kernel/kernel.js'
import { memoryStorage } from '../storage/memory.js'
import type { Storage } from '../storage/storage.js'
import { hashKey } from '../testing/table-model.js'
import { CheckpointSave, loadCheckpoint } from './checkpoint.js'
import { Journal } from './journal.js'
import type { Position } from './position.js'
import { LogState } from './state.js'

const kernel = await createKernel()
const id = new Uint8Array(32).fill(5)
const crc = (bytes: Uint8Array, before?: number) => crc32(bytes, before)
const name = (number: number) => new Uint8Array(32).fill(number + 1)
const place = (segment: number, offset: number, size = 50): Location => ({ segment, offset, size })

/** Everything in a state, as plain values. */
function shown(state: LogState) {
  const table = (entries: Uint8Array) =>
    Array.from({ length: entries.length / 44 }, (_, i) =>
      Buffer.from(entries.subarray(i * 44, i * 44 + 44)).toString('hex'),
    ).sort()
  const { transaction, list, userBytes } = state
  const segments = [...state.segments].sort(([a], [b]) => a - b)
  return {
    keys: table(state.keys.entries()),
    shadows: table(state.shadows.entries()),
    segments,
    transaction,
    list,
    userBytes,
  }
}

/** Saves the state at once; answers the bytes of the file. */
async function saveCheckpoint(storage: Storage, state: LogState, position: Position): Promise<number> {
  const save = await CheckpointSave.begin(storage, state, position, id, crc, 1e6)
  while (save.write());
  await save.finish()
  const file = await storage.open(`index.${position.segment}`)
  const size = file.size()
  file.close()
  return size
}

describe('a state', () => {
  const liveBytes = (state: LogState, segment: number) => state.segments.get(segment)?.liveBytes ?? 0

  it('counts a replaced PUT as a shadow, and its bytes as dead', () => {
    const state = new LogState(kernel, 1n)
    state.apply(TAG.put, name(1), 0, place(0, 8))
    state.apply(TAG.put, name(1), 0, place(1, 8))
    expect(state.keys.find(name(1))).toEqual(place(1, 8))
    expect(state.shadows.find(name(1))).toEqual({ segment: NO_SEGMENT, offset: 0, size: 1 })
    expect([liveBytes(state, 0), liveBytes(state, 1), state.userBytes]).toEqual([0, 50, 50 - ENTRY.putHeaderBytes])
  })

  it('tells two PUTs of one key in one segment apart', () => {
    const state = new LogState(kernel, 1n)
    state.apply(TAG.put, name(1), 0, place(0, 8))
    state.apply(TAG.put, name(1), 0, place(0, 58))
    expect(state.isLive(TAG.put, name(1), 0, place(0, 8))).toBe(false)
    expect(state.isLive(TAG.put, name(1), 0, place(0, 58))).toBe(true)
    state.retireEntry(TAG.put, name(1), 0, place(0, 8))
    expect([state.keys.find(name(1)), state.shadows.count]).toEqual([place(0, 58), 0])
  })

  it('that gave up a segment takes what replaces and deletes its entries, and counts only what it still knows', () => {
    const state = new LogState(kernel, 1n)
    for (const number of [1, 2]) state.apply(TAG.put, name(number), 0, place(0, 8 + number * 50))
    state.segments.delete(0)
    state.apply(TAG.put, name(1), 0, place(1, 8))
    state.apply(TAG.delete, name(2), 0, place(1, 58, DELETE_BYTES))
    expect([...state.segments]).toEqual([[1, { bytes: 0, liveBytes: 50 + DELETE_BYTES }]])
    expect([state.keys.find(name(1)), state.keys.find(name(2))]).toEqual([place(1, 8), undefined])
  })

  it('keeps a tombstone alive as long as an older PUT of its key is there, and no longer', () => {
    const state = new LogState(kernel, 1n)
    state.apply(TAG.put, name(1), 0, place(0, 8))
    state.apply(TAG.put, name(1), 0, place(1, 8))
    state.apply(TAG.delete, name(1), 0, place(2, 8, 41))
    expect(state.shadows.find(name(1))).toEqual({ segment: 2, offset: 8, size: 2 })
    expect(state.isLive(TAG.delete, name(1), 0, place(2, 8, 41))).toBe(true)
    expect(liveBytes(state, 2)).toBe(41)
    state.retireEntry(TAG.put, name(1), 0, place(0, 8))
    expect(state.isLive(TAG.delete, name(1), 0, place(2, 8, 41))).toBe(true)
    state.retireEntry(TAG.put, name(1), 0, place(1, 8))
    expect(state.isLive(TAG.delete, name(1), 0, place(2, 8, 41))).toBe(false)
    expect([state.shadows.count, liveBytes(state, 2)]).toEqual([0, 0])
  })

  it('lets the newest tombstone of a deleted key take the place of the older one', () => {
    const state = new LogState(kernel, 1n)
    state.apply(TAG.put, name(1), 0, place(0, 8))
    state.apply(TAG.delete, name(1), 0, place(1, 8, 41))
    state.apply(TAG.delete, name(1), 0, place(2, 8, 41))
    expect(state.shadows.find(name(1))).toEqual({ segment: 2, offset: 8, size: 1 })
    expect([liveBytes(state, 1), liveBytes(state, 2)]).toEqual([0, 41])
  })

  it('ends the life of a tombstone when its key is stored again', () => {
    const state = new LogState(kernel, 1n)
    state.apply(TAG.put, name(1), 0, place(0, 8))
    state.apply(TAG.delete, name(1), 0, place(1, 8, 41))
    state.apply(TAG.put, name(1), 0, place(2, 8))
    expect(state.shadows.find(name(1))).toEqual({ segment: NO_SEGMENT, offset: 0, size: 1 })
    expect([liveBytes(state, 1), state.isLive(TAG.delete, name(1), 0, place(1, 8, 41))]).toEqual([0, false])
  })

  it('takes no notice of a DELETE of a key that was never there', () => {
    const state = new LogState(kernel, 1n)
    state.apply(TAG.delete, name(1), 0, place(0, 8, 41))
    expect([state.keys.count, state.shadows.count, state.segments.size]).toEqual([0, 0, 0])
  })

  it('keeps segment headers and lists out of the index; of the lists only the newest is live', () => {
    const state = new LogState(kernel, 1n)
    state.apply(TAG.put, segmentHeaderKey(0), 0, place(0, 8, 105))
    state.apply(TAG.put, SEGMENT_LIST_KEY, 0, place(0, 200, 45))
    state.apply(TAG.put, SEGMENT_LIST_KEY, 0, place(1, 200, 49))
    expect([state.keys.count, state.list, liveBytes(state, 0), liveBytes(state, 1)]).toEqual([
      0,
      place(1, 200, 49),
      0,
      49,
    ])
    expect(state.isLive(TAG.put, SEGMENT_LIST_KEY, 0, place(1, 200, 49))).toBe(false)
    expect(state.isLive(TAG.put, segmentHeaderKey(0), 0, place(0, 8, 105))).toBe(false)
  })

  it('drops the key of a retired PUT that it still points to', () => {
    const state = new LogState(kernel, 1n)
    state.apply(TAG.put, name(1), 0, place(0, 8))
    state.retireEntry(TAG.put, name(1), 0, place(0, 8))
    expect([state.keys.count, state.userBytes]).toEqual([0, 0])
    state.retireEntry(TAG.put, name(2), 0, place(0, 99))
  })
})

describe('a checkpoint', () => {
  const step = fc.tuple(fc.constantFrom(TAG.put, TAG.delete), fc.nat(12), fc.nat(3), fc.integer({ min: 41, max: 99 }))

  it('gives back the state that was saved, with its position', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), fc.boolean(), async (steps, withList) => {
        const state = new LogState(kernel, 1n)
        const journal = new Journal()
        steps.forEach(([tag, number, segment, size], i) => {
          journal.add(tag, name(number), 0, segment, 8 + i * 100, tag === TAG.put ? size : 41)
          state.segment(segment).bytes += 100
        })
        if (withList) journal.add(TAG.put, SEGMENT_LIST_KEY, 0, 3, 9000, 45)
        journal.commit(state)
        expect([journal.count, state.transaction]).toEqual([0, 1])
        const storage = memoryStorage()
        await saveCheckpoint(storage, state, { segment: 3, offset: 9999 })
        const loaded = new LogState(kernel, 2n)
        loaded.apply(TAG.put, name(77), 0, place(9, 9))
        expect(await loadCheckpoint(storage, 'index.3', loaded, id, crc)).toEqual({
          kind: 'loaded',
          position: { segment: 3, offset: 9999 },
        })
        expect(shown(loaded)).toEqual(shown(state))
      }),
      { numRuns: 50 },
    )
  })

  it('in slices gives back the state in which it began, whatever changes meanwhile', async () => {
    const change = fc.tuple(fc.constantFrom(TAG.put, TAG.delete), fc.nat(30), fc.nat(3), fc.constant(60))
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 60 }),
        fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 200 }),
        async (before, between, sliceBytes) => {
          const state = new LogState(kernel, 1n)
          const take = (steps: typeof before) => {
            for (const [tag, number, segment, size] of steps) {
              state.apply(tag, name(number), 0, place(segment, state.transaction++, tag === TAG.put ? size : 41))
            }
          }
          take(before)
          const began = structuredClone(shown(state))
          const storage = memoryStorage()
          const save = await CheckpointSave.begin(storage, state, { segment: 3, offset: 9999 }, id, crc, sliceBytes)
          for (let slice = 0; save.write(); slice++) take(between[slice] ?? [])
          take(between.flat())
          await save.finish()
          const loaded = new LogState(kernel, 2n)
          expect((await loadCheckpoint(storage, 'index.3', loaded, id, crc)).kind).toBe('loaded')
          expect(shown(loaded)).toEqual(began)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('that was given up, or is not finished, is none', async () => {
    const storage = memoryStorage()
    const state = new LogState(kernel, 1n)
    state.apply(TAG.put, name(1), 0, place(0, 8))
    const save = await CheckpointSave.begin(storage, state, { segment: 3, offset: 9 }, id, crc, 1e6)
    while (save.write());
    save.abandon()
    expect(await loadCheckpoint(storage, 'index.3', state, id, crc)).toEqual({ kind: 'none' })
  })

  it('for which there is no memory leaves its file to the next one', async () => {
    const storage = memoryStorage()
    const state = new LogState(kernel, 1n)
    state.apply(TAG.put, name(1), 0, place(0, 8))
    const begin = (sliceBytes: number) =>
      CheckpointSave.begin(storage, state, { segment: 3, offset: 9 }, id, crc, sliceBytes)
    await expect(begin(-1)).rejects.toThrow(RangeError)
    ;(await begin(1e6)).abandon()
  })

  it('with any byte changed leaves the state empty', async () => {
    const state = new LogState(kernel, 1n)
    for (let number = 0; number < 5; number++) state.apply(TAG.put, name(number), 0, place(0, 8 + number))
    state.apply(TAG.put, name(1), 0, place(1, 8))
    const storage = memoryStorage()
    const size = await saveCheckpoint(storage, state, { segment: 0, offset: 500 })
    for (let at = 0; at < size; at++) {
      const file = await storage.open('index.0')
      const byte = new Uint8Array(1)
      file.read(byte, at)
      file.write(Uint8Array.of((byte[0] ?? 0) ^ 0x10), at)
      file.close()
      const loaded = new LogState(kernel, 2n)
      expect(await loadCheckpoint(storage, 'index.0', loaded, id, crc), `byte ${at}`).toEqual({ kind: 'corrupt' })
      expect([loaded.keys.count, loaded.shadows.count, loaded.segments.size]).toEqual([0, 0, 0])
      const mended = await storage.open('index.0')
      mended.write(byte, at)
      mended.close()
    }
  })
})

it('a journal that is committed leaves the state as its entries do one by one, new keys, old ones and deleted ones', () => {
  // Runs of new keys, with others in between: number by number up from `first`, then down again.
  const run = fc.record({ first: fc.nat(900), count: fc.nat(400), isDelete: fc.boolean(), isBack: fc.boolean() })
  const key = (number: number) => (number === 5 ? segmentHeaderKey(number) : Uint8Array.from(hashKey(number)))
  fc.assert(
    fc.property(fc.array(fc.array(run, { maxLength: 4 }), { minLength: 1, maxLength: 5 }), (transactions) => {
      const [together, alone] = [new LogState(kernel, 1n), new LogState(kernel, 1n)]
      const journal = new Journal()
      let offset = 0
      for (const runs of transactions) {
        for (const { first, count, isDelete, isBack } of runs) {
          for (let i = 0; i < count; i++) {
            const name = key(isBack ? first + count - i : first + i)
            const [tag, size] = isDelete ? [TAG.delete, DELETE_BYTES] : [TAG.put, 60 + (i % 3)]
            const at = place(offset >> 14, offset++, size)
            journal.add(tag, name, 0, at.segment, at.offset, size)
            alone.apply(tag, name, 0, at)
          }
        }
        journal.commit(together)
        alone.transaction++
      }
      expect(shown(together)).toEqual(shown(alone))
      expect([together.userCount, together.ownCounts]).toEqual([alone.userCount, alone.ownCounts])
    }),
    { numRuns: 60 },
  )
})

it('a journal of many entries keeps their order', () => {
  const journal = new Journal()
  for (let i = 0; i < 300; i++) journal.add(i % 3 === 0 ? TAG.delete : TAG.put, name(i % 200), 0, i, i * 2, i + 41)
  const seen: [number, string, Location][] = []
  journal.forEach((tag, keys, at, location) => {
    seen.push([tag, keyHex(keys, at), location])
  })
  expect(seen.length).toBe(300)
  seen.forEach(([tag, key, location], i) => {
    expect([tag, key]).toEqual([i % 3 === 0 ? TAG.delete : TAG.put, keyHex(name(i % 200))])
    expect(location).toEqual({ segment: i, offset: i * 2, size: i + 41 })
  })
})
