import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { Packer, SMALL_BYTES_MAX, sliceOf } from './bytes.js'

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

test('many parts of a slice cost no more than a few are: of the table nothing else is copied', () => {
  const packer = new Packer()
  const whole = packer.move(bytesOf(SMALL_BYTES_MAX + 1))
  const slice = vi.spyOn(Array.prototype, 'slice')
  for (let at = 0; at < 1000; at++) packer.part(whole, at, 1)
  const copied = slice.mock.results.reduce((sum, { value }) => sum + value.length, 0)
  slice.mockRestore()
  expect(copied).toBeLessThanOrEqual(3 * 1000)
})

test('places beyond 4 GiB arrive as they are, however many there are', () => {
  const packer = new Packer()
  const whole = packer.move(bytesOf(SMALL_BYTES_MAX + 1))
  for (let i = 0; i < 20; i++) packer.part(whole, 2 ** 32 + i, 2 ** 33)
  expect([...packer.slices()].slice(-3)).toEqual([0, 2 ** 32 + 19, 2 ** 33])
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
