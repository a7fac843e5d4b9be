/**
 * What any store in a worker costs at least: a message there and back, empty; one that fetches bytes of a file; and one that brings bytes, which
 * are appended and flushed before the answer goes out. Nothing else happens here, so that nothing else is measured.
 */
import { emptyDirectory } from '../shared/directory.js'

let file: FileSystemSyncAccessHandle | undefined
let end = 0

type Message = Uint8Array<ArrayBuffer> | { at: number; size: number } | 'open' | 'close' | undefined

self.onmessage = async ({ data }: MessageEvent<Message>) => {
  if (data === 'open') {
    const directory = await emptyDirectory('baseline')
    file = await (await directory.getFileHandle('file', { create: true })).createSyncAccessHandle()
    end = 0
  } else if (data === 'close') {
    file?.close()
  } else if (data instanceof Uint8Array) {
    end += file?.write(data, { at: end }) ?? 0
    file?.flush()
  } else if (data !== undefined) {
    const bytes = new Uint8Array(data.size)
    file?.read(bytes, { at: data.at % end })
    self.postMessage(bytes)
    return
  }
  self.postMessage(undefined)
}
