import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Packer, Slabs, SMALL_BYTES_MAX, sliceOf } from './bytes.js'

const bytesOf = (size: number, seed = 1) => new Uint8Array(Buffer.alloc(size, `${seed} and so on`))

function envelope(packer: Packer) {
  const { buffers, transfers } = packer
  return structuredClone({ items: [], buffers, slices: packer.slices() }, { transfer: transfers })
}

test('values of any sizes, copied or moved in any order, come out as they went in', () => {
  const value = fc.record({
    size: fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: SMALL_BYTES_MAX - 2, max: SMALL_BYTES_MAX + 2 }),
    ),
    move: fc.boolean(),
    part: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(value, { maxLength: 60 }), (values) => {
      const packer = new Packer()
      const expected = values.map(({ size, part }, i) =>
        part ? bytesOf(size + 9, i).subarray(4, 4 + size) : bytesOf(size, i),
      )
      const kept = expected.map((bytes) => bytes.slice())
      const numbers = expected.map((bytes, i) => (values[i]?.move ? packer.move(bytes) : packer.copy(bytes)))
      const message = envelope(packer)
      numbers.forEach((number, i) => {
        expect(Buffer.compare(sliceOf(message, number), kept[i] as Uint8Array)).toBe(0)
      })
    }),
    { numRuns: 60 },
  )
})

test('a thousand small values share a few buffers', () => {
  const packer = new Packer()
  for (let i = 0; i < 1000; i++) packer.copy(bytesOf(1000, i))
  expect(packer.buffers.length).toBeLessThan(10)
})

test('a large value that is moved is not copied, and moved with the message', () => {
  const packer = new Packer()
  const bytes = bytesOf(SMALL_BYTES_MAX + 1)
  packer.move(bytes)
  expect([packer.buffers, packer.transfers]).toEqual([[bytes.buffer], [bytes.buffer]])
})

test('a small value that is alone is neither copied here nor moved: the message copies it', () => {
  const packer = new Packer()
  const bytes = bytesOf(SMALL_BYTES_MAX)
  packer.move(bytes)
  expect([packer.buffers, packer.transfers]).toEqual([[bytes.buffer], []])
})

test('a part of a larger buffer is not moved: the rest stays where it is', () => {
  const packer = new Packer()
  const whole = bytesOf(100_000)
  packer.move(whole.subarray(10, 90_000))
  expect(packer.buffers).not.toContain(whole.buffer)
})

test('what is copied does not change when the source does', () => {
  const packer = new Packer()
  const [small, large] = [bytesOf(10), bytesOf(SMALL_BYTES_MAX * 2)]
  const numbers = [packer.copy(small), packer.copy(large)]
  small.fill(0)
  large.fill(0)
  const message = envelope(packer)
  expect(numbers.map((number) => sliceOf(message, number))).toEqual([bytesOf(10), bytesOf(SMALL_BYTES_MAX * 2)])
})

test('parts of a buffer are not copied: it is moved, once, and they arrive as parts of it', () => {
  const packer = new Packer()
  const whole = bytesOf(SMALL_BYTES_MAX + 1000)
  const kept = whole.slice()
  const numbers = Array.from({ length: 1000 }, (_, at) => packer.part(whole.subarray(at, at + at)))
  expect([packer.buffers, packer.transfers]).toEqual([[whole.buffer], [whole.buffer]])
  const message = envelope(packer)
  for (const [at, number] of numbers.entries()) {
    expect(Buffer.compare(sliceOf(message, number), kept.subarray(at, at + at))).toBe(0)
  }
})

test('what slabs have copied is not copied again', () => {
  const slabs = new Slabs()
  const values = Array.from({ length: 300 }, (_, i) => bytesOf(i * 100, i))
  const copies = values.map((value) => slabs.copy(value))
  const buffers = new Set(copies.map(({ buffer }) => buffer))
  const packer = new Packer()
  const numbers = copies.map((copy) => packer.part(copy))
  expect(new Set(packer.buffers)).toEqual(buffers)
  const message = envelope(packer)
  expect(numbers.map((number) => sliceOf(message, number))).toEqual(values)
})

test('places beyond 4 GiB arrive as they are, however many there are', () => {
  const packer = new Packer()
  const whole = new ArrayBuffer(2 ** 33)
  for (let i = 0; i < 20; i++) packer.part(new Uint8Array(whole, 2 ** 32 + i, 2 ** 31))
  expect([...packer.slices()].slice(-3)).toEqual([0, 2 ** 32 + 19, 2 ** 31])
})

test('bytes of a SharedArrayBuffer are copied into one that can be sent', () => {
  const packer = new Packer()
  const shared = new Uint8Array(new SharedArrayBuffer(SMALL_BYTES_MAX * 2)).fill(7)
  const number = packer.copy(shared)
  expect(sliceOf(envelope(packer), number)).toEqual(new Uint8Array(SMALL_BYTES_MAX * 2).fill(7))
})

test('an empty value is one, also when it is the first', () => {
  const packer = new Packer()
  const number = packer.copy(new Uint8Array(0))
  expect(sliceOf(envelope(packer), number)).toEqual(new Uint8Array(0))
})

test('a value that is alone in its message travels in a buffer of its own size, and is not copied when it is moved', () => {
  const [moved, copied, part] = [new Packer(), new Packer(), new Packer()]
  const bytes = bytesOf(1000)
  copied.copy(bytes)
  part.move(bytes.subarray(1))
  moved.move(bytes)
  expect(copied.buffers.map(({ byteLength }) => byteLength)).toEqual([1000])
  expect(part.buffers.map(({ byteLength }) => byteLength)).toEqual([999])
  expect(moved.buffers).toEqual([bytes.buffer])
  expect(moved.buffers[0]).toBe(bytes.buffer)
})
