// @ts-check
/**
 * npm run prove -- <folder> [--browser chromium|firefox]
 *
 * The main job, from end to end: stores every file of the folder in a real browser through the public API, closes the browser, starts it again
 * on the same profile, reads everything back and compares it with the folder, byte for byte. Exits with 0 if nothing differs, with 1
 * and the files' names if something does, with 2 if it was called wrongly. The comparison is made here, not in the page.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { browserNames, launchBrowser } from './browsers.mjs'
import { Comparison, listFolder, splitIntoBatches } from './folder.mjs'
import { pack, unpack } from './packing.mjs'
import { servePage } from './page-server.mjs'

const USAGE = `usage: npm run prove -- <folder> [--browser ${browserNames.join('|')}]`
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
    if (given === undefined || more.length > 0) return 'one folder is needed'
    // npm runs scripts in the project's folder, wherever it was called.
    const folder = resolve(process.env.INIT_CWD ?? '', given)
    const found = await stat(folder).catch(() => undefined)
    if (!found?.isDirectory()) return `${folder} is not a folder`
    return { folder, browser, between: values.between }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** @param {string} why */
function misused(why) {
  console.error(`${why}\n${USAGE}`)
  return 2
}

/** @param {{ folder: string, browser: import('./browsers.mjs').BrowserName, between: string | undefined }} options */
async function prove({ folder, browser, between }) {
  const { files, refused, skipped } = await listFolder(folder)
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
    async compare(body) {
      const { list, values } = /** @type {import('../e2e/pages/prove.js').ReadBack} */ (unpack(new Uint8Array(body)))
      for (const [i, { name, error }] of list.entries()) await comparison.add(name, error ?? values[i] ?? 'no bytes')
    },
  })
  const profile = await mkdtemp(join(tmpdir(), 'lodestore-prove-'))
  try {
    console.log(`${folder}: storing ${count(files.length)} files in ${browser}`)
    const put = await inBrowser((page) => page.evaluate((batches) => window.storeBatches(batches), batches.length))
    if (between !== undefined) spawnSync(between, { shell: true, stdio: 'inherit', env: { ...process.env, profile } })
    console.log('reading them back in the browser started again')
    const got = await inBrowser((page) => page.evaluate(() => window.readBack()))
    comparison.end()
    const differences = [...comparison.differences, ...got.findings]
    const bytes = files.reduce((sum, { size }) => sum + size, 0)
    printTable([
      ['browser', `${browser} ${got.version}`],
      ['files', count(files.length)],
      ['skipped', `${count(skipped.links)} symbolic links, ${count(skipped.others)} other`],
      ['refused (too large)', count(refused.length)],
      ['bytes', count(bytes)],
      ['unique blobs', `${count(put.blobs)} (${count(put.blobBytes)} bytes)`],
      ['put, MB/s *', rate(bytes, put.milliseconds)],
      ['get, MB/s *', rate(bytes, got.milliseconds)],
      ['open, ms', got.openMilliseconds.toFixed(0)],
      ['check, ms', got.checkMilliseconds.toFixed(0)],
      ['store on disk, bytes', count(got.diskBytes)],
      ['differences', count(differences.length)],
    ])
    console.log("* time in lodestore's calls alone, names and commits included; the way between page and folder is not")
    for (const { name, size } of refused)
      console.log(`refused: ${name}: ${count(size)} bytes are too many for one value`)
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
   * @returns {Promise<T>}
   */
  async function inBrowser(use) {
    const { context, close } = await launchBrowser(browser, { profile })
    try {
      const page = await context.newPage()
      await page.goto(server.url)
      return await use(page)
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
  return milliseconds > 0 ? (bytes / 1000 / milliseconds).toFixed(0) : '-'
}
