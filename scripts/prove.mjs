// @ts-check
/**
 * npm run prove -- <folder|file> [--browser chromium|firefox]
 *
 * The main job, from end to end: stores every file of the folder in a real browser through the public API, closes the browser, starts it again
 * on the same profile, reads everything back and compares it with the folder, byte for byte. Large files flow, both ways, and are compared by their
 * SHA-256. Exits with 0 if nothing differs, with 1 and the files' names if something does, with 2 if it was called wrongly. The comparison is
 * made here, not in the page.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { browserNames, launchBrowser } from './browsers.mjs'
import { Comparison, isLarge, listFile, listFolder, readPiece, splitIntoBatches } from './folder.mjs'
import { watchMemory } from './memory.mjs'
import { pack, unpack } from './packing.mjs'
import { servePage } from './page-server.mjs'

const USAGE = `usage: npm run prove -- <folder|file> [--browser ${browserNames.join('|')}]`
const DIFFERENCES_SHOWN_MAX = 20

try {
  const options = await parse()
  process.exitCode = typeof options === 'string' ? misused(options) : await prove(options)
} catch (error) {
  console.error(error)
  process.exitCode = 1
}

/** The options, or what is wrong with them. */
async function parse() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      // `between` is a shell command for the time in which the browser is closed; the tests change files with it.
      options: { browser: { type: 'string', default: 'chromium' }, between: { type: 'string' } },
    })
    const browser = browserNames.find((name) => name === values.browser)
    if (browser === undefined) return `there is no browser "${values.browser}" here`
    const [given, ...more] = positionals
    if (given === undefined || more.length > 0) return 'one folder or file is needed'
    // npm runs scripts in the project's folder, wherever it was called.
    const path = resolve(process.env.INIT_CWD ?? '', given)
    const found = await stat(path).catch(() => undefined)
    if (!found?.isDirectory() && !found?.isFile()) return `${path} is neither a folder nor a file`
    const listed = found.isFile() ? await listFile(path) : await listFolder(path)
    return { ...listed, browser, between: values.between }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** @param {string} why */
function misused(why) {
  console.error(`${why}\n${USAGE}`)
  return 2
}

/**
 * @typedef {Awaited<ReturnType<typeof listFolder>>} Listed
 * @param {Listed & { browser: import('./browsers.mjs').BrowserName, between: string | undefined }} options
 */
async function prove({ folder, files, skipped, browser, between }) {
  const batches = splitIntoBatches(files)
  const comparison = new Comparison(folder, files)
  const server = await servePage('prove.html', {
    async batch(body) {
      const batch = batches[Number(body)] ?? []
      const values = await Promise.all(batch.map(({ name }) => readFile(join(folder, name))))
      // The sizes are of now: a file that has grown since it was listed still comes whole.
      const list = batch.map(({ name }, i) => ({ name, size: values[i]?.length }))
      return Buffer.concat(pack(list, values))
    },
    async large(body) {
      const { batch, offset } = JSON.parse(body.toString())
      const [file] = batches[batch] ?? []
      if (file === undefined) throw new Error(`there is no batch ${batch}`)
      return readPiece(join(folder, file.name), offset)
    },
    piece(body) {
      comparison.addPiece(body)
    },
    async pieces(body) {
      const { name, key, error } = /** @type {import('../e2e/pages/prove.js').FlowedBack} */ (
        JSON.parse(body.toString())
      )
      await comparison.endPieces(name, key, error)
    },
    async compare(body) {
      const { list, values } = /** @type {import('../e2e/pages/prove.js').ReadBack} */ (unpack(new Uint8Array(body)))
      for (const [i, { name, error }] of list.entries()) await comparison.add(name, error ?? values[i] ?? 'no bytes')
    },
  })
  const profile = await mkdtemp(join(tmpdir(), 'lodestore-prove-'))
  try {
    console.log(`${folder}: storing ${count(files.length)} files in ${browser}`)
    const plan = batches.map(([file]) => (file && isLarge(file) ? file : null))
    const put = await inBrowser((page) => page.evaluate((plan) => window.storeBatches(plan), plan))
    if (between !== undefined) spawnSync(between, { shell: true, stdio: 'inherit', env: { ...process.env, profile } })
    console.log('reading them back in the browser started again')
    const got = await inBrowser((page) => page.evaluate(() => window.readBack()))
    comparison.end()
    const differences = [...comparison.differences, ...got.findings]
    const sizeOf = (/** @type {import('./folder.mjs').FileEntry[]} */ some) =>
      some.reduce((sum, { size }) => sum + size, 0)
    const large = files.filter(isLarge)
    const [bytes, largeBytes] = [sizeOf(files), sizeOf(large)]
    const memory = (/** @type {number | undefined} */ mebibytes) => (mebibytes === undefined ? '-' : count(mebibytes))
    printTable([
      ['browser', `${browser} ${got.version}`],
      ['files', count(files.length)],
      ['skipped', `${count(skipped.links)} symbolic links, ${count(skipped.others)} other`],
      ['bytes', count(bytes)],
      ['unique contents', `${count(put.contents)} (${count(put.contentBytes)} bytes)`],
      ['put, MB/s *', rate(bytes - largeBytes, put.milliseconds)],
      ['get, MB/s *', rate(bytes - largeBytes, got.milliseconds)],
      ['large files (over 16 MiB)', `${count(large.length)} (${count(largeBytes)} bytes)`],
      ['put, as they flow in, MB/s **', rate(largeBytes, put.flowMilliseconds)],
      ['get, as a stream, MB/s **', rate(largeBytes, got.flowMilliseconds)],
      ['memory of the page, put / get, MiB ***', `${memory(put.mebibytes)} / ${memory(got.mebibytes)}`],
      ['open, ms', got.openMilliseconds.toFixed(0)],
      ['check, ms', got.checkMilliseconds.toFixed(0)],
      ['store on disk, bytes', count(got.diskBytes)],
      ['differences', count(differences.length)],
    ])
    console.log("* time in lodestore's calls alone, names and commits included; the way between page and folder is not")
    console.log('** put: with the way from folder to page, piece by piece; get: without the way back')
    console.log(
      '*** at most, over what it was before its first call; all processes of the browser but the main one, which Playwright fills',
    )
    for (const line of differences.slice(0, DIFFERENCES_SHOWN_MAX)) console.error(`DIFFERENT: ${line}`)
    const hidden = differences.length - DIFFERENCES_SHOWN_MAX
    if (hidden > 0) console.error(`and ${count(hidden)} more`)
    return differences.length === 0 ? 0 : 1
  } finally {
    server.close()
    await rm(profile, { recursive: true, force: true })
  }

  /**
   * @template T
   * @param {(page: import('@playwright/test').Page) => Promise<T>} use
   * @returns {Promise<T & { mebibytes: number | undefined }>}
   */
  async function inBrowser(use) {
    const { context, close } = await launchBrowser(browser, { profile })
    try {
      const page = await context.newPage()
      await page.goto(server.url)
      const memory = await watchMemory()
      const result = await use(page).finally(memory.stop)
      return { ...result, mebibytes: memory.mebibytes() }
    } finally {
      await close()
    }
  }
}

/** @param {[string, string][]} rows */
function printTable(rows) {
  const width = (/** @type {0 | 1} */ column) => Math.max(...rows.map((row) => row[column].length))
  const [names, values] = [width(0), width(1)]
  console.log(
    `\n| ${' '.repeat(names)} | ${' '.repeat(values)} |\n|${'-'.repeat(names + 2)}|${'-'.repeat(values + 1)}:|`,
  )
  for (const [name, value] of rows) console.log(`| ${name.padEnd(names)} | ${value.padStart(values)} |`)
}

/** @param {number} number */
function count(number) {
  return number.toLocaleString('en')
}

/**
 * @param {number} bytes
 * @param {number} milliseconds
 */
function rate(bytes, milliseconds) {
  return milliseconds > 0 && bytes > 0 ? (bytes / 1000 / milliseconds).toFixed(0) : '-'
}
