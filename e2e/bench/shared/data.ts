/**
 * The values that all contestants keep: random bytes, which nobody can compress, made from a seed, so that page and worker make the same ones
 * and no message is timed. All of it is made before a clock starts, the keys (SHA-256 of the bytes) too.
 */

export interface Item {
  /** 64 hex digits: the SHA-256 of the value. */
  key: string
  keyBytes: Uint8Array<ArrayBuffer>
  /** A buffer of its own: IndexedDB stores the whole buffer of a view. */
  value: Uint8Array<ArrayBuffer>
}

/** Which items: `count` values of `size` bytes. A smaller count of the same seed and size is a beginning of a larger one. */
export interface ItemsWanted {
  seed: number
  size: number
  count: number
}

/** A generator of 32-bit numbers (xorshift): fast, and random enough for bytes that shall not compress. */
export function randomNumbers(seed: number): () => number {
  let state = (seed * 0x9e3779b1) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

export function fillRandom(bytes: Uint8Array<ArrayBuffer>, next: () => number): void {
  const words = new Uint32Array(bytes.buffer, 0, bytes.length >>> 2)
  for (let index = 0; index < words.length; index++) words[index] = next()
  for (let index = words.length * 4; index < bytes.length; index++) bytes[index] = next()
}

export async function makeItems({ seed, size, count }: ItemsWanted): Promise<Item[]> {
  const next = randomNumbers(seed * 1_000_003 + size)
  const items: Promise<Item>[] = []
  for (let index = 0; index < count; index++) {
    const value = new Uint8Array(size)
    fillRandom(value, next)
    items.push(named(value))
  }
  return Promise.all(items)
}

async function named(value: Uint8Array<ArrayBuffer>): Promise<Item> {
  const keyBytes = new Uint8Array(await crypto.subtle.digest('SHA-256', value))
  const key = Array.from(keyBytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return { key, keyBytes, value }
}

/** Items made once and kept until other values are asked for: one size takes up to 210 MB. */
export class ItemsCache {
  #size = 0
  readonly #made = new Map<number, Promise<Item[]>>()

  async get({ seed, size, count }: ItemsWanted): Promise<Item[]> {
    if (size !== this.#size) this.#made.clear()
    this.#size = size
    let items = await this.#made.get(seed)
    if (items === undefined || items.length < count) {
      const making = makeItems({ seed, size, count })
      this.#made.set(seed, making)
      items = await making
    }
    return items.slice(0, count)
  }
}

/** Another order, the same for the same seed. */
export function shuffled<T>(list: readonly T[], seed: number): T[] {
  const next = randomNumbers(seed)
  const result = [...list]
  for (let index = result.length - 1; index > 0; index--) {
    const other = next() % (index + 1)
    const kept = result[index] as T
    result[index] = result[other] as T
    result[other] = kept
  }
  return result
}

/** Runs of at most `length`: peers take so many values in one call. */
export function* batches<T>(list: readonly T[], length: number): Generator<T[]> {
  for (let start = 0; start < list.length; start += length) yield list.slice(start, start + length)
}

/** Values in one call or transaction of a peer. */
export const BATCH_LENGTH = 256
