/**
 * What has to stay while it is waited for. Chromium (156) collects some objects of the platform though a promise of theirs is pending, which then
 * never settles, and whatever waits for it waits for ever: a `FileSystemFileHandle` that opens an access handle, once the function that called it is
 * compiled and has no more use for it, and a reader of a Blob's byte stream. `e2e/collection.spec.ts` shows both.
 */

const inUse = new Set<object>()

/** The promise's own outcome; until then `owner` is not collected. */
export async function held<T>(owner: object, promise: Promise<T>): Promise<T> {
  const hold = { owner }
  inUse.add(hold)
  try {
    return await promise
  } finally {
    inUse.delete(hold)
  }
}
