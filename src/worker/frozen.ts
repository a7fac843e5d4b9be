/**
 * The frozen stores that a page has, by the numbers that it drew for them. Each holds up repairs and the removal of files, so all end with the
 * store at the latest. Made by the handlers.
 */

import { StoreError } from '../errors.js'
import type { Frozen, FrozenFile } from '../types.js'

export class FrozenStores {
  readonly #stores = new Map<number, Frozen>()

  add(number: number, frozen: Frozen): void {
    // Whoever draws a number twice has lost the first.
    this.end(number)
    this.#stores.set(number, frozen)
  }

  get(number: number): Frozen {
    const found = this.#stores.get(number)
    if (found) return found
    throw new StoreError('CLOSED', 'the frozen store was released; freeze the store again')
  }

  file(number: number, file: number): FrozenFile {
    const found = this.get(number).files[file]
    if (found) return found
    throw new StoreError('BAD_MESSAGE', `the frozen store ${number} has no file ${file}`)
  }

  /** Releases it, if that has not been done. */
  end(number: number): void {
    this.#stores.get(number)?.release()
    this.#stores.delete(number)
  }

  endAll(): void {
    for (const number of this.#stores.keys()) this.end(number)
  }
}
