/** What a browser that lacks something that the kernel needs is told. */

import { afterEach, expect, test, vi } from 'vitest'
import { createKernel } from './kernel.js'

afterEach(() => vi.unstubAllGlobals())

test.each(['WebAssembly', 'DecompressionStream'])(
  'without %s it is UNSUPPORTED, and the cause is told',
  async (name) => {
    vi.stubGlobal(name, undefined)
    await expect(createKernel()).rejects.toMatchObject({ code: 'UNSUPPORTED', cause: expect.any(Error) })
  },
)
