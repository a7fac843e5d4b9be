/**
 * Who still needs a blob: how many manifests and unfinished uploads list it as a chunk. A blob that nobody lists was stored for its own
 * sake; one that is listed and was stored for its own sake too has a manifest of one chunk, itself. So what a user stored, and
 * what only serves a larger content, can always be told apart.
 *
 * Counted when first asked for, from the manifests and parts in the log; then kept up to date by each transaction that commits.
 */

import { records } from '../format/checkpoint.js'
import { KEY_BYTES, keyHex, RESERVED, reservedKind } from '../format/key.js'
import { type Chunk, decodeManifest, decodeUploadPart, manifestContent } from '../format/manifest.js'
import type { Table } from '../kernel/kernel.js'
import type { Context } from './context.js'
import { soundValue } from './read.js'

export class Holders {
  readonly #context: Context
  /** The holders of each blob that has any, as committed: the count is the `size`. Undefined until it is needed. */
  #counts: Table | undefined
  /** What the open transaction adds and takes, by the key in hex. */
  readonly #changes = new Map<string, { key: Uint8Array; by: number }>()
  /** Transactions that changed lists. */
  #commits = 0
  /** A list could not be read: what it held is not known to be held. */
  #isPartial = false

  constructor(context: Context) {
    this.#context = context
  }

  /** True when there may be chunks whose list cannot be read. Known once `load` has resolved. */
  get isPartial(): boolean {
    return this.#isPartial
  }

  /** Blobs that somebody lists, as committed. Known once `load` has resolved. */
  get heldCount(): number {
    return this.#counts?.count ?? 0
  }

  /** True while the open transaction has changed any list. */
  get isChanging(): boolean {
    return this.#changes.size > 0
  }

  /** Has to resolve before `count` is asked. Costs nothing in a store without large contents. */
  async load(): Promise<void> {
    while (this.#counts === undefined) {
      const { kernel, seed, state } = this.#context
      const before = this.#commits
      const hasLists = state.ownCount(RESERVED.manifest) + state.ownCount(RESERVED.uploadPart) > 0
      const lists = hasLists ? await this.#lists() : []
      // What was committed meanwhile may be in some of the lists only.
      if (before !== this.#commits) continue
      this.#counts = kernel.table(seed)
      for (const list of lists) for (const { key } of list) increase(this.#counts, key, 1)
    }
  }

  /** Holders of a blob, as the open transaction sees it. */
  count(key: Uint8Array): number {
    return (this.#counts?.find(key)?.size ?? 0) + (this.#changes.get(keyHex(key))?.by ?? 0)
  }

  /** Holders as committed, of the key at `at`. */
  committed(keys: Uint8Array, at: number): number {
    return this.#counts?.find(keys, at)?.size ?? 0
  }

  /** Takes in that the open transaction writes a list (1) or deletes one (-1). */
  change(chunks: readonly Chunk[], by: 1 | -1): void {
    for (const { key } of chunks) {
      const hex = keyHex(key)
      const change = this.#changes.get(hex) ?? { key, by: 0 }
      change.by += by
      this.#changes.set(hex, change)
    }
  }

  /** The open transaction has been committed. */
  commit(): void {
    if (this.#changes.size === 0) return
    this.#commits++
    if (this.#counts) for (const { key, by } of this.#changes.values()) increase(this.#counts, key, by)
    this.#changes.clear()
  }

  /** The open transaction has been undone. */
  rollback(): void {
    if (this.#changes.size > 0) this.#changes.clear()
  }

  /** What is in the log has changed otherwise, by a repair: it is counted anew when asked for. */
  forget(): void {
    this.#counts = undefined
    this.#commits++
  }

  /** The chunks of each manifest and part that can be read. */
  async #lists(): Promise<Chunk[][]> {
    const { keys } = this.#context.state
    const block = keys.entries().slice()
    const lists: Chunk[][] = []
    this.#isPartial = false
    for (const { at } of records(block)) {
      const kind = reservedKind(block, at)
      if (kind !== RESERVED.manifest && kind !== RESERVED.uploadPart) continue
      const name = block.slice(at, at + KEY_BYTES)
      const value = await soundValue(this.#context, name, () => keys.find(name))
      const list = value && listIn(kind, value)
      if (list) lists.push(list)
      else this.#isPartial = true
    }
    return lists
  }
}

function listIn(kind: number, value: Uint8Array): Chunk[] | undefined {
  if (kind === RESERVED.uploadPart) return decodeUploadPart(value)?.chunks
  const key = manifestContent(value)
  return key && decodeManifest(value, key)?.chunks
}

function increase(counts: Table, key: Uint8Array, by: number): void {
  const count = (counts.find(key)?.size ?? 0) + by
  if (count > 0) counts.set(key, 0, 0, 0, count)
  else counts.delete(key)
}
