/**
 * What only the storage on a folder does: README is exclusive between processes, whatever way they end, and the
 * system's errors have their codes. The other processes here are real ones, which run the driver as built for the test.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { nodeStorage } from './node.js'

const temporary = mkdtempSync(join(tmpdir(), 'lodestore-'))
const program = join(temporary, 'program.mjs')
let folder = ''
const children: ChildProcess[] = []

beforeAll(async () => {
  const entry = fileURLToPath(new URL('./node.ts', import.meta.url))
  await build({
    configFile: false,
    logLevel: 'error',
    build: { ssr: entry, outDir: temporary, rolldownOptions: { output: { entryFileNames: 'node.mjs' } } },
  })
  // Opens README in the folder it is told, says how that went, and stays.
  writeFileSync(
    program,
    `import { nodeStorage } from './node.mjs'
     setInterval(() => {}, 1000)
     nodeStorage(process.argv[2]).open('README', { create: true }).then(() => process.send('open'), (error) => process.send(error.code))`,
  )
})
beforeEach(() => {
  folder = mkdtempSync(join(temporary, 'folder-'))
})
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(temporary, { recursive: true })
})

/** Another process that opened README; what it said, and how to kill it. */
async function otherProcess(): Promise<{ said: unknown; kill(): Promise<void> }> {
  const child = fork(program, [folder])
  children.push(child)
  const [said] = await once(child, 'message')
  const kill = async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { said, kill }
}

const locked = { code: 'LOCKED', where: { file: 'README' } }

describe('README, the lock of a store', () => {
  it('is LOCKED while another process has it open, and free once that was killed', async () => {
    const other = await otherProcess()
    expect(other.said).toBe('open')
    await expect(nodeStorage(folder).open('README', { create: true })).rejects.toMatchObject(locked)
    await other.kill()
    const file = await nodeStorage(folder).open('README')
    file.close()
    expect(readdirSync(folder)).toEqual(['README'])
  })

  it('that this process has open is LOCKED for others', async () => {
    const file = await nodeStorage(folder).open('README', { create: true })
    expect((await otherProcess()).said).toBe('LOCKED')
    file.close()
    expect((await otherProcess()).said).toBe('open')
  })

  it('cannot be removed while another process has it open, nor can a directory above it', async () => {
    const above = nodeStorage(folder)
    const store = join(folder, 'stores', 'store')
    folder = store
    const other = await otherProcess()
    await expect(nodeStorage(store).remove('README')).rejects.toMatchObject(locked)
    await expect(above.remove('stores')).rejects.toMatchObject({ code: 'LOCKED', where: { file: 'stores' } })
    await other.kill()
    await above.remove('stores')
    expect(existsSync(store)).toBe(false)
  })

  it('of many processes that come at once is never opened by two', async () => {
    const others = await Promise.all(Array.from({ length: 6 }, otherProcess))
    expect(others.filter(({ said }) => said === 'open').length).toBeLessThanOrEqual(1)
    expect(others.every(({ said }) => said === 'open' || said === 'LOCKED')).toBe(true)
  })

  it('claimed on another machine is LOCKED, and the error names the claim that can be removed by hand', async () => {
    const claim = join(folder, 'README.lock-elsewhere-1-1')
    writeFileSync(claim, '')
    await expect(nodeStorage(folder).open('README', { create: true })).rejects.toMatchObject({
      ...locked,
      message: expect.stringContaining('README.lock-elsewhere-1-1'),
    })
    expect(readdirSync(folder)).toEqual(['README.lock-elsewhere-1-1'])
    rmSync(claim)
    expect((await nodeStorage(folder).open('README', { create: true })).size()).toBe(0)
  })

  it('is not claimed where it is not there and not to be made', async () => {
    writeFileSync(join(folder, 'README.lock-elsewhere-1-1'), '')
    await expect(nodeStorage(folder).open('README')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it.runIf(existsSync('/proc/self/stat'))('claimed by an earlier process of the same number is free', async () => {
    writeFileSync(join(folder, `README.lock-${hostname()}-${process.pid}-1`), '')
    const file = await nodeStorage(folder).open('README', { create: true })
    file.close()
    expect(readdirSync(folder)).toEqual(['README'])
  })

  it('is LOCKED under another name of the same folder', async () => {
    await nodeStorage(folder).open('README', { create: true })
    await expect(nodeStorage(join(folder, '..')).open(`${folder.split('/').pop()}/README`)).rejects.toMatchObject({
      code: 'LOCKED',
    })
  })
})

describe('a storage that only reads', () => {
  const storage = () => nodeStorage(folder, { readOnly: true })

  it('changes nothing, and holds README like any other', async () => {
    for (const name of ['README', 'config']) writeFileSync(join(folder, name), name)
    const [lock, file] = [await storage().open('README'), await storage().open('config', { create: true })]
    const bytes = new Uint8Array(10)
    expect([file.read(bytes, 0), String.fromCharCode(...bytes.subarray(0, 6))]).toEqual([6, 'config'])
    expect((await otherProcess()).said).toBe('LOCKED')
    for (const call of [() => file.write(bytes, 0), () => file.truncate(0)]) {
      expect(call).toThrow(expect.objectContaining({ code: 'IO' }))
    }
    lock.close()
    file.close()
    await expect(storage().remove('config')).rejects.toMatchObject({ code: 'IO' })
    await expect(storage().open('sub/new', { create: true })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(nodeStorage(join(folder, '..'), { readOnly: true }).open(basename(folder))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(readdirSync(folder)).toEqual(['README', 'config'])
  })

  it.skipIf(process.platform === 'win32')(
    'reads in a folder that cannot be written to, unless another has README open',
    async () => {
      const reader = join(temporary, 'reader.mjs')
      writeFileSync(
        reader,
        `import { nodeStorage } from './node.mjs'
       const [, , folder, mode] = process.argv
       nodeStorage(folder, { readOnly: mode === 'reads' }).open('README').then((file) => file.size(), (error) => error.code).then((said) => process.send(said))`,
      )
      writeFileSync(join(folder, 'README'), 'text')
      const dead = `README.lock-${hostname()}-${2 ** 22 + 1}-1`
      writeFileSync(join(folder, dead), '')
      // Root may write anywhere, so there it is nobody who reads.
      const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
      const said = async (mode: string) => (await once(fork(reader, [folder, mode], user), 'message'))[0]
      chmodSync(temporary, 0o755)
      chmodSync(folder, 0o555)
      try {
        expect([await said('writes'), await said('reads')]).toEqual(['IO', 4])
        expect(readdirSync(folder)).toEqual(['README', dead])
        chmodSync(folder, 0o755)
        writeFileSync(join(folder, 'README.lock-elsewhere-1-1'), '')
        chmodSync(folder, 0o555)
        expect(await said('reads')).toBe('LOCKED')
      } finally {
        chmodSync(folder, 0o755)
      }
    },
  )
})

it.runIf(existsSync('/dev/full'))('a write to a full disk is QUOTA, with the system error as cause', async () => {
  const file = await nodeStorage('/dev').open('full')
  const expected = { code: 'QUOTA', where: { file: 'full' }, cause: expect.objectContaining({ code: 'ENOSPC' }) }
  expect(() => file.write(new Uint8Array(1), 0)).toThrow(expect.objectContaining(expected))
  file.close()
})
