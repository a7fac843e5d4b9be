/**
 * The page's end of the worker (worker/worker.ts): a request out, its answer in. One worker serves a whole run.
 */
import type { WorkerAnswer, WorkerRequest } from '../shared/keeper.js'

interface Waiting {
  resolve(result: number): void
  reject(error: Error): void
}

export class BenchWorker {
  readonly #worker = new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module' })
  readonly #waiting = new Map<number, Waiting>()
  #count = 0

  constructor() {
    this.#worker.onmessage = ({ data: { id, result = 0, failure } }: MessageEvent<WorkerAnswer>) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (failure === undefined) waiting?.resolve(result)
      else waiting?.reject(new Error(failure))
    }
    this.#worker.onerror = (event) => {
      const error = new Error(`the worker failed: ${event.message || 'its script did not load'}`)
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    }
  }

  ask(request: WorkerRequest): Promise<number> {
    const id = this.#count++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ ...request, id })
    })
  }

  end(): void {
    this.#worker.terminate()
  }
}
