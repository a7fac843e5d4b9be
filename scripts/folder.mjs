// @ts-check
/**
 * The folder that `npm run prove` stores: what is in it, split into batches for the way to the page, and the comparison of what came
 * back with what is on the disk, read again. It knows nothing of stores: a fault there cannot hide itself here. Files that are larger than a batch
 * are a batch of their own; they flow, and are compared by their SHA-256.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, open, readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'

const BATCH_BYTES_MAX = 16 * 1024 * 1024
const BATCH_FILES_MAX = 2000
const PIECE_BYTES = 4 * 1024 * 1024

/** A path from the folder, with '/' between its parts. @typedef {{ name: string, size: number }} FileEntry */

/** True for a file that flows. @param {FileEntry} file */
export function isLarge({ size }) {
  return size > BATCH_BYTES_MAX
}

/**
 * Some bytes of a large file; none at its end.
 * @param {string} path
 * @param {number} offset
 */
export async function readPiece(path, offset) {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES, offset)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/**
 * The file alone, in the folder where it is.
 * @param {string} path
 */
export async function listFile(path) {
  const { size } = await lstat(path)
  return { folder: dirname(path), files: [{ name: basename(path), size }], skipped: { links: 0, others: 0 } }
}

/**
 * Every file in it, by name; what is neither file nor folder is only counted. Nothing is followed out of the folder.
 * @param {string} folder
 */
export async function listFolder(folder) {
  /** @type {FileEntry[]} */
  const files = []
  const skipped = { links: 0, others: 0 }
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) {
      const { size } = await lstat(path)
      files.push({ name: relative(folder, path).split(sep).join('/'), size })
    } else if (entry.isSymbolicLink()) skipped.links++
    else if (!entry.isDirectory()) skipped.others++
  }
  files.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { folder, files, skipped }
}

/** @param {FileEntry[]} files */
export function splitIntoBatches(files) {
  /** @type {FileEntry[][]} */
  const batches = []
  let bytes = 0
  for (const file of files) {
    const batch = batches.at(-1)
    bytes += file.size
    if (batch !== undefined && batch.length < BATCH_FILES_MAX && bytes <= BATCH_BYTES_MAX) batch.push(file)
    else {
      batches.push([file])
      bytes = file.size
    }
  }
  return batches
}

/** Compares what comes back, in any order, with the files. */
export class Comparison {
  /** One line for each file that is not the same. @type {string[]} */
  differences = []
  #folder
  #missing
  /** The large file that is coming back. */
  #hash = createHash('sha256')
  #bytes = 0

  /**
   * @param {string} folder
   * @param {FileEntry[]} files
   */
  constructor(folder, files) {
    this.#folder = folder
    this.#missing = new Set(files.map(({ name }) => name))
  }

  /**
   * @param {string} name
   * @param {Uint8Array | string} found the bytes, or why there are none
   */
  async add(name, found) {
    if (!this.#missing.delete(name)) this.differences.push(`${name}: in the store, but not in the folder`)
    else {
      const difference = typeof found === 'string' ? found : await this.#compare(name, found)
      if (difference !== undefined) this.differences.push(`${name}: ${difference}`)
    }
  }

  /**
   * The next bytes of a large file.
   * @param {Uint8Array} piece
   */
  addPiece(piece) {
    this.#hash.update(piece)
    this.#bytes += piece.length
  }

  /**
   * After the last piece of a large file.
   * @param {string} name
   * @param {string} key what the store says the SHA-256 is
   * @param {string | undefined} error why not all of it came
   */
  async endPieces(name, key, error) {
    const [found, bytes] = [this.#hash.digest('hex'), this.#bytes]
    this.#hash = createHash('sha256')
    this.#bytes = 0
    const add = (/** @type {string} */ difference) => this.differences.push(`${name}: ${difference}`)
    if (!this.#missing.delete(name)) add('in the store, but not in the folder')
    else if (error !== undefined) add(error)
    else {
      const expected = await this.#hashOf(name).catch((error) => error)
      if (expected instanceof Error) add(`cannot be read again: ${expected.message}`)
      else if (found !== expected)
        add(`${bytes} bytes with the SHA-256 ${found} in the store, ${expected} in the folder`)
      else if (key !== expected) add(`has the key ${key}, and is ${expected}`)
    }
  }

  /** @param {string} name */
  async #hashOf(name) {
    const hash = createHash('sha256')
    for await (const piece of createReadStream(join(this.#folder, name))) hash.update(piece)
    return hash.digest('hex')
  }

  /** To be called after the last file: those that did not come back are different too. */
  end() {
    for (const name of this.#missing) this.differences.push(`${name}: not in the store`)
  }

  /**
   * @param {string} name
   * @param {Uint8Array} value
   */
  async #compare(name, value) {
    const file = await readFile(join(this.#folder, name)).catch((error) => error)
    if (file instanceof Error) return `cannot be read again: ${file.message}`
    if (file.equals(value)) return undefined
    if (file.length !== value.length) return `${value.length} bytes in the store, ${file.length} in the folder`
    return `the byte at ${value.findIndex((byte, at) => byte !== file[at])} differs`
  }
}
