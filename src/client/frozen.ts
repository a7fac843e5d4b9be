/**
 * A frozen store of the worker, as the page sees it: files and entries come over when they are asked for, in pieces as large as the caller
 * wants. It ends over there when it is released, when nothing on the page can reach it any more, and with the store.
 */

import type { Result, Slice } from '../protocol/messages.js'
import type { Frozen, FrozenFile } from '../types.js'
import type { Connection, Take } from './connection.js'

type Bytes = Uint8Array<ArrayBuffer>

const read = (slice: Slice, take: Take) => take(slice) as Bytes

/** A stream that was forgotten, neither read to its end nor cancelled, must not hold up a repair for ever. */
const forgotten = new FinalizationRegistry(({ connection, frozen }: { connection: Connection; frozen: number }) =>
  end(connection, frozen),
)

export async function freeze(connection: Connection, id: string): Promise<Frozen> {
  const frozen = connection.drawId()
  const made = await connection.call('freeze', { frozen })
  const remote = new RemoteFrozen(connection, frozen, id, made)
  forgotten.register(remote, { connection, frozen })
  return remote
}

/** Nobody waits for the answer. There is none once the store is closed: then it has ended already. */
function end(connection: Connection, frozen: number): void {
  connection.call('frozenEnd', { frozen }).catch(() => {})
}

class RemoteFrozen implements Frozen {
  readonly id: string
  readonly keysAreHashes: boolean
  readonly files: readonly FrozenFile[]
  readonly #connection: Connection
  readonly #frozen: number

  constructor(connection: Connection, frozen: number, id: string, { keysAreHashes, files }: Result<'freeze'>) {
    this.id = id
    this.keysAreHashes = keysAreHashes
    // They reach the whole: as long as a file can be read, it has not been forgotten.
    this.files = files.map(({ path, size }, file) => ({
      path,
      size,
      read: (at, length) => this.#read(file, at, length),
    }))
    this.#connection = connection
    this.#frozen = frozen
  }

  #read(file: number, at: number, length: number): Promise<Bytes> {
    return this.#connection.call('frozenRead', { frozen: this.#frozen, file, at, length }, { read })
  }

  entries(): Promise<Bytes> {
    return this.#connection.call('frozenEntries', { frozen: this.#frozen }, { read })
  }

  value(index: number): Promise<Bytes> {
    return this.#connection.call('frozenValue', { frozen: this.#frozen, index }, { read })
  }

  release(): void {
    end(this.#connection, this.#frozen)
  }
}
