/**
 * Gathers messages and posts them as one. What one task asks for (on the page), or what becomes ready together
 * (in the worker), leaves in one envelope: a message costs a hundred times what an item in it costs.
 * Bytes packed and items added without an `await` in between leave together; that is what makes a slice's number valid.
 */

import { Packer } from './bytes.js'
import type { Transport } from './messages.js'

/** So many bytes are worth a message of their own. */
const MANY_BYTES = 256 * 1024

export class Outbox<Item> {
  readonly #transport: Transport
  readonly #lost: (items: Item[], error: unknown) => void
  #items: Item[] = []
  #packer = new Packer()
  #isGathering = false

  /** `lost` is told which items could not be posted, and why; those that come with them are posted. */
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

  /**
   * Posts once a turn of the microtask queue has brought nothing new: answers to a shared commit come over several turns. Many bytes do not wait for
   * more: the other side can work on them meanwhile.
   */
  #settle(seen: number): void {
    void Promise.resolve().then(() => {
      const count = this.#items.length
      if (count === seen || this.#packer.size >= MANY_BYTES) this.#post()
      else this.#settle(count)
    })
  }

  #post(): void {
    const [items, packer] = [this.#items, this.#packer]
    this.#items = []
    this.#packer = new Packer()
    this.#isGathering = false
    this.#send(items, packer)
  }

  #send(items: Item[], packer: Packer): void {
    if (items.length === 0) return
    const { buffers, transfers } = packer
    try {
      this.#transport.postMessage({ items, buffers, slices: packer.slices() }, transfers)
    } catch (error) {
      // Nothing has been moved yet: the others go without those that cannot be cloned.
      const rest = items.filter((item) => this.#canBeCloned(item))
      if (rest.length < items.length) this.#send(rest, packer)
      else this.#lost(items, error)
    }
  }

  /** What cannot is lost. */
  #canBeCloned(item: Item): boolean {
    try {
      structuredClone(item)
      return true
    } catch (error) {
      this.#lost([item], error)
      return false
    }
  }
}
