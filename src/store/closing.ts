/** What a close ends: the waiting for sources that may never answer. A put that is ended so says CLOSED, whatever it met first. Used by the engine and its uploads. */

import { isStoreError, StoreError } from '../errors.js'

/** What a call throws that met `error`, when `closing` fires at the store's close. */
export function errorAt(closing: AbortSignal, error: unknown): unknown {
  // A close that comes while bytes are written ends the transaction behind them.
  const isEnded = isStoreError(error, 'ABORTED') || isStoreError(error, 'TX_CLOSED')
  if (!closing.aborted || !isEnded) return error
  return new StoreError('CLOSED', 'the store was closed before all of it had come; open it again', { cause: error })
}
