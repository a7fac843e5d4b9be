/**
 * Gathers messages and posts them as one. What one task asks for (on the page), or what becomes ready together
 * (in the worker), leaves in one envelope: a message costs a hundred times what an item in it costs.
 * Bytes packed and items added without an `await` in between leave together; that is what makes a slice's number valid.
 */

import { Packer } from './bytes.js'
import type { Transport } from './messages.js'

export class Outbox<Item> {
  readonly #transport: Transport
  readonly #lost: (items: Item[], error: unknown) => void
  #items: Item[] = []
  #packer = new Packer()
  #isGathering = false

  /** `lost` is told which items could not be posted, and why. */
  constructor(transport: Transport, lost: (items: Item[], error: unknown) => void) {
    this.#transport = transport
    this.#lost = lost
  }

  /** Takes the bytes of the items that are added next, before any `await`. If none is added, they are let go. */
  get bytes(): Packer {
    this.#gather()
    return this.#packer
  }

  add(item: Item): void {
    this.#items.push(item)
    this.#gather()
  }

  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    this.#settle(this.#items.length)
  }

  /** Posts once a turn of the microtask queue has brought nothing new: answers to a shared commit come over several turns. */
  #settle(seen: number): void {
    void Promise.resolve().then(() => {
      const count = this.#items.length
      if (count === seen) this.#post()
      else this.#settle(count)
    })
  }

  #post(): void {
    const items = this.#items
    const { buffers, transfers } = this.#packer
    const envelope = { items, buffers, slices: this.#packer.slices() }
    this.#items = []
    this.#packer = new Packer()
    this.#isGathering = false
    if (items.length === 0) return
    try {
      this.#transport.postMessage(envelope, transfers)
    } catch (error) {
      this.#lost(items, error)
    }
  }
}
