// `npm run bench:kernel`: the kernel's loops in Node, against hash-wasm, zlib and node:crypto. Contestants take turns, and
// the best of their rounds counts: it is what the machine gives when nobody else uses it.

import { createHash, randomFillSync } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { createCRC32, createSHA256 } from 'hash-wasm'
import { CHUNK_SIZES } from '../dist/format/chunks.js'
import { createKernel } from '../dist/kernel/kernel.js'

const ROUNDS = 15
const BYTES_A_ROUND = 16_000_000

const kernel = await createKernel()

/** Nanoseconds of one call of each function, best of the rounds; `calls` is how many a round makes. */
function measure(contestants, calls) {
  const best = Object.fromEntries(Object.keys(contestants).map((name) => [name, Number.POSITIVE_INFINITY]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, call] of Object.entries(contestants)) {
      const begin = performance.now()
      for (let index = 0; index < calls; index++) call()
      best[name] = Math.min(best[name], ((performance.now() - begin) * 1e6) / calls)
    }
  }
  return best
}

function repeat(times, call) {
  return () => {
    for (let time = 0; time < times; time++) call()
  }
}

/** A table row of GB/s, and how many times faster the first is than the second. */
function row(label, size, best) {
  const speeds = Object.entries(best).map(([name, time]) => `${name} ${(size / time).toFixed(2).padStart(6)}`)
  const [ours, peer] = Object.values(best)
  const ratio = peer ? `   ratio ${(peer / ours).toFixed(1)}` : ''
  console.log(`${label.padEnd(10)} ${speeds.join('   ')}${ratio}`)
}

function label(size) {
  return size < 1024 ? `${size} B` : size < 1024 ** 2 ? `${size / 1024} KiB` : `${size / 1024 ** 2} MiB`
}

const SIZE = 1024 * 1024
const arena = kernel.arena(SIZE + 16)
const bytes = randomFillSync(new Uint8Array(SIZE))
arena.view(5, SIZE).set(bytes)

console.log('CRC-32, GB/s (ours at an odd address, as bodies of entries lie)')
const peerCrc = await createCRC32()
for (const size of [16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, SIZE]) {
  const data = bytes.subarray(0, size)
  const contestants = {
    lodestore: () => arena.crc32(5, size),
    'hash-wasm': () => peerCrc.init().update(data).digest('binary'),
    zlib: () => crc32(data),
  }
  row(label(size), size, measure(contestants, Math.ceil(BYTES_A_ROUND / (size + 100))))
}

console.log('\nSHA-256, GB/s')
const peerSha = await createSHA256()
for (const size of [64, 256, 1024, 4096, 65_536]) {
  const data = bytes.subarray(0, size)
  const batch = Array.from({ length: 256 }, (_, index) => [(index * size) % (SIZE - size), size]).flat()
  const contestants = {
    'lodestore, 256 in a batch': () => arena.sha256Batch(batch),
    'hash-wasm': repeat(256, () => peerSha.init().update(data).digest('binary')),
    'lodestore, alone': repeat(256, () => arena.sha256(5, size)),
    'node:crypto': repeat(256, () => createHash('sha256').update(data).digest()),
  }
  row(label(size), size * 256, measure(contestants, Math.ceil(BYTES_A_ROUND / 8192 / (size + 100))))
}

const CONTENT = 16 * 1024 * 1024
const PIECES = [4096, 65_536, SIZE]
const stretch = kernel.arena(CONTENT)
randomFillSync(stretch.view(0, CONTENT))

console.log('\nSHA-256 of 16 MiB that come in pieces, GB/s')
for (const piece of PIECES) {
  const places = Array.from({ length: CONTENT / piece }, (_, index) => index * piece)
  const contestants = {
    lodestore: () => {
      const stream = stretch.sha256Stream()
      for (const at of places) stream.update(at, piece)
      return stream.digest()
    },
    'hash-wasm': () => {
      peerSha.init()
      for (const at of places) peerSha.update(stretch.view(at, piece))
      return peerSha.digest('binary')
    },
    'lodestore, whole': () => stretch.sha256(0, CONTENT),
  }
  row(label(piece), CONTENT, measure(contestants, 1))
}

console.log('\nChunks of 16 MiB that come in pieces, GB/s')
let chunks = 0
function cutUp(piece) {
  const chunker = stretch.chunker(CHUNK_SIZES)
  chunks = 1
  for (let from = 0; from < CONTENT; from += piece) {
    let [at, taken] = [from, 0]
    do {
      taken = chunker.cut(at, from + piece - at)
      at += taken
      if (taken !== 0) chunks++
    } while (taken !== 0)
  }
}
for (const piece of PIECES) row(label(piece), CONTENT, measure({ lodestore: () => cutUp(piece) }, 1))
console.log(`${(CONTENT / chunks / 1024).toFixed(0)} KiB a chunk`)

console.log('\nIndex table, 1,000,000 keys')
const COUNT = 1_000_000
const keys = randomFillSync(new Uint8Array(COUNT * 32))
const absent = randomFillSync(new Uint8Array(COUNT * 32))
let table = kernel.table(0x1234567890abcdefn)

/** What a million took. */
function report(what, nanoseconds) {
  const [milliseconds, rate] = [(nanoseconds / 1e6).toFixed(0), ((COUNT / nanoseconds) * 1e3).toFixed(1)]
  console.log(`${what.padEnd(36)} ${milliseconds.padStart(5)} ms  ${rate} million/s`)
}

function once(what, call) {
  const begin = performance.now()
  call()
  report(what, (performance.now() - begin) * 1e6)
}

once('set, one by one', () => {
  for (let index = 0; index < COUNT; index++) table.set(keys, index * 32, index, 8, 1024)
})
console.log(`memory                               ${(table.memoryBytes / COUNT).toFixed(1)} bytes a key`)

// The same keys in another order: a stride that is prime to the count visits every one.
const shuffled = new Uint8Array(COUNT * 32)
for (let index = 0, from = 0; index < COUNT; index++, from = (from + 618_033) % COUNT) {
  shuffled.set(keys.subarray(from * 32, from * 32 + 32), index * 32)
}

function visit(wanted, call) {
  for (let at = 0; at < COUNT * 32; at += 32) call(wanted, at)
}

const TOGETHER = 10_000
const locations = new Uint32Array(TOGETHER * 3)
function findTogether(wanted) {
  for (let at = 0; at < COUNT * 32; at += TOGETHER * 32) {
    table.findMany(wanted.subarray(at, at + TOGETHER * 32), locations)
  }
}

for (const [what, wanted] of [
  ['shuffled', shuffled],
  ['absent', absent],
]) {
  const best = measure(
    { find: () => visit(wanted, (keys, at) => table.find(keys, at)), findMany: () => findTogether(wanted) },
    1,
  )
  for (const [name, time] of Object.entries(best)) report(`${name}, ${what}`, time)
}

const saved = table.entries().slice()
const sum = table.crc32()
once('CRC-32 of the block', () => table.crc32())
table = kernel.table(42n)
once('load, of which the copy is a part', () => {
  table.load(COUNT, (block) => {
    block.set(saved)
    return true
  })
})
if (table.crc32() !== sum) throw new Error('what was loaded is not what was saved')
once('delete, shuffled', () => visit(shuffled, (keys, at) => table.delete(keys, at)))

console.log('\nScan of a segment, GB/s')
for (const size of [100, 1024, 65_536]) {
  const count = Math.floor(SIZE / (size + 41))
  for (let index = 0; index < count; index++) arena.seal(index * (size + 41), size + 41, 0)
  const records = new Uint32Array(count * 3)
  const end = count * (size + 41)
  row(label(size), end, measure({ lodestore: () => arena.scan(0, end, records) }, 10))
}
