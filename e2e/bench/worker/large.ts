/**
 * The yardsticks of large contents: a file of random bytes written through a sync access handle, flushed at the end, and the kernel's SHA-256 over
 * all of it. The page then stores this file. Only the writes and the hashing are timed; bytes are made and read between them.
 */
import { createKernel } from 'lodestore/engine'
import { fillRandom, randomNumbers } from '../shared/data.js'
import { emptyDirectory, fileOf } from '../shared/directory.js'
import { LARGE_FILE, type LargeCall } from '../shared/keeper.js'

const PIECE_BYTES = 1024 * 1024

/** Milliseconds. */
export async function runLarge(call: LargeCall, bytes: number): Promise<number> {
  if (call === 'rawWrite') return rawWrite(bytes)
  if (call === 'sha256') return sha256()
  throw new Error(`"${call}" is the page's`)
}

async function rawWrite(bytes: number): Promise<number> {
  const directory = await emptyDirectory(LARGE_FILE.directory)
  const handle = await directory.getFileHandle(LARGE_FILE.name, { create: true })
  const file = await handle.createSyncAccessHandle()
  const piece = new Uint8Array(PIECE_BYTES)
  const next = randomNumbers(1)
  let milliseconds = 0
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    fillRandom(piece, next)
    const begin = performance.now()
    if (file.write(piece, { at }) !== PIECE_BYTES)
      throw new Error('a write came back short: the disk or the quota is full')
    milliseconds += performance.now() - begin
  }
  const begin = performance.now()
  file.flush()
  milliseconds += performance.now() - begin
  file.close()
  return milliseconds
}

async function sha256(): Promise<number> {
  const file = await fileOf(LARGE_FILE)
  const arena = (await createKernel()).arena(PIECE_BYTES)
  const stream = arena.sha256Stream()
  let milliseconds = 0
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    const piece = new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer())
    arena.view(0, piece.length).set(piece)
    const begin = performance.now()
    stream.update(0, piece.length)
    milliseconds += performance.now() - begin
  }
  return milliseconds
}
