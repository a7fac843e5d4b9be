// @ts-check
/**
 * The browsers that the tests and the measuring scripts run in. It takes the one on the PATH, else Playwright's own download,
 * else asks the system's package manager, and says which. A browser that cannot be had is an error that tells what to do; nothing
 * is ever skipped for the lack of one. Called by `npm test` (as a program), the Playwright configuration and scripts that launch browsers.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, firefox } from '@playwright/test'

/** @typedef {'chromium' | 'firefox'} BrowserName */
/** @typedef {{ executablePath: string, source: 'PATH' | 'Playwright' }} FoundBrowser */

const BROWSERS = {
  chromium: { type: chromium, commands: ['chromium', 'google-chrome', 'chromium-browser'], package: 'chromium' },
  firefox: { type: firefox, commands: ['firefox-esr', 'firefox'], package: 'firefox-esr' },
}

/** @type {BrowserName[]} */
export const browserNames = ['chromium', 'firefox']

/**
 * The browser that is there, if one is.
 * @param {BrowserName} name
 * @returns {FoundBrowser | undefined}
 */
export function findBrowser(name) {
  const folders = (process.env.PATH ?? '').split(delimiter)
  for (const command of BROWSERS[name].commands) {
    const path = folders.map((folder) => join(folder, command)).find((path) => existsSync(path))
    // Some systems have a command of that name that only tells how to install the browser.
    if (path !== undefined && run(path, ['--version'], 'ignore')) return { executablePath: path, source: 'PATH' }
  }
  const path = BROWSERS[name].type.executablePath()
  return existsSync(path) ? { executablePath: path, source: 'Playwright' } : undefined
}

/**
 * The browser that is there, after installing it if none is.
 * @param {BrowserName} name
 * @returns {FoundBrowser}
 */
export function findOrInstallBrowser(name) {
  const found = findBrowser(name) ?? download(name) ?? installPackage(name)
  if (found !== undefined) return found
  const { commands } = BROWSERS[name]
  throw new Error(`no ${name}: install it so that one of ${commands.join(', ')} is on the PATH, then try again`)
}

/**
 * What Playwright has to be told to launch it.
 * @param {BrowserName} name
 * @returns {import('@playwright/test').LaunchOptions}
 */
export function launchOptions(name) {
  const found = findBrowser(name)
  if (found === undefined) throw new Error(`no ${name} was found: run "node scripts/browsers.mjs" to install it`)
  const { executablePath, source } = found
  // Playwright's own Firefox is patched and speaks another protocol than the one people use.
  if (name === 'firefox') return source === 'PATH' ? { executablePath, channel: 'moz-firefox' } : { executablePath }
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic']
  return { executablePath, args: quiet }
}

/**
 * A headless browser: with `profile` (a folder), one that keeps what it stored for the next launch; without, one that forgets.
 * Other options go to Playwright as they are and add to the usual ones.
 * @param {BrowserName} name
 * @param {{ profile?: string } & import('@playwright/test').LaunchOptions} [options]
 * @returns {Promise<{ context: import('@playwright/test').BrowserContext, close: () => Promise<void> }>}
 */
export async function launchBrowser(name, { profile, args = [], ...options } = {}) {
  const usual = launchOptions(name)
  const all = { ...usual, ...options, args: [...(usual.args ?? []), ...args] }
  const { type } = BROWSERS[name]
  if (profile !== undefined) {
    const context = await type.launchPersistentContext(profile, all)
    return { context, close: () => context.close() }
  }
  const browser = await type.launch(all)
  return { context: await browser.newContext(), close: () => browser.close() }
}

/** @param {BrowserName} name */
function download(name) {
  console.log(`${name}: none on the PATH; trying Playwright's own download`)
  if (!run('npx', ['playwright', 'install', name])) return undefined
  // The download needs libraries of the system. Without the right to install them they may still be there.
  if (process.platform === 'linux') runAsRoot(['npx', 'playwright', 'install-deps', name])
  return findBrowser(name)
}

/** @param {BrowserName} name */
function installPackage(name) {
  const { package: wanted } = BROWSERS[name]
  console.log(`${name}: no download; trying apt-get install ${wanted}`)
  runAsRoot(['apt-get', 'update'])
  runAsRoot(['apt-get', 'install', '--yes', '--no-install-recommends', wanted])
  return findBrowser(name)
}

/** @param {string[]} command */
function runAsRoot(command) {
  const [program = '', ...rest] = process.getuid?.() === 0 ? command : ['sudo', '--non-interactive', ...command]
  return run(program, rest)
}

/**
 * True when the program ended well.
 * @param {string} program
 * @param {string[]} rest
 * @param {'inherit' | 'ignore'} output
 */
function run(program, rest, output = 'inherit') {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(program, rest, { stdio: ['ignore', output, output], env }).status === 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of browserNames) {
    const { executablePath, source } = findOrInstallBrowser(name)
    console.log(`${name}: ${executablePath} (${source === 'PATH' ? 'found on the PATH' : "Playwright's download"})`)
  }
}
