/**
 * The demo's own list of names: which file name, of which type, stands for which key.
 *
 * It lives in the store it describes, as pages of at most PAGE_MAX names. A page is a JSON value under a key of its own,
 * made of the words below and the page's number; so adding a file rewrites one page, however many names there are.
 * Invariant: a page and the blobs that it names change in the same transaction, so no name ever points to nothing,
 * and a blob goes when its last name goes. Memory changes only after the commit.
 */
import type { Key, Store, Transaction } from 'lodestore'

/** A file in the list. Never changed in place: a change makes a new one. */
export interface Entry {
  /** With its path inside the folder that was added, separated by '/'. */
  readonly name: string
  readonly key: Key
  readonly size: number
  /** MIME type, as far as the browser knew one; else ''. */
  readonly type: string
  /** When it was added, in milliseconds since 1970. */
  readonly added: number
}

export interface Change {
  removed: Iterable<Entry>
  added: Iterable<Entry>
}

const PAGE_MAX = 128

/** 24 bytes of text and 8 of the page's number make the 32 of a key. */
const PAGE_PREFIX = hex(new TextEncoder().encode('lodestore demo catalogue'))

export class Catalogue {
  readonly #store: Store
  readonly #pages = new Map<number, readonly Entry[]>()
  /** Each name's entry, and the page it stands on. */
  readonly #places = new Map<string, { entry: Entry; page: number }>()
  /** How many names each blob has. */
  readonly #uses = new Map<Key, number>()
  /** The page that takes new names. */
  #newest = 0
  #lastChange: Promise<unknown> = Promise.resolve()

  private constructor(store: Store) {
    this.#store = store
  }

  /** Reads all pages. One that cannot be read is left alone and reported; the others are not affected. */
  static async load(store: Store): Promise<{ catalogue: Catalogue; faults: unknown[] }> {
    const catalogue = new Catalogue(store)
    const numbers: number[] = []
    for await (const { key } of store.keys()) {
      if (key.startsWith(PAGE_PREFIX)) numbers.push(Number.parseInt(key.slice(PAGE_PREFIX.length), 16))
    }
    numbers.sort((a, b) => a - b)
    const read = await Promise.allSettled(numbers.map(async (number) => parsePage(await store.get(pageKey(number)))))
    const faults: unknown[] = []
    for (const [at, number] of numbers.entries()) {
      const page = read[at]
      if (page?.status === 'fulfilled') {
        catalogue.#pages.set(number, page.value)
        for (const entry of page.value) catalogue.#enter(entry, number)
        catalogue.#newest = number
      } else {
        faults.push(page?.reason)
        catalogue.#newest = number + 1
      }
    }
    return { catalogue, faults }
  }

  get size(): number {
    return this.#places.size
  }

  find(name: string): Entry | undefined {
    return this.#places.get(name)?.entry
  }

  *entries(): Iterable<Entry> {
    for (const { entry } of this.#places.values()) yield entry
  }

  /**
   * Runs `fill` in a transaction, then writes the pages for what it answers, and commits both together.
   * An added entry takes the place of the one with its name; names in `added` must differ. Changes wait for each other.
   */
  async change(fill: (tx: Transaction) => Change | Promise<Change>): Promise<void> {
    const change = this.#lastChange.then(async () => {
      const remember = await this.#store.transaction(async (tx) => this.#write(tx, await fill(tx)))
      remember()
    })
    this.#lastChange = change.catch(() => undefined)
    await change
  }

  /** Writes a change into `tx`; what it answers makes memory agree, once that is committed. */
  async #write(tx: Transaction, change: Change): Promise<() => void> {
    const added = [...change.added]
    const removed = new Set(change.removed)
    for (const entry of added) {
      const before = this.find(entry.name)
      if (before) removed.add(before)
    }

    const pages = new Map<number, Entry[]>()
    const page = (number: number): Entry[] => {
      const draft = pages.get(number) ?? [...(this.#pages.get(number) ?? [])]
      pages.set(number, draft)
      return draft
    }
    for (const entry of removed) {
      const place = this.#places.get(entry.name)
      if (place?.entry !== entry) removed.delete(entry)
      else remove(page(place.page), entry)
    }
    let newest = this.#newest
    const places = added.map((entry) => {
      if (page(newest).length >= PAGE_MAX) newest += 1
      page(newest).push(entry)
      return { entry, page: newest }
    })

    const uses = new Map<Key, number>()
    const use = (key: Key, by: number) => uses.set(key, (uses.get(key) ?? this.#uses.get(key) ?? 0) + by)
    for (const { key } of added) use(key, 1)
    for (const { key } of removed) use(key, -1)

    const writes: Promise<unknown>[] = []
    for (const [key, left] of uses) if (left === 0) writes.push(tx.delete(key))
    for (const [number, entries] of pages) {
      writes.push(entries.length === 0 ? tx.delete(pageKey(number)) : tx.set(pageKey(number), JSON.stringify(entries)))
    }
    await Promise.all(writes)

    return () => {
      this.#newest = newest
      for (const [number, entries] of pages) this.#pages.set(number, entries)
      for (const entry of removed) this.#forget(entry)
      for (const place of places) this.#enter(place.entry, place.page)
    }
  }

  #enter(entry: Entry, page: number): void {
    this.#places.set(entry.name, { entry, page })
    this.#uses.set(entry.key, (this.#uses.get(entry.key) ?? 0) + 1)
  }

  #forget(entry: Entry): void {
    this.#places.delete(entry.name)
    const left = (this.#uses.get(entry.key) ?? 0) - 1
    if (left > 0) this.#uses.set(entry.key, left)
    else this.#uses.delete(entry.key)
  }
}

function remove(entries: Entry[], entry: Entry): void {
  const at = entries.indexOf(entry)
  if (at >= 0) entries.splice(at, 1)
}

function pageKey(number: number): Key {
  return PAGE_PREFIX + number.toString(16).padStart(16, '0')
}

function parsePage(value: Uint8Array | undefined): Entry[] {
  const page: unknown = JSON.parse(new TextDecoder().decode(value))
  if (!Array.isArray(page) || !page.every(isEntry)) throw new Error('a page of names is not what this version writes')
  return page
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false
  const entry = value as { [field in keyof Entry]?: unknown }
  return (
    typeof entry.name === 'string' &&
    typeof entry.key === 'string' &&
    typeof entry.size === 'number' &&
    typeof entry.type === 'string' &&
    typeof entry.added === 'number'
  )
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
