// What the table does with its room: tombstones, and memory that cannot grow.

import { describe, expect, test } from 'vitest'
import { limitedMemory } from '../testing/limited-memory.js'
import { expectSame, hashKey, hex, type Model, place } from '../testing/table-model.js'
import { compileModule, instantiate } from './instance.js'
import { Table } from './table.js'

const module = await compileModule()

test('slots that deleted keys have left full of tombstones are swept, not doubled', () => {
  const exports = instantiate(module)
  const table = new Table(exports, 5n)
  for (let number = 0; number < 40; number++) table.set(hashKey(number), 0, 0, 0, 0)
  table.clear()
  const slots = () => [...new Uint32Array(exports.memory.buffer, exports.BASE.value, 64)]
  const tombstones = () => slots().filter((slot) => slot === 1).length

  // The keys of each of the four groups, found out by looking where each one goes when the table is empty.
  const groups: number[][] = [[], [], [], []]
  for (let number = 0; number < 400; number++) {
    table.set(hashKey(number), 0, 0, 0, 0)
    groups[Math.floor(slots().findIndex((slot) => slot !== 0) / 16)]?.push(number)
    table.delete(hashKey(number))
  }
  expect(tombstones()).toBe(0)

  // 48 of the 56 slots that may be taken go to tombstones; the second time round they are taken again.
  const [first = [], second = [], third = [], fourth = []] = groups
  for (const group of [first, second, third, third]) {
    for (const number of group.slice(0, 16)) table.set(hashKey(number), 0, 0, 0, 0)
    for (const number of group.slice(0, 16)) table.delete(hashKey(number))
  }
  const model: Model = new Map()
  const add = (number: number) => {
    table.set(hashKey(number), 0, number, 8, 9)
    model.set(hex(hashKey(number)), { segment: number, offset: 8, size: 9 })
  }
  for (const number of fourth.slice(0, 8)) add(number)
  expect(tombstones()).toBe(48)
  for (const number of fourth.slice(8, 9)) add(number)
  expect(tombstones()).toBe(0)
  expect(exports.tableEntries()).toBe(exports.BASE.value + 64 * 4)
  expectSame(table, model)
})

describe('when the memory cannot grow', () => {
  // 4 pages are full in the middle of the entries; in 12 the slots cannot double when seven eighths of them are taken.
  test.each([
    [4, 3723],
    [12, 14_336],
  ])('within %d pages: after %d keys set throws, and all that was there is there', (pages, most) => {
    const table = new Table(limitedMemory(pages), 3n)
    const model: Model = new Map()
    let number = 0
    const add = () => {
      const { segment, offset, size } = place(number)
      table.set(hashKey(number), 0, segment, offset, size)
      model.set(hex(hashKey(number)), { segment, offset, size })
      number++
    }
    while (number < most) add()
    expect(add).toThrow(RangeError)
    expect(add).toThrow(RangeError)
    expect(() => table.load(200_000, () => true)).toThrow(RangeError)
    expectSame(table, model)
    // Replacing and deleting need no memory, and make room for another.
    table.set(hashKey(0), 0, 9, 9, 9)
    expect(table.find(hashKey(0))).toEqual({ segment: 9, offset: 9, size: 9 })
    expect(table.delete(hashKey(0))).toBe(true)
    model.delete(hex(hashKey(0)))
    expectSame(table, model)
    for (let again = 0; again < 100; again++) {
      add()
      const [oldest] = model.keys()
      expect(table.delete(Buffer.from(oldest ?? '', 'hex'))).toBe(true)
      model.delete(oldest ?? '')
    }
    expectSame(table, model)
  })

  test.each([0, 1, 500, 1500])(
    'keys for which memory was taken can be set, whatever was deleted before: %d of them',
    (deleted) => {
      const table = new Table(limitedMemory(4), 3n)
      for (let number = 0; number < 1500; number++) table.set(hashKey(number), 0, 0, 0, 0)
      for (let number = 0; number < deleted; number++) table.delete(hashKey(number))
      let more = 4000
      for (; more > 0; more--) {
        try {
          table.reserve(more)
          break
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }
      expect(more).toBeGreaterThan(1000 + deleted)
      for (let number = 0; number < more; number++) table.set(hashKey(5000 + number), 0, 0, 0, 0)
      expect(table.count).toBe(1500 - deleted + more)
      expect(() => table.reserve(2 ** 30)).toThrow(RangeError)
    },
  )
})
