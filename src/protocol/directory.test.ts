import { afterEach, expect, test, vi } from 'vitest'
import { storesDirectory } from './directory.js'

afterEach(() => {
  vi.unstubAllGlobals()
})

test.each([
  { name: 'QuotaExceededError', code: 'QUOTA' }, // Chromium, with no byte free
  { name: 'TypeMismatchError', code: 'IO' },
])('a directory that cannot be made for $name is $code, with the cause', async ({ name, code }) => {
  const cause = new DOMException('as the platform says', name)
  const getDirectory = async () => ({ getDirectoryHandle: () => Promise.reject(cause) })
  vi.stubGlobal('navigator', { storage: { getDirectory } })
  await expect(storesDirectory(true)).rejects.toMatchObject({ code, cause })
})
