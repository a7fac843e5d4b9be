/**
 * The worker of the benchmark: the contestants that run in one, among them lodestore's engine without a page. It takes the
 * requests of keeper.ts, times them here, and answers each.
 */
import { openEngine, opfsStorage } from 'lodestore/engine'
import { ItemsCache } from '../shared/data.js'
import { emptyDirectory, removeDirectory } from '../shared/directory.js'
import { type Keeper, timeCall, type WorkerAnswer, type WorkerRequest } from '../shared/keeper.js'
import { storeKeeper } from '../shared/store-keeper.js'
import { FilesKeeper } from './files.js'
import { KeysBench } from './keys.js'
import { runLarge } from './large.js'
import { RawKeeper } from './raw.js'
import { SegmentsBench } from './segments.js'
import { SqliteKeeper } from './sqlite.js'

const keepers: Record<string, Keeper> = {
  engine: storeKeeper(
    async () => openEngine(opfsStorage(await emptyDirectory('engine'))),
    () => removeDirectory('engine'),
  ),
  raw: new RawKeeper(),
  sqlite: new SqliteKeeper(),
  files: new FilesKeeper(),
}
const keys = new KeysBench()
const segments = new SegmentsBench()
const items = new ItemsCache()
/** The request that is being worked on: the page sends the next when it has the answer. */
let current = 0

self.onmessage = async ({ data }: MessageEvent<WorkerRequest & { id: number }>) => {
  current = data.id
  const answer: WorkerAnswer = { id: data.id }
  try {
    answer.result = await run(data)
  } catch (error) {
    answer.failure = String(error)
  }
  self.postMessage(answer)
}

// A peer that fails where nobody can catch it never answers otherwise.
self.onunhandledrejection = ({ reason }) => {
  self.postMessage({ id: current, failure: String(reason) } satisfies WorkerAnswer)
}

async function run(request: WorkerRequest): Promise<number> {
  if (request.kind === 'settle') return settle()
  if (request.kind === 'keys') return keys.run(request.call, request.count)
  if (request.kind === 'large') return runLarge(request.call, request.bytes)
  if (request.kind === 'segments') return segments.run(request.call, request.mebibytes, request.bytes)
  if (request.kind === 'remove') return removeDirectory(request.directory).then(() => 0)
  const keeper = keepers[request.keeper]
  if (keeper === undefined) throw new Error(`there is no contestant "${request.keeper}"`)
  if (request.kind === 'time') return timeCall(keeper, request.call, await items.get(request.items))
  await keeper[request.kind]()
  return 0
}

/** A flush of its own, before a clock starts: what others left for the disk to do is not to be paid for by the next one. */
async function settle(): Promise<number> {
  const directory = await emptyDirectory('settle')
  const file = await (await directory.getFileHandle('file', { create: true })).createSyncAccessHandle()
  file.write(new Uint8Array(1024))
  file.flush()
  file.close()
  await removeDirectory('settle')
  return 0
}
