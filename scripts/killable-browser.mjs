// @ts-check
/**
 * A browser with a profile that is kept, which can be killed at once and as a whole. Playwright does not tell the process of a browser with a profile, so
 * it launches a script that notes its own number and becomes the browser; as Playwright makes it the leader of its process group,
 * one signal ends it with all its children. Linux and macOS. Called by kill.mjs.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { launchBrowser, launchOptions } from './browsers.mjs'

const END_MILLISECONDS = 5000
const POLL_MILLISECONDS = 10

/**
 * @param {import('./browsers.mjs').BrowserName} name
 * @param {string} folder of its own; the profile is in it
 */
export async function launchKillableBrowser(name, folder) {
  const launcher = join(folder, 'browser.sh')
  const pidFile = join(folder, 'browser.pid')
  const { executablePath } = launchOptions(name)
  await writeFile(launcher, `#!/bin/sh\necho $$ > '${pidFile}'\nexec '${executablePath}' "$@"\n`, { mode: 0o755 })
  const { context, close } = await launchBrowser(name, { profile: join(folder, 'profile'), executablePath: launcher })
  const group = -Number(await readFile(pidFile, 'utf8'))
  return {
    context,
    close,
    async kill() {
      const gone = new Promise((resolve) => context.once('close', resolve))
      process.kill(group, 'SIGKILL')
      await gone
      // Ended children may stay in the process table where nobody collects them: that is no reason to wait for ever.
      for (let waited = 0; waited < END_MILLISECONDS && exists(group); waited += POLL_MILLISECONDS) {
        await setTimeout(POLL_MILLISECONDS)
      }
    },
  }
}

/**
 * True when the browser has dropped part of its own directory of files. Chromium keeps it in a LevelDB whose log, when a kill tears its last record, is
 * appended to behind the torn one; the opening after the next then drops what was appended ("dropping n bytes; Corruption" in LevelDB's
 * own LOG), and files made meanwhile are gone from the directory, whoever made them (google/leveldb issue 1287).
 * @param {string} profile
 */
export async function lostDirectory(profile) {
  for (const path of await readdir(profile, { recursive: true })) {
    if (!/\/File System\/.*\/Paths\/LOG(\.old)?$/.test(path)) continue
    if (/dropping \d+ bytes; Corruption/.test(await readFile(join(profile, path), 'utf8'))) return true
  }
  return false
}

/** @param {number} pid */
function exists(pid) {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
