/**
 * The SHA-256 of a large content in a thread of its own: the worker starts another one of its own script, which knows by its name what it is for. It begins
 * with the state that the first bytes have left, lives as long as the upload, and gives every buffer back, so that no memory is made anew for what comes.
 * Where no such worker can be had, nothing is lost but time.
 */

import { StoreError } from '../errors.js'
import { createKernel } from '../kernel/kernel.js'
import type { HashThread, WholeHash } from '../store/upload.js'

export const HASH_THREAD_NAME = 'lodestore hash'

const BUFFER_BYTES = 512 * 1024
/** It starts in some tens of milliseconds. One that does not, as there are too many workers say, is not waited for. */
const START_MILLISECONDS_MAX = 2000
/** So many buffers are on their way at most before the upload has to wait: four mebibytes. */
const AWAY_MAX = 8

/** The first one gives the state to begin with; a buffer holds the next bytes. */
type Order = { state: Uint8Array } | { buffer: ArrayBuffer; size: number } | { wanted: 'state' | 'digest' }
/** In the order of the orders. */
type Answer = { ready: boolean } | { buffer: ArrayBuffer } | { value: Uint8Array<ArrayBuffer> }

/** The other thread as this one sees it: a Worker, or a port in tests. */
export interface Thread {
  postMessage(order: Order, transfer: ArrayBuffer[]): void
  onmessage: ((event: MessageEvent<Answer>) => void) | null
  onerror: ((event: ErrorEvent) => void) | null
  terminate(): void
}

/** What `serveHash` needs of its side. */
export interface HashPort {
  postMessage(answer: Answer, transfer: ArrayBuffer[]): void
  onmessage: ((event: MessageEvent<Order>) => void) | null
}

/** Threads that nothing else may hold: browsers drop those, and whoever waits for their answer with them. */
const running = new Set<Thread>()

/** Hashes elsewhere, in a thread that `start` makes for each content. */
export function hashThread(start: () => Thread): HashThread {
  return (state) =>
    new Promise((resolve) => {
      let thread: Thread
      try {
        thread = start()
      } catch {
        // A worker in a worker is not allowed here.
        return resolve(undefined)
      }
      const answer = (isReady: boolean) => {
        clearTimeout(timer)
        if (!isReady) thread.terminate()
        resolve(isReady ? new ThreadHash(thread) : undefined)
      }
      const timer = setTimeout(() => answer(false), START_MILLISECONDS_MAX)
      thread.onmessage = ({ data }) => answer('ready' in data && data.ready)
      thread.onerror = (event) => {
        // Told here, and not to the page, for which it would be the end of the store.
        event.preventDefault()
        answer(false)
      }
      thread.postMessage({ state }, [])
    })
}

class ThreadHash implements WholeHash {
  readonly #thread: Thread
  readonly #free: ArrayBuffer[] = []
  /** The buffer that leaves next, and the bytes in it. */
  #filling: Uint8Array<ArrayBuffer> | undefined
  #filled = 0
  #awayCount = 0
  /** Resolves when fewer are on their way. */
  #room: PromiseWithHands<void> | undefined
  readonly #wanted: PromiseWithHands<Uint8Array<ArrayBuffer>>[] = []
  #failure: StoreError | undefined

  constructor(thread: Thread) {
    this.#thread = thread
    running.add(thread)
    thread.onmessage = ({ data }) => this.#answered(data)
    thread.onerror = (event) => {
      event.preventDefault()
      const message = `the thread that hashes has failed: ${event.message}; put the content again`
      this.#fail(new StoreError('WORKER_DIED', message))
    }
  }

  update(bytes: Uint8Array): Promise<void> | undefined {
    for (let at = 0; at < bytes.length; ) {
      this.#filling ??= new Uint8Array(this.#free.pop() ?? new ArrayBuffer(BUFFER_BYTES))
      const part = bytes.subarray(at, at + BUFFER_BYTES - this.#filled)
      this.#filling.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled === BUFFER_BYTES) this.#send()
    }
    if (this.#awayCount < AWAY_MAX && !this.#failure) return undefined
    this.#room ??= promiseWithHands()
    const { promise } = this.#room
    if (this.#failure) this.#fail(this.#failure)
    return promise
  }

  state(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#want('state')
  }

  digest(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#want('digest')
  }

  end(): void {
    this.#thread.terminate()
    running.delete(this.#thread)
    this.#fail(new StoreError('ABORTED', 'the upload has ended'))
  }

  /** What small pieces have gathered in the buffer. */
  #send(): void {
    if (this.#filling === undefined) return
    const { buffer } = this.#filling
    this.#thread.postMessage({ buffer, size: this.#filled }, [buffer])
    this.#awayCount++
    this.#filling = undefined
    this.#filled = 0
  }

  #want(wanted: 'state' | 'digest'): Promise<Uint8Array<ArrayBuffer>> {
    this.#send()
    const answer = promiseWithHands<Uint8Array<ArrayBuffer>>()
    this.#wanted.push(answer)
    if (this.#failure) this.#fail(this.#failure)
    else this.#thread.postMessage({ wanted }, [])
    return answer.promise
  }

  #answered(answer: Answer): void {
    if ('value' in answer) this.#wanted.shift()?.resolve(answer.value)
    if (!('buffer' in answer)) return
    this.#free.push(answer.buffer)
    if (--this.#awayCount >= AWAY_MAX) return
    this.#room?.resolve()
    this.#room = undefined
  }

  #fail(failure: StoreError): void {
    this.#failure ??= failure
    for (const { reject } of this.#wanted.splice(0)) reject(this.#failure)
    this.#room?.reject(this.#failure)
    this.#room = undefined
  }
}

/** The other side: takes orders until it is terminated. */
export function serveHash(port: HashPort): void {
  port.onmessage = ({ data }) => {
    if (!('state' in data)) return
    begin(data.state).then(
      (take) => {
        port.onmessage = (event) => take(event.data)
        port.postMessage({ ready: true }, [])
      },
      // Not enough memory, say. The one that asked goes on by itself.
      () => port.postMessage({ ready: false }, []),
    )
  }

  async function begin(state: Uint8Array): Promise<(order: Order) => void> {
    const arena = (await createKernel()).arena(BUFFER_BYTES)
    const sha = arena.sha256Stream()
    sha.restore(state)
    return (order) => {
      if ('buffer' in order) {
        const { buffer, size } = order
        arena.view(0, size).set(new Uint8Array(buffer, 0, size))
        sha.update(0, size)
        port.postMessage({ buffer }, [buffer])
      } else if ('wanted' in order) {
        port.postMessage({ value: order.wanted === 'state' ? sha.save() : sha.digest() }, [])
      }
    }
  }
}

interface PromiseWithHands<T> {
  promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

function promiseWithHands<T>(): PromiseWithHands<T> {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  // It is met where it is waited for, and then only if it still matters.
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
