// @ts-check
/**
 * npm run webkit
 *
 * The cases of the engine and of storages, and calls of a page on its worker, in WebKit: the engine of Safari, in the small browser that comes with WebKitGTK. That
 * has no private file system, so the stores are in memory, and what is tested is all but the disk. It takes Linux with packages of the system, which
 * it names when they are not there. Exits with 1 if a case fails.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { servePage } from './page-server.mjs'

const SCREEN = '/usr/bin/xvfb-run'
const LIBRARIES = '/usr/lib'
const MINUTES_MAX = 20

try {
  process.exitCode = await run(await findBrowser())
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

/** The small browser of WebKitGTK, wherever this machine keeps its libraries. */
async function findBrowser() {
  for (const machine of await readdir(LIBRARIES)) {
    const path = join(LIBRARIES, machine, 'webkit2gtk-4.1', 'MiniBrowser')
    if (existsSync(path) && existsSync(SCREEN)) return path
  }
  throw new Error('no WebKit here: "apt-get install webkit2gtk-driver xvfb xauth" brings it on Debian')
}

/**
 * Resolves to the exit status.
 * @param {string} browser
 */
async function run(browser) {
  let failures = 0
  /** @type {(end: { count: number, browser: string }) => void} */
  let ended = () => undefined
  const end = new Promise((resolve) => {
    ended = resolve
  })
  const server = await servePage('webkit.html', {
    case(body) {
      /** @type {import('../e2e/pages/webkit.js').CaseResult} */
      const { name, failure } = JSON.parse(body.toString())
      if (failure === undefined) return
      failures++
      console.log(`${name}: ${failure}`)
    },
    end: (body) => ended(JSON.parse(body.toString())),
  })
  const home = await mkdtemp(join(tmpdir(), 'lodestore-webkit-'))
  // Its sandbox asks the system for what containers do not give, and nothing but our own page is loaded.
  const env = { ...process.env, HOME: home, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' }
  const child = spawn(SCREEN, ['--auto-servernum', browser, server.url], { env, stdio: 'ignore', detached: true })
  // The screen, and the browser's processes with it, however this ends.
  const stop = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid)
  }
  process.once('exit', stop)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  const gone = new Promise((_, reject) => {
    child.on('exit', (status) => reject(new Error(`the browser ended with ${status} before the cases did`)))
    setTimeout(() => reject(new Error(`the cases did not end in ${MINUTES_MAX} minutes`)), MINUTES_MAX * 60_000).unref()
  })
  try {
    const { count, browser: name } = await Promise.race([end, gone])
    console.log(`${count - failures} of ${count} cases pass in ${name}`)
    return failures === 0 ? 0 : 1
  } finally {
    gone.catch(() => undefined)
    stop()
    server.close()
    await rm(home, { recursive: true, force: true })
  }
}
