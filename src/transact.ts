/** A transaction around a function, on the page and in the engine. */

import type { Transaction } from './types.js'

/** Commits when `fn` has ended, rolls back when it or the commit fails. */
export async function transact<R, T extends Transaction>(begun: Promise<T>, fn: (tx: T) => Promise<R> | R): Promise<R> {
  const tx = await begun
  try {
    const result = await fn(tx)
    await tx.commit()
    return result
  } catch (error) {
    // The caller's own error is what counts; a transaction that cannot be rolled back has ended already.
    await tx.rollback().catch(() => {})
    throw error
  }
}
