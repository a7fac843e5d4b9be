import { expect, test } from 'vitest'
import { isUserKey, keyHex } from '../format/key.js'
import { memoryStorage } from '../storage/memory.js'
import { key } from '../testing/engine-case.js'
import { emptyStore, value } from '../testing/exchange.js'
import { entriesOf } from './entries.js'

test('entries come in the order in which they were last written, over all segments, each with the index of its value', async () => {
  const store = await emptyStore(memoryStorage(), { maxSegmentSize: 20_000 })
  const contents = Array.from({ length: 300 }, (_, i) => value(200 + i, i))
  const names = contents.map((_, i) => key(i + 1))
  // The index has them in another order than the log then.
  for (const name of names.toReversed()) await store.set(name, 'first')
  for (const [i, name] of names.entries()) await store.set(name, contents[i] ?? '')
  const frozen = await store.freeze()
  const entries = (await entriesOf(frozen)).filter(({ key }) => isUserKey(key))
  expect(entries.map(({ key }) => keyHex(key))).toEqual(names)
  for (const [i, { index, size }] of entries.entries()) {
    expect(await frozen.value(index)).toEqual(contents[i])
    expect(size).toBe(200 + i + 41)
  }
})
