/** What is remembered for a while: manifests read lately, contents put lately. */

import { expect, test } from 'vitest'
import { Recency } from './recency.js'
import { Recent } from './recent.js'

test('a map that is full forgets what was not used for longest', () => {
  const recent = new Recent<string, number>(2)
  recent.set('a', 1)
  recent.set('b', 2)
  expect(recent.get('a')).toBe(1)
  recent.set('c', 3)
  expect(['a', 'b', 'c'].map((key) => recent.get(key))).toEqual([1, undefined, 3])
})

test('of a hundred thousand contents put again, and one, the first is not recent any more', () => {
  const recency = new Recency(() => 1000, { segment: 0, offset: 500 })
  const key = (number: number) => new Uint8Array(new Uint32Array(8).fill(number).buffer)
  for (let number = 0; number <= 100_000; number++) recency.reput(key(number))
  const isRecent = recency.since(10)
  const old = { segment: 0, offset: 100 }
  expect([isRecent(key(0), old), isRecent(key(1), old), isRecent(key(100_000), old)]).toEqual([false, true, true])
})

test('a day of marks is kept: what stands before the oldest of them was put before it', () => {
  let time = 0
  const recency = new Recency(() => time, { segment: 0, offset: 0 })
  for (let mark = 1; mark <= 9000; mark++) {
    time = mark * 10_000
    recency.mark({ segment: mark, offset: 0 })
    recency.mark({ segment: mark, offset: 8 })
  }
  const isRecent = recency.since(100_000)
  expect([
    isRecent(new Uint8Array(32), { segment: 8989, offset: 0 }),
    isRecent(new Uint8Array(32), { segment: 8991, offset: 0 }),
  ]).toEqual([false, true])
  expect(recency.since(2 ** 40)(new Uint8Array(32), { segment: 9000, offset: 0 })).toBe(true)
})
