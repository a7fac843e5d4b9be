/** A snapshot against the block as it was, while the table changes in every way it can. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashKey } from '../testing/table-model.js'
import { createKernel } from './kernel.js'

const kernel = await createKernel()

const change = fc.record({ do: fc.constantFrom('set', 'set', 'delete'), key: fc.nat(7000), times: fc.nat(60) })
/** Bytes that are read at a time, and what changes before each reading. */
const readings = fc.array(fc.tuple(fc.integer({ min: 1, max: 90_000 }), fc.array(change, { maxLength: 5 })), {
  minLength: 1,
  maxLength: 30,
})

// 1,024 entries are a piece; slots are rebuilt, and the block moves, at 3,584 and 7,168 of them.
test.each([0, 1, 1024, 1030, 3570, 5000])('what %i entries were is read, whatever changes meanwhile', (count) => {
  fc.assert(
    fc.property(readings, (steps) => {
      const table = kernel.table(5n)
      for (let number = 0; number < count; number++) table.set(hashKey(number), 0, number, number, number)
      const before = table.entries().slice()
      const snapshot = table.snapshot()
      const read = new Uint8Array(before.length)
      let at = 0
      for (let step = 0; at < before.length || step < steps.length; step++) {
        const [bytes, changes] = steps[step % steps.length] ?? [1, []]
        for (const { do: what, key, times } of changes) {
          for (let number = key; number < key + times; number++) {
            if (what === 'set') table.set(hashKey(number), 0, step + 1e6, 1, 1)
            else table.delete(hashKey(number))
          }
        }
        at += snapshot.read(read.subarray(at, at + bytes))
      }
      expect(Buffer.compare(read, before)).toBe(0)
      expect(snapshot.read(new Uint8Array(1))).toBe(0)
    }),
    { numRuns: 30 },
  )
})

test('of two snapshots the newer one is kept as it was', () => {
  const table = kernel.table(5n)
  table.set(hashKey(1), 0, 1, 1, 1)
  const first = table.snapshot()
  const second = table.snapshot()
  table.set(hashKey(1), 0, 2, 2, 2)
  const read = (snapshot: typeof first) => {
    const bytes = new Uint8Array(44)
    snapshot.read(bytes)
    return bytes[32]
  }
  expect([read(first), read(second)]).toEqual([2, 1])
})
