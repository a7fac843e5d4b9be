/** A picked folder whose writing fails: which error the caller gets, and what is left of the file. */

import { expect, test } from 'vitest'
import { accessTo } from './folder.js'

interface Picked {
  folder: FileSystemDirectoryHandle
  files: Set<string>
}

/** A folder whose files take what `write` lets them take; `remove` is asked before one goes. */
function picked(write: () => void, remove: () => void): Picked {
  const files = new Set<string>()
  const stream = { write: async () => write(), close: async () => undefined, abort: async () => undefined }
  const folder = {
    async getDirectoryHandle() {
      return folder
    },
    async getFileHandle(name: string) {
      files.add(name)
      return { createWritable: async () => stream }
    },
    async removeEntry(name: string) {
      remove()
      files.delete(name)
    },
  }
  return { folder: folder as unknown as FileSystemDirectoryHandle, files }
}

const fine = () => undefined
const refuse = () => {
  throw new DOMException('the permission was taken back', 'NotAllowedError')
}
const own = new TypeError("the caller's own")

test.each<[string, { write: () => void; remove: () => void; piece: () => Uint8Array<ArrayBuffer> }, object, string[]]>([
  [
    'what gives the pieces is thrown as it is',
    {
      write: fine,
      remove: fine,
      piece: () => {
        throw own
      },
    },
    own,
    [],
  ],
  [
    'the folder is IO',
    { write: refuse, remove: fine, piece: () => new Uint8Array(1) },
    { code: 'IO', where: { file: 'a/b' } },
    [],
  ],
  [
    'the folder is IO, also when nothing can be removed any more',
    { write: refuse, remove: refuse, piece: () => new Uint8Array(1) },
    { code: 'IO', cause: { name: 'NotAllowedError' } },
    ['b'],
  ],
])('a failure of %s', async (_, { write, remove, piece }, expected, left) => {
  const { folder, files } = picked(write, remove)
  const pieces = async function* () {
    yield piece()
  }
  const error = await accessTo(folder)
    .write('a/b', pieces())
    .catch((thrown: unknown) => thrown)
  if (expected === own) expect(error).toBe(own)
  else expect(error).toMatchObject(expected)
  expect([...files]).toEqual(left)
})
