/**
 * The real Borg, for tests. It is never skipped for the lack of one: where there is none it is installed, or the tests fail and say what to do.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let isThere: boolean | undefined

/** Runs Borg and gives what it said, stdout and stderr together. Throws unless it ended well. */
export function borg(home: string, ...words: string[]): string {
  isThere ??= runs('borg', ['--version']) || install()
  if (!isThere) {
    throw new Error(
      'there is no borg: install Borg 1.x (apt-get install borgbackup, brew install borgbackup), then try again',
    )
  }
  const env = {
    ...process.env,
    BORG_BASE_DIR: home,
    BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
    BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
  }
  const { status, stdout, stderr, error } = spawnSync('borg', words, { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`borg ${words.join(' ')}: ${status} ${error ?? ''}\n${stdout}${stderr}`)
  return stdout + stderr
}

function install(): boolean {
  const asRoot = (words: string[]) => (process.getuid?.() === 0 ? words : ['sudo', '--non-interactive', ...words])
  for (const words of [
    ['apt-get', 'update'],
    ['apt-get', 'install', '--yes', '--no-install-recommends', 'borgbackup'],
  ]) {
    const [program = '', ...rest] = asRoot(words)
    if (!runs(program, rest)) return false
  }
  return runs('borg', ['--version'])
}

function runs(program: string, words: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(program, words, { stdio: 'ignore', env }).status === 0
}

/** What `borg debug get-obj` gives. */
export function borgObject(home: string, repository: string, key: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'lodestore-object-'))
  try {
    borg(home, 'debug', 'get-obj', repository, key, join(folder, 'object'))
    return readFileSync(join(folder, 'object'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
