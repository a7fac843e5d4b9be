/**
 * Engine cases: what a directory may hold when it is opened: nothing, another thing than a store, a broken config, foreign files. Part of
 * engine-cases.ts.
 */

import { memoryStorage } from '../storage/memory.js'
import { equal, fails } from './check.js'
import { type EngineCase, engineContext, key, keysOf, text, value } from './engine-case.js'
import type { ObservedStorage } from './observed-storage.js'

const CONFIG_FAULTS: [string, (config: string) => string][] = [
  ['another version', (config) => config.replace('version = 1', 'version = 2')],
  ['no version', (config) => config.replace('version = 1\n', '')],
  ["another program's section", (config) => config.replace('[store]', '[repository]')],
  ['an id that is too short', (config) => config.replace(/id = ./, 'id = ')],
  ['an id that is no hex', (config) => config.replace(/id = ./, 'id = z')],
  ['no segment size', (config) => config.replace(/max_segment_size.*\n/, '')],
  ['a segment size of zero', (config) => config.replace(/max_segment_size.*/, 'max_segment_size = 0')],
  ['a segment size that is no number', (config) => config.replace(/max_segment_size.*/, 'max_segment_size = many')],
  ['segments_per_dir of zero', (config) => config.replace(/segments_per_dir.*/, 'segments_per_dir = 0')],
  ['segments_per_dir past u32', (config) => config.replace(/segments_per_dir.*/, 'segments_per_dir = 99999999999')],
  ['a line that says nothing', (config) => `${config}nonsense\n`],
  ['binary noise', () => String.fromCharCode(...value(200).map((byte) => byte & 0x7f))],
  ['a megabyte', (config) => config + '# comment\n'.repeat(100_000)],
]

export const directoryCases: readonly EngineCase[] = [
  {
    name: 'an absent store is NOT_FOUND without create, and nothing is made',
    async run({ open, storage }) {
      await fails(() => open({ create: false }), 'NOT_FOUND', 'open')
      equal(await storage.paths(), [], 'files')
      await open({ create: true })
    },
  },
  {
    name: 'a directory that is not empty and no store is FORMAT, and is left alone',
    async run({ open, storage }) {
      await storage.replace('notes.txt', value(3))
      const error = await fails(() => open(), 'FORMAT', 'open')
      equal(error.where?.file, 'config', 'the file that is missing')
      equal(await storage.paths(), ['notes.txt'], 'files')
    },
  },
  {
    name: 'a store whose config is lost, cut, or broken has it written anew from what the segments say',
    damages: true,
    async run({ open, close, storage }) {
      const made = await open()
      const { id } = made
      await made.set(key(1), 'a')
      await close()
      const good = await storage.contents('config')
      for (const [what, change] of CONFIG_FAULTS) {
        if (what === 'another version') continue
        await storage.replace('config', new TextEncoder().encode(change(text(good) ?? '')))
        const store = await open()
        equal([store.id, store.recovery.damaged.map(({ kind }) => kind)], [id, ['config']], what)
        equal(text(await store.get(key(1))), 'a', `value with ${what}`)
        await close()
        equal(text(await storage.contents('config')), text(good), `config after ${what}`)
      }
      await storage.remove('config')
      equal((await open({ create: false })).id, id, 'id after the loss')
    },
  },
  {
    name: 'a store that was never finished is NOT_FOUND without create, and is finished with it',
    async run({ open, storage }) {
      await storage.replace('README', new Uint8Array())
      const error = await fails(() => open({ create: false }), 'NOT_FOUND', 'open')
      equal(error.message.includes('never finished'), true, error.message)
      equal(await storage.paths(), ['README'], 'files')
      equal((await open({ create: true })).recovery.created, true, 'created')
    },
  },
  {
    name: 'a store whose config is lost, and whose segments do not say what it was, is FORMAT and left alone',
    async run({ open, storage }) {
      await storage.replace('data/0/0', new TextEncoder().encode('DSEGMENT'))
      const before = await storage.paths()
      equal((await fails(() => open(), 'FORMAT', 'open')).where?.file, 'config', 'the file that is named')
      equal(await storage.paths().then((paths) => paths.filter((path) => path !== 'README')), before, 'files')
    },
  },
  {
    name: 'a broken config of a store in which nothing was ever stored is made anew, if the head says so',
    damages: true,
    async run({ open, close, storage }) {
      const { id } = await open()
      await close()
      const good = await storage.contents('config')
      const head = await storage.contents('head')
      for (const [what, change] of CONFIG_FAULTS) {
        if (what === 'another version') continue
        await storage.replace('config', new TextEncoder().encode(change(text(good) ?? '')))
        await storage.replace('head', head.slice(0, 100))
        const error = await fails(() => open(), 'FORMAT', what)
        equal([error.where?.file, error.message.includes('put a copy of it there')], ['config', true], error.message)
        await storage.replace('head', head)
        const store = await open({ create: false })
        equal(store.recovery.created, false, 'created')
        equal([store.id, store.recovery.damaged.map(({ kind }) => kind)], [id, ['config']], what)
        await close()
        equal(text(await storage.contents('config')), text(good), `config after ${what}`)
      }
    },
  },
  {
    name: 'a config of another version is FORMAT, and so is a broken one when the head tells of what was stored, or nothing',
    async run({ open, close, storage }) {
      await open()
      await close()
      const good = await storage.contents('config')
      const empty = await storage.contents('head')
      const told = await filledHead()
      for (const [what, change] of CONFIG_FAULTS) {
        const changed = change(text(good) ?? '')
        equal(changed === text(good), false, `${what} is a change`)
        await storage.replace('config', new TextEncoder().encode(changed))
        for (const head of what === 'another version' ? [empty] : [told, new Uint8Array(128), undefined]) {
          if (head) await storage.replace('head', head)
          else await storage.remove('head')
          equal((await fails(() => open(), 'FORMAT', what)).where?.file, 'config', 'the file that is named')
          equal(storage.openPaths, [], `files left open by ${what}`)
        }
      }
      await storage.replace('head', empty)
      await storage.replace('config', good)
      await (await open()).set(key(1), 'a')
      await close()
      await storage.replace('config', new TextEncoder().encode(text(good)?.replace('version = 1', 'version = 2')))
      await fails(() => open(), 'FORMAT', 'another version')
      await storage.replace('config', good)
    },
  },
  {
    name: "a config's comments, spaces, order, colons and other sections do not matter",
    async run({ open, close, storage }) {
      const { id } = await open()
      await close()
      const config = `; made by hand\r\n[other]\r\nversion = 9\r\n[store]\r\n  ID: ${id}\r\nmax_segment_size=2048\r\nsegments_per_dir : 7\r\n# end\r\nversion = 1`
      await storage.replace('config', new TextEncoder().encode(config))
      equal((await open()).id, id, 'id')
    },
  },
  {
    name: 'foreign files and names in data/ are left alone',
    async run({ open, close, reopen, storage }) {
      const store = await open()
      await store.set(key(1), 'a')
      await close()
      const foreign = ['data/notes', 'data/0/notes', 'data/0/07', 'data/0/-1', 'data/0/20000', 'data/00/1', 'data/7/3']
      foreign.push('data/0/4294967295', 'data/0/1.tmp', 'data/x/1', 'index.tmp', 'hints.3', 'notes')
      for (const path of foreign) await storage.replace(path, value(100))
      const again = await open()
      equal([again.recovery.damaged, again.recovery.rolledBack.bytes], [[], 0], 'damage, bytes rolled back')
      await again.set(key(2), 'b')
      await again.compact({ threshold: 0 })
      equal(await keysOf(await reopen()), [key(1), key(2)], 'keys')
      for (const path of foreign) equal(await storage.contents(path), value(100), path)
    },
  },
  {
    name: 'a directory in the place of a segment is a segment that is missing, at an opening and under an open store, and a repair goes on without it',
    damages: true,
    async run({ open, reopen, close, storage }) {
      const names = await (await open({ maxSegmentSize: 1024 })).putMany(range(12, (number) => value(450, number)))
      for (const when of ['before', 'while'] as const) {
        await close()
        if (when === 'before') await putDirectory(storage, 'data/0/1')
        const store = await open()
        if (when === 'while') await putDirectory(storage, 'data/0/2')
        const { findings } = await store.check()
        const segments = findings.filter(({ kind }) => kind === 'segment').map(({ segment }) => segment)
        equal(segments, [when === 'before' ? 1 : 2], `segments found wrong, ${when} it was open`)
        equal((await store.check({ repair: true })).clean, true, 'clean after the repair')
      }
      await (await reopen()).compact({ threshold: 0 })
      const again = await reopen()
      equal(again.recovery.damaged, [], 'damage at the next opening')
      equal(await keysOf(again), [...names.slice(0, 2), ...names.slice(6)].sort(), 'keys')
      for (const segment of [1, 2]) equal(await storage.contents(`data/0/${segment}/within`), value(3), 'what is in it')
    },
  },
  {
    name: 'a directory in the place of the next segment fails the put with IO, until it is moved away; what is in it stays',
    async run({ open, reopen, close, storage }) {
      const store = await open({ maxSegmentSize: 1024 })
      await putDirectory(storage, 'data/0/1')
      // More than half of the segment: the next one is to be made ahead.
      for (const number of [1, 4]) await store.put(value(400, number))
      await reopen()
      await close()
      equal(await storage.contents('data/0/1/within'), value(3), 'what is in it after a close')
      const again = await open()
      await again.put(value(450, 2))
      const error = await fails(() => again.put(value(450, 3)), 'IO', 'the put')
      equal(error.message.includes('"data/0/1"') && error.message.includes('move it away'), true, error.message)
      equal((await again.check()).findings, [], 'findings')
      await close()
      equal(await storage.contents('data/0/1/within'), value(3), 'what is in it after the failure')
      await storage.remove('data/0/1')
      const last = await open()
      await last.put(value(450, 3))
      equal((await keysOf(last)).length, 4, 'keys')
    },
  },
  {
    name: 'a directory in the place of README, head or config fails the opening with IO, until it is moved away; one in the place of the index is found by a check',
    damages: true,
    async run({ open, close, storage }) {
      await (await open({ checkpointBytes: 1 })).set(key(1), 'a')
      for (const file of ['README', 'head', 'config']) {
        await close()
        await putDirectory(storage, file)
        const error = await fails(() => open(), 'IO', file)
        equal([error.where?.file, error.message.includes('move it away')], [file, true], error.message)
        equal(storage.openPaths, [], 'files left open')
        await storage.remove(file)
        equal(text(await (await open()).get(key(1))), 'a', `the value after ${file}`)
      }
      await close()
      const store = await open()
      const [index = ''] = (await storage.paths()).filter((path) => path.startsWith('index.'))
      await putDirectory(storage, index)
      const { findings } = await store.check()
      equal(findings, [{ kind: 'checkpoint', file: index, message: 'the checkpoint is missing' }], 'findings')
      await storage.remove(index)
      await close()
      equal(text(await (await open()).get(key(1))), 'a', 'the value after an index')
    },
  },
]

/** Puts a directory with something in it where a file was, or could be. */
async function putDirectory(storage: ObservedStorage, path: string): Promise<void> {
  if ((await storage.paths()).includes(path)) await storage.remove(path)
  await storage.replace(`${path}/within`, value(3))
}

function range<T>(count: number, make: (number: number) => T): T[] {
  return Array.from({ length: count }, (_, number) => make(number))
}

/** The head of a store in which something was stored. */
async function filledHead(): Promise<Uint8Array> {
  const { open, close, storage } = engineContext(memoryStorage())
  await (await open()).set(key(1), 'a')
  await close()
  return await storage.contents('head')
}
