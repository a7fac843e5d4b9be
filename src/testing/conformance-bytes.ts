/**
 * Conformance cases for what is in a file: reading, writing, sizes, flushing. Part of conformance.ts.
 */

import { equal } from './check.js'
import { bytes, type ConformanceCase, contents, create, pattern } from './conformance-case.js'

const reading: ConformanceCase[] = [
  {
    name: 'a new file is empty',
    async run({ storage }) {
      const file = await storage.open('new', { create: true })
      equal(file.size(), 0, 'size')
      equal(file.read(new Uint8Array(4), 0), 0, 'bytes read')
    },
  },
  {
    name: 'what was written is read back, at every offset',
    async run({ storage }) {
      const file = await create(storage, 'file', 10, 11, 12, 13, 14, 15)
      for (let at = 0; at < 6; at++) {
        const target = new Uint8Array(1)
        equal(file.read(target, at), 1, 'bytes read')
        equal(target, bytes(10 + at), `the byte at ${at}`)
      }
    },
  },
  {
    name: 'a read past the end returns how many bytes were there and leaves the rest of the target alone',
    async run({ storage }) {
      const file = await create(storage, 'file', 1, 2, 3)
      const target = bytes(9, 9, 9, 9)
      equal(file.read(target, 1), 2, 'bytes read across the end')
      equal(target, bytes(2, 3, 9, 9), 'target')
      equal(file.read(target, 3), 0, 'bytes read at the end')
      equal(file.read(target, 1000), 0, 'bytes read far beyond the end')
      equal(target, bytes(2, 3, 9, 9), 'target')
    },
  },
  {
    name: 'a read of nothing returns 0',
    async run({ storage }) {
      const file = await create(storage, 'file', 1)
      equal(file.read(new Uint8Array(0), 0), 0, 'bytes read')
    },
  },
  {
    name: 'reads and writes touch only their view of a larger buffer',
    async run({ storage }) {
      const file = await storage.open('file', { create: true })
      const buffer = bytes(1, 2, 3, 4, 5, 6)
      file.write(buffer.subarray(2, 4), 0)
      equal(contents(file), bytes(3, 4), 'file')
      file.read(buffer.subarray(4, 5), 1)
      equal(buffer, bytes(1, 2, 3, 4, 4, 6), 'buffer')
    },
  },
  {
    name: 'the memory of a WebAssembly module can be written from and read into',
    async run({ storage }) {
      const memory = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer)
      memory.set([1, 2, 3], 1000)
      const file = await storage.open('file', { create: true })
      file.write(memory.subarray(1000, 1003), 0)
      equal(file.read(memory.subarray(5000, 5003), 0), 3, 'bytes read')
      equal(memory.slice(4999, 5004), bytes(0, 1, 2, 3, 0), 'memory')
    },
  },
]

const writing: ConformanceCase[] = [
  {
    name: 'a write in the middle replaces just its own bytes',
    async run({ storage }) {
      const file = await create(storage, 'file', 1, 2, 3, 4)
      file.write(bytes(8, 9), 1)
      equal(contents(file), bytes(1, 8, 9, 4), 'file')
    },
  },
  {
    name: 'a write across the end extends the file',
    async run({ storage }) {
      const file = await create(storage, 'file', 1, 2)
      file.write(bytes(8, 9), 1)
      equal(contents(file), bytes(1, 8, 9), 'file')
    },
  },
  {
    name: 'a gap before a write reads as zeros',
    async run({ storage }) {
      const file = await create(storage, 'file', 1)
      file.write(bytes(9), 4)
      equal(contents(file), bytes(1, 0, 0, 0, 9), 'file')
    },
  },
  {
    name: 'a write of nothing changes nothing',
    async run({ storage }) {
      const file = await create(storage, 'file', 1, 2)
      file.write(new Uint8Array(0), 1)
      equal(contents(file), bytes(1, 2), 'file')
    },
  },
  {
    name: 'many small appends and one large write give the same file',
    async run({ storage }) {
      const whole = pattern(70_000)
      const file = await storage.open('small', { create: true })
      for (let at = 0; at < whole.length; at += 999) file.write(whole.subarray(at, at + 999), at)
      const large = await storage.open('large', { create: true })
      large.write(whole, 0)
      equal(file.size(), whole.length, 'size after small appends')
      const [left, right] = [contents(file), contents(large)]
      equal(
        left.findIndex((byte, at) => byte !== whole[at]),
        -1,
        'first difference after small appends',
      )
      equal(
        right.findIndex((byte, at) => byte !== whole[at]),
        -1,
        'first difference after the large write',
      )
    },
  },
  {
    name: 'a value of the largest size (20 MiB) is written and read in one call',
    async run({ storage }) {
      const size = 20 * 1024 * 1024
      const whole = new Uint8Array(size)
      for (let at = 0; at < size; at += 4096) whole[at] = at >> 12
      const file = await storage.open('large', { create: true })
      file.write(whole, 1)
      const back = new Uint8Array(size)
      equal(file.read(back, 1), size, 'bytes read')
      equal(file.size(), size + 1, 'size')
      for (let at = 0; at < size; at += 4096) equal(back[at], (at >> 12) & 0xff, `the byte at ${at}`)
    },
  },
  {
    name: 'truncate shortens the file and keeps what is before',
    async run({ storage }) {
      const file = await create(storage, 'file', 1, 2, 3, 4)
      file.truncate(2)
      equal(file.size(), 2, 'size')
      equal(contents(file), bytes(1, 2), 'file')
    },
  },
  {
    name: 'truncate lengthens the file with zeros, also where there were bytes before',
    async run({ storage }) {
      const file = await create(storage, 'file', 1, 2, 3, 4)
      file.truncate(2)
      file.truncate(5)
      equal(contents(file), bytes(1, 2, 0, 0, 0), 'file')
    },
  },
  {
    name: 'a gap over truncated bytes reads as zeros',
    async run({ storage }) {
      const file = await create(storage, 'file', 1, 2, 3, 4)
      file.truncate(1)
      file.write(bytes(9), 3)
      equal(contents(file), bytes(1, 0, 0, 9), 'file')
    },
  },
  {
    name: 'what was flushed is there for the next opener',
    async run({ storage, reopen }) {
      const file = await create(storage, 'dir/file', 1, 2, 3)
      await file.flush()
      file.close()
      equal(contents(await (await reopen()).open('dir/file')), bytes(1, 2, 3), 'file')
    },
  },
  {
    name: 'a flush of an unchanged file succeeds',
    async run({ storage }) {
      const file = await storage.open('file', { create: true })
      await file.flush()
      await file.flush()
      equal(file.size(), 0, 'size')
    },
  },
]

export const bytesCases: readonly ConformanceCase[] = [...reading, ...writing]
