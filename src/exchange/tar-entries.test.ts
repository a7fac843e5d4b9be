/** How an archive may come: in pieces of any size, and with entries that nobody wants. */

import { expect, test } from 'vitest'
import { memoryStorage } from '../storage/memory.js'
import { fails } from '../testing/check.js'
import { bytesOf, contentsOf, emptyStore, filesIn, streamOf, tarOf, value } from '../testing/exchange.js'
import { exportStore, importStore } from './store-tar.js'

/** An archive of a small store, with files that are left out before, between and behind those of the store; and what is in it. */
async function withMore() {
  const store = await emptyStore()
  await store.putMany([value(100), value(5000)])
  const files = await filesIn(await bytesOf(await exportStore(store)))
  const more = [...files].flatMap(([path, bytes], i): [string, Uint8Array<ArrayBuffer>][] => [
    [`index.${i}`, value(100)],
    [path, bytes],
  ])
  return { contents: await contentsOf(store), tar: await tarOf(new Map([...more, ['reserve', value(700)]])) }
}

test('files that are left out are passed by, whatever the pieces that the stream comes in', async () => {
  const { contents, tar } = await withMore()
  for (const pieceBytes of [1, 100, 512, 513, 1000, 1024, 2000, 4096, tar.length]) {
    const store = await emptyStore()
    const report = await importStore(store, streamOf(tar, pieceBytes), { scratch: memoryStorage() })
    expect([pieceBytes, report.skipped, await contentsOf(store)]).toEqual([pieceBytes, [], contents])
  }
})

test('what is wrong with an archive is FORMAT also where it shows in a file that is left out', async () => {
  const { tar } = await withMore()
  // The archive ends in two empty blocks; the second begins with a byte that has no place there.
  tar[tar.length - 512] = 1
  for (const pieceBytes of [100, 1000, 1024, tar.length]) {
    const run = async () => importStore(await emptyStore(), streamOf(tar, pieceBytes), { scratch: memoryStorage() })
    await fails(run, 'FORMAT', `in pieces of ${pieceBytes}`)
  }
})
