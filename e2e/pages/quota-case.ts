/**
 * A conformance case for a storage with little room (20 MB at most), which only a real browser can give: e2e/quota.spec.ts sets the
 * quota, storage-worker.ts runs it. What a failed write leaves past the old end of the file is not promised.
 */
import { equal, fails } from '../../src/testing/check.js'
import type { ConformanceCase } from '../../src/testing/conformance.js'

const MEBIBYTE = 1 << 20

export const quotaCase: ConformanceCase = {
  name: 'with no room left growing fails with QUOTA; reading, overwriting, shrinking and removing work, and writing again after that',
  async run({ storage }) {
    const piece = new Uint8Array(MEBIBYTE).fill(7)
    const file = await storage.open('data/full', { create: true })
    const before = await storage.open('data/before', { create: true })
    before.write(piece, 0)

    let size = 0
    const fill = () => {
      // The bound is far over the quota: without a failure the case would fill the disk.
      for (; size < 100 * MEBIBYTE; size += piece.length) file.write(piece, size)
    }
    const error = await fails(fill, 'QUOTA', 'a write past the quota')
    equal(error.name, 'QuotaExceededError', 'name')
    equal(error.where?.file, 'data/full', 'the file the error names')
    await fails(() => file.truncate(100 * MEBIBYTE), 'QUOTA', 'growing past the quota')

    file.truncate(size)
    const back = new Uint8Array(MEBIBYTE)
    equal(file.read(back, size - MEBIBYTE), MEBIBYTE, 'bytes read')
    equal(
      back.every((byte) => byte === 7),
      true,
      'the last whole piece is as written',
    )
    file.write(piece.fill(8), 0)
    await file.flush()

    before.close()
    await storage.remove('data/before')
    file.truncate(MEBIBYTE)
    file.write(piece, MEBIBYTE)
    await file.flush()
    equal(file.size(), 2 * MEBIBYTE, 'size at the end')
  },
}
