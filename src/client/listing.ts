/** A listing that comes in pages: of keys, of names. Left before its end, it is ended on the other side too. */

import { throwIfAborted } from '../errors.js'
import type { Connection } from './connection.js'

interface Page<T> {
  entries: Iterable<T>
  cursor: number | undefined
}

export async function* listing<T>(
  connection: Connection,
  first: () => Promise<Page<T>>,
  next: (cursor: number) => Promise<Page<T>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  let page = await first()
  try {
    for (;;) {
      for (const entry of page.entries) {
        throwIfAborted(signal)
        yield entry
      }
      if (page.cursor === undefined) return
      page = await next(page.cursor)
    }
  } finally {
    // Nobody waits for the answer, and there is nothing to be done if there is none.
    const { cursor } = page
    if (cursor !== undefined) connection.call('listEnd', { cursor }).catch(() => {})
  }
}
