/**
 * Imports go down only: what each folder of src may import. Read from the import lines themselves, so that a file which
 * nobody has thought of cannot stand outside. ARCHITECTURE.md draws the same picture.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('.', import.meta.url))

/** Each layer and those below it that it may know. All know errors.ts and types.ts; a layer knows itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  client: ['protocol', 'format'],
  worker: ['protocol', 'store', 'storage', 'format'],
  protocol: ['format'],
  cli: ['node.ts', 'exchange.ts'],
  exchange: ['store', 'format', 'kernel', 'storage'],
  store: ['log', 'format', 'kernel', 'storage'],
  log: ['format', 'kernel', 'storage'],
  format: [],
  kernel: [],
  storage: [],
}
const BASE = [
  'errors.ts',
  'types.ts',
  'copy.ts',
  'flow.ts',
  'held.ts',
  'meta.ts',
  'piece-stream.ts',
  'response.ts',
  'transact.ts',
]
/** The entries of the package; nothing imports them but each other. */
const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  'engine.ts': ['store', 'storage', 'kernel'],
  'node.ts': ['engine.ts', 'storage'],
  'exchange.ts': ['exchange'],
}
/** The page's side may take from the format what is named here: a page pays for every byte. */
const FORMAT_FOR_THE_PAGE = ['format/names.ts', 'format/paths.ts', 'format/key.ts', 'format/data-view.ts']
/** Packages and modules of Node, and the one place that may import each. */
const FOREIGN: Readonly<Record<string, (file: string) => boolean>> = {
  'idb-keyval': (file) => file === 'client/catalogue.ts',
  'modern-tar': (file) => file.startsWith('exchange/'),
  'node:': (file) => file.startsWith('storage/') || file.startsWith('cli/'),
}

const IMPORT =
  /^(?:import|export)\b[^'"]*?\bfrom\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm

/** What a text imports: paths from src for its own files ('log/reader.ts'), else the specifier. */
function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? ''
    return specifier.startsWith('.') ? join(dirname(file), specifier).replace(/\.js$/, '.ts') : specifier
  })
}

const layerOf = (path: string) => path.split('/')[0] ?? path

/** Why `file` may not import `target`; undefined if it may. */
function objection(file: string, target: string): string | undefined {
  const [from, to] = [layerOf(file), layerOf(target)]
  const owner = Object.entries(FOREIGN).find(([name]) => target.startsWith(name))
  if (owner) return owner[1](file) ? undefined : `${file} may not import ${target}`
  if (BASE.includes(target) || from === to) return undefined
  const allowed = BASE.includes(file) ? [] : (MAY_IMPORT[from] ?? ENTRIES[file] ?? [])
  if (!allowed.includes(to)) return `${file} may not import ${target}`
  const page = from === 'client' || from === 'protocol'
  if (page && to === 'format' && !FORMAT_FOR_THE_PAGE.includes(target)) return `${file} may not import ${target}`
  return undefined
}

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.startsWith('testing/'))

test('every file of src is in a layer, or an entry, or the base', () => {
  const places = [...Object.keys(MAY_IMPORT), ...Object.keys(ENTRIES), ...BASE]
  expect(files.filter((file) => !places.includes(layerOf(file)))).toEqual([])
  expect(files.length).toBeGreaterThan(40)
})

test('imports go down only', () => {
  const objections = files.flatMap((file) =>
    importsOf(file, readFileSync(join(ROOT, file), 'utf8')).flatMap((target) => objection(file, target) ?? []),
  )
  expect(objections).toEqual([])
})

test('every import of a relative path ends in .js and names a file that is there', () => {
  const known = new Set([...files, 'kernel/module.ts'])
  const missing = files.flatMap((file) =>
    importsOf(file, readFileSync(join(ROOT, file), 'utf8'))
      .filter((target) => target.endsWith('.ts') || (target.includes('/') && !target.startsWith('node:')))
      .filter((target) => !known.has(target))
      .map((target) => `${file}: ${relative('.', target)}`),
  )
  expect(missing).toEqual([])
})

test.each([
  ['log/reader.ts', "import { openEngine } from '../store/engine.js'"],
  ['client/store.ts', "import type { Engine } from '../store/engine.js'"],
  ['client/store.ts', "import { decodeConfig } from '../format/config.js'"],
  ['protocol/bytes.ts', "export * from '../kernel/kernel.js'"],
  ['format/head.ts', "import '../storage/memory.js'"],
  ['worker/host.ts', "const late = () => import('../client/store.js')"],
  ['errors.ts', "import type { Key } from './format/key.js'"],
  ['store/engine.ts', "import { readFileSync } from 'node:fs'"],
  ['client/open.ts', "import { get } from 'idb-keyval'"],
  ['store/engine.ts', "import { exportStore } from '../exchange.js'"],
  ['store/engine.ts', "import { packTar } from 'modern-tar'"],
  ['cli/main.ts', "import { openContext } from '../store/open.js'"],
  ['store/open.ts', "import {\n  openEngine,\n  type Engine,\n} from '../engine.js'"],
])('the check sees that %s may not say %j', (file, text) => {
  const targets = importsOf(file, text)
  expect(targets.length).toBe(1)
  expect(objection(file, targets[0] ?? '')).toContain(file)
})
