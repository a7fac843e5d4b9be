// The table against a Map, in the ways it can go wrong: groups that fill, holes that are filled, slots that are rebuilt,
// blocks that are loaded, and keys that were not made by a hash.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { noise } from '../testing/bytes.js'
import { ABSENT, expectSame, hashes, hashKey, hex, type Model, place } from '../testing/table-model.js'
import { compileModule, type Exports, instantiate } from './instance.js'
import { createKernel, type Location } from './kernel.js'
import { Table } from './table.js'

const kernel = await createKernel()
const module = await compileModule()

/** What `load` is given to read: a copy of `block`. */
function copyOf(block: Uint8Array): (view: Uint8Array) => boolean {
  return (view) => {
    view.set(block)
    return true
  }
}

/** Families of keys, each a number's own; none but the first looks like a hash. */
const families: Record<string, (number: number) => Uint8Array> = {
  'as hashes are': hashKey,
  'counters in their first bytes': (number) => words([number, 0, 0, 0, 0, 0, 0, 0]),
  'counters in their last bytes': (number) => words([0, 0, 0, 0, 0, 0, 0, Buffer.from(words([number])).readUInt32BE()]),
  'counters in steps of 2^16': (number) => words([0, 0, (number << 16) | (number >>> 16), 0, 0, 0, 0, 0]),
  'the same counter in every word': (number) => words(Array<number>(8).fill(number)),
  'counters that cancel in any sum of the words': (number) => words([number, -number, number, -number, 0, 0, 0, 0]),
  'single bits': (number) =>
    words([0, 1, 2, 3, 4, 5, 6, 7].map((word) => (number * 0x9e3779b1) >>> (word * 4) && 1 << (number >>> (word * 2)))),
}

function words(values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer)
}

test.each([0, 8, 255, 256, 257, 1000])('%i new keys are added at once where there is room', (count) => {
  const table = kernel.table(3n)
  for (let number = 0; number < count; number++) table.set(hashKey(number), 0, 1, 1, 1)
  table.clear()
  const places = Array.from({ length: count }, (_, number) => place(number))
  const numbers = places.flatMap(({ segment, offset, size }) => [segment, offset, size])
  expect(table.addMany(hashes.subarray(0, count * 32), Uint32Array.from(numbers))).toBe(count)
  expectSame(table, new Map(places.map((at, number) => [hex(hashKey(number)), at])))
})

describe('a table and a Map, told the same', () => {
  type Step =
    | { do: 'set'; key: number; value: number }
    | { do: 'addMany'; from: number; count: number }
    | { do: 'delete'; key: number }
    | { do: 'clear' }
    | { do: 'reload' }
  const step = (keys: number): fc.Arbitrary<Step> =>
    fc.oneof(
      {
        weight: 60,
        arbitrary: fc.record({ do: fc.constant('set' as const), key: fc.nat(keys), value: fc.nat(2 ** 31) }),
      },
      { weight: 50, arbitrary: fc.record({ do: fc.constant('delete' as const), key: fc.nat(keys) }) },
      {
        weight: 10,
        arbitrary: fc.record({ do: fc.constant('addMany' as const), from: fc.nat(keys), count: fc.nat(keys) }),
      },
      { weight: 1, arbitrary: fc.constant({ do: 'clear' as const }) },
      { weight: 1, arbitrary: fc.constant({ do: 'reload' as const }) },
    )

  function run(table: Table, keyOf: (number: number) => Uint8Array, steps: Step[]): void {
    const model: Model = new Map()
    for (const next of steps) {
      if (next.do === 'set') {
        const { segment, offset, size } = place(next.value)
        // Keys are taken from the middle of a larger array, as the engine does.
        table.set(Buffer.concat([noise(5), keyOf(next.key), noise(5)]), 5, segment, offset, size)
        model.set(hex(keyOf(next.key)), { segment, offset, size })
      } else if (next.do === 'addMany') {
        // The last one of them comes twice.
        const numbers = [...Array.from({ length: next.count }, (_, i) => next.from + i), next.from]
        const places = numbers.map(place)
        const added = table.addMany(
          Buffer.concat(numbers.map(keyOf)),
          Uint32Array.from(places.flatMap(({ segment, offset, size }) => [segment, offset, size])),
        )
        const old = numbers.findIndex((number, i) => model.has(hex(keyOf(number))) || numbers.indexOf(number) < i)
        // All that are new, unless there is no room for them; then none.
        if (added !== 0) expect(added).toBe(old < 0 ? numbers.length : old)
        for (let i = 0; i < added; i++) model.set(hex(keyOf(numbers[i] as number)), places[i] as Location)
      } else if (next.do === 'delete') {
        expect(table.delete(keyOf(next.key))).toBe(model.delete(hex(keyOf(next.key))))
        expect(table.has(keyOf(next.key))).toBe(false)
      } else if (next.do === 'clear') {
        table.clear()
        model.clear()
      } else {
        const block = table.entries().slice()
        expect(table.load(block.length / 44, copyOf(block))).toBe(true)
      }
    }
    expectSame(table, model)
    expect(table.find(ABSENT)).toBeUndefined()
  }

  // Up to 14 keys are one group, 28 two, 56 four: around those numbers groups fill, tombstones come, and slots double.
  test.each(Object.entries(families))('with keys %s', (_, keyOf) => {
    fc.assert(
      fc.property(
        fc.constantFrom(10, 16, 30, 60, 120).chain((keys) => fc.array(step(keys), { maxLength: 600, size: 'max' })),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (steps, seed) => run(kernel.table(seed), keyOf, steps),
      ),
      { numRuns: 40 },
    )
  })

  test('with keys that all have one hash', () => {
    // Without its secret the table's hash of these keys is that of zeros: the worst an attacker could wish for.
    const exports = instantiate(module)
    const table = new Table(exports, 0n)
    new Uint8Array(exports.memory.buffer, exports.MIXERS.value, 72).fill(0)
    fc.assert(
      fc.property(fc.array(step(100), { maxLength: 600, size: 'max' }), (steps) => {
        table.clear()
        run(table, (number) => words([number, 0, 0, 0, 0, 0, 0, 0]), steps)
      }),
      { numRuns: 40 },
    )
  })
})

describe('many keys', () => {
  const COUNT = 100_000

  /** Groups of 16 slots without an empty one: what makes look-ups long. */
  function fullGroups(exports: Exports): number {
    const slots = new Uint32Array(
      exports.memory.buffer,
      exports.BASE.value,
      (exports.tableEntries() - exports.BASE.value) / 4,
    )
    let full = 0
    for (let group = 0; group < slots.length; group += 16) if (!slots.subarray(group, group + 16).includes(0)) full++
    return full
  }

  test.each(Object.entries(families).filter(([name]) => name !== 'single bits'))(
    '%s lie as scattered as chance has it',
    (_, keyOf) => {
      const exports = instantiate(module)
      const table = new Table(exports, 0x0123456789abcdefn)
      for (let number = 0; number < COUNT; number++) table.set(keyOf(number), 0, number, 0, 0)
      expect(table.count).toBe(COUNT)
      for (let number = 0; number < COUNT; number++) {
        if (table.find(keyOf(number))?.segment !== number) throw new Error(`key ${number} is lost`)
        if (table.has(keyOf(number + COUNT))) throw new Error(`key ${number + COUNT} was never set`)
      }
      // 8,192 groups hold 12.2 keys on average; chance fills about 17 % of them.
      expect(fullGroups(exports)).toBeGreaterThan(1000)
      expect(fullGroups(exports)).toBeLessThan(2200)
    },
  )

  test('take at most 64 bytes of memory each, from a hundred thousand on', () => {
    const table = kernel.table(1n)
    for (let number = 0; number < COUNT; number++) table.set(hashKey(number), 0, number, 0, 0)
    expect(table.memoryBytes / COUNT).toBeLessThan(64)
  })

  test('set and deleted in turn for ever, tombstones do not pile up: memory and work stay', () => {
    const table = kernel.table(1n)
    for (let number = 0; number < 900; number++) table.set(hashes, number * 32, number, 0, 0)
    const { memoryBytes } = table
    for (let number = 900; number < 60_000; number++) {
      table.set(hashes, number * 32, number, 0, 0)
      if (!table.delete(hashes, (number - 900) * 32)) throw new Error(`key ${number - 900} is lost`)
    }
    expect(table.memoryBytes).toBe(memoryBytes)
    expect(table.count).toBe(900)
    for (let number = 60_000 - 900; number < 60_000; number++)
      expect(table.find(hashes, number * 32)?.segment).toBe(number)
  })
})

describe('the block of entries', () => {
  test('loads into another table, whatever its seed', () => {
    const [one, other] = [kernel.table(1n), kernel.table(2n)]
    const model: Model = new Map()
    for (let number = 0; number < 5000; number++) {
      const { segment, offset, size } = place(number)
      one.set(hashKey(number), 0, segment, offset, size)
      model.set(hex(hashKey(number)), place(number))
    }
    other.set(ABSENT, 0, 1, 2, 3)
    expect(other.load(one.count, copyOf(one.entries()))).toBe(true)
    expectSame(other, model)
    expect(other.crc32()).toBe(one.crc32())
  })

  test('that holds a key twice is refused, and the table is empty and works', () => {
    const table = kernel.table(1n)
    table.set(noise(32), 0, 1, 2, 3)
    const block = noise(44 * 100)
    block.copyWithin(44 * 99, 44 * 13, 44 * 13 + 32)
    expect(table.load(100, copyOf(block))).toBe(false)
    expectSame(table, new Map())
    table.set(noise(32), 0, 1, 2, 3)
    expectSame(table, new Map([[hex(noise(32)), { segment: 1, offset: 2, size: 3 }]]))
  })

  test('that could not be read leaves the table empty, also when reading throws', () => {
    const table = kernel.table(1n)
    table.set(noise(32), 0, 1, 2, 3)
    expect(table.load(100, () => false)).toBe(false)
    expectSame(table, new Map())
    table.set(noise(32), 0, 1, 2, 3)
    const failure = new Error('the disk is gone')
    expect(() =>
      table.load(100, () => {
        throw failure
      }),
    ).toThrow(failure)
    expectSame(table, new Map())
  })

  test('of no entries is an empty table', () => {
    const table = kernel.table(1n)
    table.set(noise(32), 0, 1, 2, 3)
    expect(table.load(0, (view) => view.length === 0)).toBe(true)
    expectSame(table, new Map())
  })
})

test('a key that is not 32 bytes is refused', () => {
  const table = kernel.table(1n)
  expect(() => table.find(new Uint8Array(31))).toThrow('invariant')
  expect(() => table.has(new Uint8Array(40), 9)).toThrow('invariant')
  expect(() => table.set(new Uint8Array(40), -1, 0, 0, 0)).toThrow('invariant')
  expect(() => table.delete(new Uint8Array(40), Number.NaN)).toThrow('invariant')
  expect(() => table.findMany(new Uint8Array(63), new Uint32Array(6))).toThrow('invariant')
  expect(() => table.findMany(new Uint8Array(64), new Uint32Array(5))).toThrow('invariant')
})
