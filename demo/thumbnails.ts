/**
 * Small pictures of the pictures in the list. Made when a row with one comes in sight, one at a time and the newest wish first; so many are kept,
 * by content, and what is pushed out is revoked.
 */
import type { Key } from 'lodestore'
import type { Entry } from './names.js'
import { typeToOpen } from './types.js'

/** Twice what the list shows, for fine screens. */
const EDGE_PIXELS = 72
/** Larger pictures are read for nobody who only scrolls past. */
const SOURCE_BYTES_MAX = 32 * 1024 * 1024
/** Far more than are ever in sight. */
const KEPT_MAX = 500
const WISHES_MAX = 60

export class Thumbnails {
  readonly #read: (key: Key) => Promise<Uint8Array<ArrayBuffer> | undefined>
  readonly #onReady: () => void
  /** URLs, the one used longest ago first; undefined for what is no picture after all. */
  readonly #made = new Map<Key, string | undefined>()
  readonly #wishes = new Map<Key, string>()
  #isWorking = false

  constructor(read: (key: Key) => Promise<Uint8Array<ArrayBuffer> | undefined>, onReady: () => void) {
    this.#read = read
    this.#onReady = onReady
  }

  /** The URL of a file's thumbnail; undefined when there is none, or none yet: then it is made. */
  get({ key, type, size }: Entry): string | undefined {
    const asType = type.startsWith('image/') && size <= SOURCE_BYTES_MAX ? typeToOpen(type) : undefined
    if (!asType?.startsWith('image/')) return undefined
    if (this.#made.has(key)) {
      const url = this.#made.get(key)
      this.#made.delete(key)
      this.#made.set(key, url)
      return url
    }
    this.#wishes.delete(key)
    this.#wishes.set(key, asType)
    const oldest = this.#wishes.size > WISHES_MAX ? this.#wishes.keys().next().value : undefined
    if (oldest !== undefined) this.#wishes.delete(oldest)
    if (!this.#isWorking) void this.#work()
    return undefined
  }

  async #work(): Promise<void> {
    this.#isWorking = true
    for (;;) {
      const wish = [...this.#wishes].at(-1)
      if (!wish) break
      const [key, type] = wish
      // What cannot be read or is no picture has no thumbnail; why is said when it is opened.
      const url = await this.#make(key, type).catch(() => undefined)
      this.#wishes.delete(key)
      this.#keep(key, url)
      this.#onReady()
    }
    this.#isWorking = false
  }

  async #make(key: Key, type: string): Promise<string | undefined> {
    const bytes = await this.#read(key)
    if (!bytes) return undefined
    const picture = await createImageBitmap(new Blob([bytes], { type }))
    const { width, height } = picture
    const canvas = new OffscreenCanvas(EDGE_PIXELS, EDGE_PIXELS)
    const context = canvas.getContext('2d')
    // The middle of it, as large as fits into the square.
    const edge = Math.min(width, height)
    context?.drawImage(picture, (width - edge) / 2, (height - edge) / 2, edge, edge, 0, 0, EDGE_PIXELS, EDGE_PIXELS)
    picture.close()
    return URL.createObjectURL(await canvas.convertToBlob({ type: 'image/webp', quality: 0.8 }))
  }

  #keep(key: Key, url: string | undefined): void {
    this.#made.set(key, url)
    if (this.#made.size <= KEPT_MAX) return
    const [[oldest, oldUrl] = []] = this.#made
    if (oldest !== undefined) this.#made.delete(oldest)
    if (oldUrl !== undefined) URL.revokeObjectURL(oldUrl)
  }
}
