/**
 * What any store in a worker costs at least: a message there and back, empty; and one that brings bytes, which are appended to a file and
 * flushed before the answer goes out. Nothing else happens here, so that nothing else is measured.
 */
import { emptyDirectory } from '../shared/directory.js'

let file: FileSystemSyncAccessHandle | undefined
let end = 0

self.onmessage = async ({ data }: MessageEvent<Uint8Array<ArrayBuffer> | 'open' | 'close' | undefined>) => {
  if (data === 'open') {
    const directory = await emptyDirectory('baseline')
    file = await (await directory.getFileHandle('file', { create: true })).createSyncAccessHandle()
    end = 0
  } else if (data === 'close') {
    file?.close()
  } else if (data !== undefined) {
    end += file?.write(data, { at: end }) ?? 0
    file?.flush()
  }
  self.postMessage(undefined)
}
