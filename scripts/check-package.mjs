// @ts-check
/**
 * npm run check:package (after npm run build)
 *
 * Packs the package as npm publishes it and tries it as a newcomer would, outside the project: what is in it, what publint and attw say, whether strict
 * TypeScript takes its types, and whether an app that Vite has built from it stores and reads in a real browser, with the worker that Vite found.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, preview } from 'vite'
import { launchBrowser } from './browsers.mjs'

const project = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(`${project}package.json`, 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'lodestore-package-'))

/** What an app's author writes; strict, and with a `lib` as new projects have it. */
const APP = `
import { type Key, openStore, type Store } from 'lodestore'
import { memoryStorage, openEngine } from 'lodestore/engine'

async function roundTrip(store: Store): Promise<string> {
  const key: Key = await store.put('hello')
  const bytes = await store.get(key)
  await store.close()
  return new TextDecoder().decode(bytes)
}

const results = async () => [await roundTrip(await openStore('app')), await roundTrip(await openEngine(memoryStorage()))]
results().then(String, String).then((text) => { document.title = text })
`
const COMPILER_OPTIONS = {
  noEmit: true,
  strict: true,
  skipLibCheck: false,
  target: 'es2022',
  lib: ['es2022', 'dom'],
  module: 'esnext',
  moduleResolution: 'bundler',
  types: [],
}

try {
  const tarball = pack()
  run('publint', 'run', tarball, '--strict')
  run('attw', tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-definitely-typed')
  install(tarball)
  run('tsc', '--project', folder)
  await useInBrowser()
  console.log('package: in order')
} catch (error) {
  console.error(`package: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}

/** Makes the tarball, looks at what is in it and returns its path. */
function pack() {
  const { stdout } = command('npm', 'pack', '--json', '--pack-destination', folder)
  /** @type {{ filename: string, size: number, files: { path: string }[] }[]} */
  const [packed] = JSON.parse(stdout)
  if (packed === undefined) throw new Error('npm pack made nothing')
  const paths = packed.files.map(({ path }) => path)
  const faults = [
    ...wanted()
      .filter((path) => !paths.includes(path))
      .map((path) => `${path} is missing`),
    ...paths.filter((path) => !belongs(path)).map((path) => `${path} does not belong there`),
  ]
  if (faults.length > 0) throw new Error(`the tarball is not as it should be:\n  ${faults.join('\n  ')}`)
  console.log(`package: ${paths.length} files, ${(packed.size / 1000).toFixed(0)} kB`)
  return join(folder, packed.filename)
}

/** What the package's own fields and its README point to. */
function wanted() {
  /** @type {(string | { [condition: string]: string })[]} */
  const targets = Object.values(manifest.exports)
  const links = readFileSync(`${project}README.md`, 'utf8').matchAll(/\]\(([A-Z]+\.md|demo\/.+?)\)/g)
  const paths = [
    ...targets.flatMap((target) => (typeof target === 'string' ? target : Object.values(target))),
    ...Array.from(links, ([, path]) => path ?? ''),
    'LICENSE',
  ].map((path) => path.replace(/^\.\//, ''))
  return [...new Set(paths)]
}

/** A page for people, or compiled from a source that is still there: what was renamed stays in dist/ until somebody removes it. */
function belongs(/** @type {string} */ path) {
  if (/^([A-Z]+\.md|LICENSE|package\.json)$/.test(path)) return true
  // The examples that the README points to.
  if (/^demo\/.*\.ts$/.test(path)) return true
  const source = /^dist\/(.+?)(?:\.d\.ts|\.js)$/.exec(path)?.[1]
  return source !== undefined && !source.startsWith('testing/') && existsSync(`${project}src/${source}.ts`)
}

/** The app's folder: the package from the tarball, its dependencies from the project. */
function install(/** @type {string} */ tarball) {
  const home = join(folder, 'node_modules', manifest.name)
  mkdirSync(home, { recursive: true })
  command('tar', '-xzf', tarball, '--strip-components=1', '-C', home)
  for (const name of Object.keys(manifest.dependencies)) {
    symlinkSync(`${project}node_modules/${name}`, join(folder, 'node_modules', name), 'junction')
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['app.ts'] }))
  writeFileSync(join(folder, 'app.ts'), APP)
  writeFileSync(
    join(folder, 'index.html'),
    '<!doctype html><title></title><script type="module" src="app.ts"></script>',
  )
}

async function useInBrowser() {
  const options = { configFile: /** @type {const} */ (false), root: folder, logLevel: /** @type {const} */ ('warn') }
  await build(options)
  const server = await preview({ ...options, preview: { port: 0 } })
  const { context, close } = await launchBrowser('chromium')
  try {
    const page = await context.newPage()
    await page.goto(server.resolvedUrls?.local[0] ?? '')
    await page.waitForFunction(() => document.title !== '')
    const title = await page.title()
    if (title !== 'hello,hello') throw new Error(`the app built from it says: ${title}`)
  } finally {
    await close()
    await server.close()
  }
}

/** Runs a tool of the project and shows what it says when it is not content. */
function run(/** @type {string} */ tool, /** @type {string[]} */ ...words) {
  command('npx', '--no', '--', tool, ...words)
  console.log(`package: ${tool} is content`)
}

function command(/** @type {string} */ program, /** @type {string[]} */ ...words) {
  const result = spawnSync(program, words, { cwd: project, encoding: 'utf8' })
  if (result.status === 0) return result
  throw new Error(`${program} ${words.join(' ')}\n${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`)
}
