/**
 * Who still needs a content. A blob is held by each manifest and each unfinished upload that lists it as a chunk. One that nobody lists was
 * stored for its own sake; one that is listed and was stored for its own sake too has a manifest of one chunk, itself. So what a user
 * stored and what only serves a larger content can always be told apart. Names hold contents as a whole.
 *
 * Counted when first asked for, from the entries in the log; then kept up to date by each transaction that commits.
 */

import { assert } from '../errors.js'
import { keyHex, RESERVED, reservedKind } from '../format/key.js'
import { type Chunk, decodeManifest, decodeUploadPart, manifestContent } from '../format/manifest.js'
import { decodeRef } from '../format/ref.js'
import type { Context } from './context.js'
import { Counter } from './counter.js'
import { ownKeys } from './index-records.js'
import { readCommitted, unlessDamaged } from './read.js'

/** The store's own entries that hold others. */
const HOLDING: readonly number[] = [RESERVED.manifest, RESERVED.uploadPart, RESERVED.ref]

export class Holders {
  readonly #context: Context
  /** Lists that a blob stands in, as often as it does. */
  readonly lists: Counter
  /** Names of a content. */
  readonly names: Counter
  #isLoaded = false
  /** Transactions that changed anything here. */
  #commits = 0
  /** The open transaction takes away an entry that cannot be read: what it held may have been counted. */
  #isStale = false
  /** Entries, in hex, that could not be read when all was counted: what they hold is not among it. */
  #uncounted: ReadonlySet<string> = new Set()

  constructor(context: Context) {
    this.#context = context
    this.lists = new Counter(context.kernel.table(context.seed))
    this.names = new Counter(context.kernel.table(context.seed))
  }

  /** True when there may be contents whose holders cannot be read. Known once `load` has resolved. */
  get isPartial(): boolean {
    return this.#uncounted.size > 0
  }

  /** True when what this entry holds is counted. The entry may be damaged, and what it held still be known, or the other way round. */
  isCounted(entry: Uint8Array): boolean {
    return !this.#uncounted.has(keyHex(entry))
  }

  /** Has to resolve before a count is asked. Costs nothing in a store without large contents and names. */
  async load(): Promise<void> {
    while (!this.#isLoaded) {
      const before = this.#commits
      const { lists, names, uncounted } = await this.#read()
      // What was committed meanwhile may be in some of them only.
      if (before !== this.#commits) continue
      this.lists.replace(lists)
      this.names.replace(names)
      this.#uncounted = uncounted
      this.#isLoaded = true
    }
  }

  /** The open transaction writes a list (1) or deletes one (-1). */
  changeLists(chunks: readonly Chunk[], by: 1 | -1): void {
    for (const { key } of chunks) this.lists.change(key, by)
  }

  /** Takes the memory that `commit` needs. Throws RangeError when there is none. */
  reserve(): void {
    this.lists.reserve()
    this.names.reserve()
  }

  /** The open transaction has been committed. */
  commit(): void {
    if (!this.lists.isChanging && !this.names.isChanging && !this.#isStale) return
    this.#commits++
    assert(this.#isLoaded, 'who changes a count has loaded them before')
    this.lists.commit()
    this.names.commit()
    if (this.#isStale) this.#isLoaded = false
    this.#isStale = false
  }

  /** The open transaction has been undone. */
  rollback(): void {
    this.lists.rollback()
    this.names.rollback()
    this.#isStale = false
  }

  /** The open transaction takes away an entry that cannot be read: after its commit all is counted anew. */
  recount(): void {
    this.#isStale = true
  }

  /** What is in the log has changed otherwise, by a repair: it is counted anew when asked for. */
  forget(): void {
    this.#isLoaded = false
    this.#commits++
  }

  /** What each entry holds that holds anything. */
  async #read(): Promise<{ lists: Uint8Array[]; names: Uint8Array[]; uncounted: Set<string> }> {
    const { state } = this.#context
    const found = { lists: [] as Uint8Array[], names: [] as Uint8Array[], uncounted: new Set<string>() }
    for (const entry of ownKeys(state, HOLDING)) {
      const kind = reservedKind(entry)
      const value = await unlessDamaged(readCommitted(this.#context, entry))
      const held = value && heldBy(kind, value)
      if (held === undefined) found.uncounted.add(keyHex(entry))
      else if (kind === RESERVED.ref) found.names.push(...held)
      else for (const key of held) found.lists.push(key)
    }
    return found
  }
}

function heldBy(kind: number | undefined, value: Uint8Array): Uint8Array[] | undefined {
  if (kind === RESERVED.ref) {
    const ref = decodeRef(value)
    return ref && [ref.key]
  }
  if (kind === RESERVED.uploadPart) return decodeUploadPart(value)?.chunks.map(({ key }) => key)
  const content = manifestContent(value)
  return content && decodeManifest(value, content)?.chunks.map(({ key }) => key)
}
