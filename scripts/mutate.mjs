// @ts-check
/**
 * npm run mutate -- [--only TEXT]
 *
 * Takes checks out of the source, one at a time (scripts/mutations.mjs; with --only those whose line or file has TEXT in it), and runs
 * the unit tests: each time one of them must fail. It works on a copy of the tree, whose tests must pass before anything is taken
 * out. Prints a table: what was taken out, and the test that noticed. What no test notices, and a text that is not found exactly once,
 * makes it exit with 1.
 */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { MUTATIONS } from './mutations.mjs'

/** A check that is gone may leave a loop without an end: that is noticed, too. */
const MINUTES_MAX = 10
/** What is copied: all that the unit tests read. */
const TREE = [
  'src',
  'assembly',
  'scripts',
  'demo',
  'e2e',
  'package.json',
  'vite.config.ts',
  'tsconfig.base.json',
  'LICENSE',
]
const PAGES = ['README.md', 'ARCHITECTURE.md', 'FORMAT.md', 'RELIABILITY.md', 'CHANGELOG.md']
/** The list itself is held to the source by a test, which every mutation would break; those of the command line run what is built, and so not the copy. */
const LEFT_OUT = ['src/testing/mutations.test.ts', 'src/cli/*']

const project = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } })
const mutations = MUTATIONS.filter(({ taken, file }) => `${taken} ${file}`.includes(values.only))
const tree = await mkdtemp(join(tmpdir(), 'lodestore-mutate-'))
try {
  process.exitCode = await run()
} finally {
  await rm(tree, { recursive: true })
}

/** Resolves to the exit status. */
async function run() {
  for (const name of [...TREE, ...PAGES]) await cp(join(project, name), join(tree, name), { recursive: true })
  await symlink(join(project, 'node_modules'), join(tree, 'node_modules'))
  const broken = await caughtBy([])
  if (broken !== undefined) {
    console.log(`the tests fail before anything is taken out: ${broken}`)
    return 1
  }
  let survivors = 0
  console.log('| taken out | noticed by |\n| --- | --- |')
  for (const mutation of mutations) {
    const noticed = await tried(mutation)
    if (noticed === undefined) survivors++
    console.log(`| ${mutation.taken} | ${noticed ?? '**nothing**'} |`)
  }
  console.log(`\n${mutations.length} checks taken out, ${survivors} not noticed`)
  return survivors === 0 && mutations.length > 0 ? 0 : 1
}

/**
 * The name of the test that fails without this check; undefined when none does.
 * @param {import('./mutations.mjs').Mutation} mutation
 */
async function tried({ file, text, replacement, tests, named = '' }) {
  const path = join(tree, file)
  const source = await readFile(path, 'utf8')
  if (source.split(text).length !== 2) throw new Error(`${file} does not hold this text exactly once: ${text}`)
  await writeFile(
    path,
    source.replace(text, () => replacement),
  )
  try {
    return (await caughtBy(tests, named)) ?? (await caughtBy([]))
  } finally {
    await writeFile(path, source)
  }
}

/**
 * Runs the tests of these files with such names, or all tests, up to the first failure, and names it.
 * @param {string[]} tests
 */
async function caughtBy(tests, named = '') {
  const report = join(tree, 'report.json')
  await rm(report, { force: true })
  const build = await finished(['scripts/build-kernel.mjs'])
  if (build !== 0) return 'the kernel does not compile'
  const options = ['--bail', '1', '--reporter', 'json', '--outputFile', report]
  for (const pattern of LEFT_OUT) options.push('--exclude', pattern)
  // The engine's cases run in memory first: on a folder they take ten times as long, and are the same.
  if (tests.length > 0) options.push('--testNamePattern', `^(?!the engine on a folder).*(${named})`)
  const status = await finished(['node_modules/vitest/vitest.mjs', 'run', ...options, ...tests])
  if (status === 0) return undefined
  if (status === undefined) return `the clock: the tests did not end in ${MINUTES_MAX} minutes`
  /** @type {{ testResults: { name: string, status: string, message: string, assertionResults: { fullName: string, status: string }[] }[] }} */
  const { testResults } = JSON.parse(await readFile(report, 'utf8'))
  for (const { name, status, message, assertionResults } of testResults) {
    const failed = assertionResults.find((test) => test.status === 'failed')
    const path = name.replace(`${tree}/`, '')
    if (failed) return `\`${path.split('/').at(-1)}\`: ${failed.fullName}`
    if (status === 'failed') throw new Error(`${path} does not run: ${message}`)
  }
  throw new Error(`Vitest ended with ${status} and names no test; its report is ${report}`)
}

/**
 * Runs Node in the copy and waits: the exit status, or undefined when it took too long.
 * @param {string[]} line
 * @returns {Promise<number | undefined>}
 */
function finished(line) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, line, { cwd: tree, stdio: 'ignore' })
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, MINUTES_MAX * 60_000)
    child.on('exit', (status) => {
      clearTimeout(timer)
      resolve(isLate ? undefined : (status ?? 1))
    })
  })
}
