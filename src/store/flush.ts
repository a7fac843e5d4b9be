/** What is flushed and what the head says of it: the two go together, at each commit and wherever the log has to be durable. */

import { isStoreError } from '../errors.js'
import type { Context } from './context.js'

/** Flushes what relaxed commits wrote, and says so in the head. */
export async function flushLog(context: Context): Promise<void> {
  const { head, state, writer } = context
  await writer.flush()
  // Also when there was nothing to flush: a transaction that was rolled back may have flushed what stood before it.
  if (head.transaction !== state.transaction) await writeHead(context)
}

/**
 * The head helps to tell damage from a torn tail; the commit stands without it. So a head that cannot be written now is no failure of
 * the commit: the next one writes it again, and `check` reports one that lags behind.
 */
export async function writeHead({ head, state, writer, degraded }: Context): Promise<void> {
  // Where the log is damaged the old head is what still says how far it once was whole.
  if (degraded) return
  try {
    await head.revive()
    head.write({ transaction: state.transaction, ...writer.end })
  } catch (error) {
    if (!isStoreError(error)) throw error
  }
}
