/** One file for each value, its key the file's name, through a sync access handle, flushed and closed: what many apps begin with. */
import type { Item } from '../shared/data.js'
import { emptyDirectory, removeDirectory } from '../shared/directory.js'
import type { Keeper, Values } from '../shared/keeper.js'

const NAME = 'files'

export class FilesKeeper implements Keeper {
  #directory: FileSystemDirectoryHandle | undefined

  async open(): Promise<void> {
    this.#directory = await emptyDirectory(NAME)
  }

  async close(): Promise<void> {
    await removeDirectory(NAME)
  }

  async writeEach(items: Item[]): Promise<void> {
    for (const { key, value } of items) {
      await this.#use(key, true, (file) => {
        file.write(value)
        file.flush()
      })
    }
  }

  async readEach(items: Item[]): Promise<Values> {
    const values: Values = []
    for (const { key } of items) {
      await this.#use(key, false, (file) => {
        const value = new Uint8Array(file.getSize())
        file.read(value)
        values.push(value)
      })
    }
    return values
  }

  async #use(name: string, create: boolean, use: (file: FileSystemSyncAccessHandle) => void): Promise<void> {
    const handle = await this.#directory?.getFileHandle(name, { create })
    const file = await handle?.createSyncAccessHandle()
    if (file === undefined) throw new Error('it is not open')
    use(file)
    file.close()
  }
}
