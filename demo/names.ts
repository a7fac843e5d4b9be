/**
 * The files of the page: the names in the store, each with what the demo notes beside its key.
 *
 * Memory follows the store: `remember` and `forget` are called after the commit that they tell of. A name that another
 * app has set (it came with an imported archive) has no such note: what can be found out about it otherwise is shown.
 */
import { isStoreError, type Key, type Ref, type RefOperations, type Store } from 'lodestore'
import { explain } from './explain.js'
import { addProblem } from './problems.js'
import { typeOf } from './types.js'

/** A file in the list. Never changed in place: a change makes a new one. */
export interface Entry {
  /** With its path inside the folder that was added, separated by '/'. */
  readonly name: string
  readonly key: Key
  readonly size: number
  /** MIME type, as far as the browser knew one; else ''. */
  readonly type: string
  /** When the file was last changed, and when it was added, in milliseconds since 1970. */
  readonly modified: number
  readonly added: number
}

type Note = Omit<Entry, 'name' | 'key'>

export class Names {
  readonly #entries = new Map<string, Entry>()

  /** Takes over what the store has now. Where a name is damaged there is no list, and that is said; all else goes on, repairing above all. */
  async load(store: Store): Promise<void> {
    this.#entries.clear()
    try {
      await this.#read(store)
    } catch (error) {
      if (!isStoreError(error, 'CORRUPT')) throw error
      addProblem(
        'The list of names',
        'cannot be read as it is. Press Verify, then Repair: that keeps all names but the damaged ones.',
        explain(error).detail,
      )
    }
  }

  async #read(store: Store): Promise<void> {
    const strangers: Ref[] = []
    for await (const ref of store.refs.list()) {
      const { name, key, meta } = ref
      if (isNote(meta)) this.#entries.set(name, { ...meta, name, key })
      else strangers.push(ref)
    }
    const sizes = new Map<Key, number>()
    if (strangers.length > 0) for await (const { key, size } of store.keys()) sizes.set(key, size)
    for (const { name, key } of strangers) {
      this.#entries.set(name, { name, key, size: sizes.get(key) ?? 0, type: typeOf(name, ''), modified: 0, added: 0 })
    }
  }

  get size(): number {
    return this.#entries.size
  }

  find(name: string): Entry | undefined {
    return this.#entries.get(name)
  }

  all(): Iterable<Entry> {
    return this.#entries.values()
  }

  remember(entries: Iterable<Entry>): void {
    for (const entry of entries) this.#entries.set(entry.name, entry)
  }

  forget(entries: Iterable<Entry>): void {
    for (const { name } of entries) this.#entries.delete(name)
  }
}

/** Sets the name of a content, in a transaction or as one of its own. */
export function setName(refs: RefOperations, { name, key, ...note }: Entry): Promise<void> {
  return refs.set(name, key, note satisfies Note)
}

function isNote(meta: unknown): meta is Note {
  if (typeof meta !== 'object' || meta === null) return false
  const { size, type, modified, added } = meta as { [field in keyof Note]?: unknown }
  return [size, modified, added].every((field) => typeof field === 'number') && typeof type === 'string'
}
