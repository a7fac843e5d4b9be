/** Progress of an export of files, when contents are not what they were when it began. */

import { expect, test } from 'vitest'
import { StoreError } from '../errors.js'
import { memoryStorage } from '../storage/memory.js'
import { emptyStore, value } from '../testing/exchange.js'
import type { Progress } from '../types.js'
import { exportFiles } from './files.js'

/** A stream of these bytes, which fails behind them if that is wanted. */
function streamOf(bytes: Uint8Array<ArrayBuffer>, failure?: StoreError): ReadableStream<Uint8Array<ArrayBuffer>> {
  let isFirst = true
  return new ReadableStream({
    pull(controller) {
      if (isFirst) controller.enqueue(bytes)
      else if (failure) controller.error(failure)
      else controller.close()
      isFirst = false
    },
  })
}

test('progress never goes back, and stays within the total, whatever becomes of a content while it is read', async () => {
  const store = await emptyStore()
  for (const size of [10, 20, 30]) await store.refs.set(`of ${size}`, await store.put(value(size)))
  const streams = [
    streamOf(value(8), new StoreError('CORRUPT', 'damaged')),
    // Of a chosen key, and set anew since.
    streamOf(value(60)),
    streamOf(value(30)),
  ]
  const changing = { refs: store.refs, keys: store.keys.bind(store), stream: async () => streams.shift() }
  const steps: Progress[] = []
  const report = await exportFiles(changing, memoryStorage(), { onProgress: (step) => steps.push(step) })
  expect([report.files, report.bytes, report.skipped.length]).toEqual([2, 90, 1])
  expect(steps).toEqual([8, 60, 60].map((done) => ({ done, total: 60 })))
})
