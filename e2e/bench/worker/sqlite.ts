/**
 * SQLite's own WASM build on its OPFS pool of access handles: one table with a blob as primary key, 256 rows a transaction, all
 * settings as they come (so each commit is flushed). Values are read by one prepared statement, key by key.
 */
import sqlite3InitModule, { type Database, type PreparedStatement, type SAHPoolUtil } from '@sqlite.org/sqlite-wasm'
import wasmUrl from '@sqlite.org/sqlite-wasm/sqlite3.wasm?url'
import { BATCH_LENGTH, batches, type Item } from '../shared/data.js'
import { DIRECTORY } from '../shared/directory.js'
import type { Keeper, Values } from '../shared/keeper.js'

export class SqliteKeeper implements Keeper {
  #pool: SAHPoolUtil | undefined
  #database: Database | undefined

  async open(): Promise<void> {
    const sqlite = await load()
    this.#pool = await sqlite.installOpfsSAHPoolVfs({
      name: DIRECTORY,
      directory: `/${DIRECTORY}/sqlite`,
      clearOnInit: true,
    })
    this.#database = new this.#pool.OpfsSAHPoolDb('/blobs.db')
    this.#database.exec('create table blobs (key blob primary key, value blob not null)')
  }

  async close(): Promise<void> {
    this.#database?.close()
    await this.#pool?.removeVfs()
  }

  async writeMany(items: Item[]): Promise<void> {
    const insert = this.#prepare('insert into blobs values (?, ?)')
    for (const batch of batches(items, BATCH_LENGTH)) {
      this.#database?.exec('begin')
      for (const { keyBytes, value } of batch) insert.bind(1, keyBytes).bind(2, value).stepReset()
      this.#database?.exec('commit')
    }
    insert.finalize()
  }

  async readMany(items: Item[]): Promise<Values> {
    const select = this.#prepare('select value from blobs where key = ?')
    const values: Values = []
    this.#database?.exec('begin')
    for (const { keyBytes } of items) {
      select.bind(1, keyBytes).step()
      values.push(select.getBlob(0) ?? undefined)
      select.reset()
    }
    this.#database?.exec('commit')
    select.finalize()
    return values
  }

  #prepare(sql: string): PreparedStatement {
    if (this.#database === undefined) throw new Error('the database is not open')
    return this.#database.prepare(sql)
  }
}

let loading: ReturnType<typeof sqlite3InitModule> | undefined

function load() {
  // It looks for its WASM under a fixed name, which bundlers do not keep. Its other OPFS driver is not used here, and would warn that it
  // lacks what only isolated pages have.
  const globals = globalThis as {
    sqlite3InitModuleState?: { wasmFilename: string }
    sqlite3ApiConfig?: { warn(): void }
  }
  if (globals.sqlite3InitModuleState !== undefined) globals.sqlite3InitModuleState.wasmFilename = wasmUrl
  globals.sqlite3ApiConfig = { warn() {} }
  loading ??= sqlite3InitModule()
  return loading
}
