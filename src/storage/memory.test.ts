/** What only the storage in memory does: how its files grow, and how they fail to. The rest is in the conformance suite. */
import { expect, it } from 'vitest'
import { memoryStorage } from './memory.js'

it('growing past what the machine can give is QUOTA and leaves the file as it was', async () => {
  const file = await memoryStorage().open('file', { create: true })
  file.write(Uint8Array.of(1, 2, 3), 0)
  const expected = expect.objectContaining({ code: 'QUOTA', where: { file: 'file' }, cause: expect.any(RangeError) })
  expect(() => file.truncate(2 ** 52)).toThrow(expected)
  expect(() => file.write(Uint8Array.of(4), 2 ** 52)).toThrow(expected)
  const bytes = new Uint8Array(4)
  expect(file.size()).toBe(3)
  expect(file.read(bytes, 0)).toBe(3)
  expect(bytes).toEqual(Uint8Array.of(1, 2, 3, 0))
})

it('appending bytes one by one copies the file a few times only', async () => {
  const file = await memoryStorage().open('file', { create: true })
  const set = Uint8Array.prototype.set
  let copied = 0
  Uint8Array.prototype.set = function (source: ArrayLike<number>, at?: number) {
    copied += source.length
    return set.call(this, source, at)
  }
  try {
    for (let at = 0; at < 20_000; at++) file.write(Uint8Array.of(at), at)
  } finally {
    Uint8Array.prototype.set = set
  }
  expect(copied).toBeGreaterThanOrEqual(20_000)
  expect(copied).toBeLessThan(80_000)
})
