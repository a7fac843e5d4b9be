/**
 * A random run in several processes: what torture.mjs, model.mjs and page-model.mjs have in common. Each process takes its turn at the seeds; progress with rate
 * and time left every ten seconds; a failure prints the line that repeats it, ends the others and makes the exit code 1.
 */
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'vite'

/** A seed takes seconds, on a machine with much else to do a minute. */
const SEED_MILLISECONDS_MAX = 5 * 60_000

const project = fileURLToPath(new URL('..', import.meta.url))

/**
 * `name` is the npm script, and that of the entry in src/testing; `unit` is what is counted, `flag` the option that says how much of it.
 * @param {{ name: string, unit: string, flag: string, otherwise: number }} task
 */
export async function runJobs(task) {
  if (process.send) await work(task)
  else await lead(task)
}

const bundleOf = ({ name }) => `${project}build/${name}/${name}-run.js`

/** One process of several: reports each seed, and the failure if there is one. */
async function work(task) {
  const { run } = await import(pathToFileURL(bundleOf(task)).href)
  const options = JSON.parse(process.argv[2])
  try {
    await run({ ...options, onSeed: (seed, done) => process.send({ seed, done }) })
  } catch (error) {
    process.send({ failure: error.message })
  }
  process.disconnect()
}

async function lead(task) {
  const { name, unit, flag } = task
  const options = parse(task)
  await build({
    root: project,
    configFile: false,
    logLevel: 'warn',
    build: {
      ssr: `${project}src/testing/${name}-run.ts`,
      outDir: `${project}build/${name}`,
      emptyOutDir: true,
      minify: false,
    },
  })
  const started = Date.now()
  const done = new Array(options.jobs).fill(0)
  /** What each process is at, and since when. */
  const current = done.map((_, job) => ({ seed: options.seed + job, since: started }))
  let seeds = 0
  let failed = false
  const total = () => done.reduce((sum, count) => sum + count, 0)
  const report = (end) => {
    const seconds = (Date.now() - started) / 1000
    const rate = total() / seconds
    const left = Math.max(0, Math.min((options.count - total()) / rate, options.minutes * 60 - seconds))
    const line = `${total()} ${unit}, ${seeds} seeds, ${rate.toFixed(0)} a second`
    process.stdout.write(end ? `${line}, ${seconds.toFixed(0)} s\n` : `${line}, ${left.toFixed(0)} s left\n`)
  }
  const fail = (message) => {
    failed = true
    const seed = /^seed (\d+)/.exec(message)?.[1]
    console.error(`FAILED ${message}\nrepeat it with: npm run ${name} -- --seed ${seed} --${flag} 1 --jobs 1`)
    for (const worker of workers) worker.kill()
  }
  const timer = setInterval(() => {
    report(false)
    // What never comes to an end fails, too.
    const stuck = current.find(({ since }, job) => workers[job].connected && Date.now() - since > SEED_MILLISECONDS_MAX)
    if (stuck) fail(`seed ${stuck.seed}: no end after ${SEED_MILLISECONDS_MAX / 60_000} minutes`)
  }, 10_000)
  const workers = done.map((_, job) => {
    const share = {
      seed: options.seed + job,
      step: options.jobs,
      count: Math.ceil(options.count / options.jobs),
      ...(Number.isFinite(options.minutes) && { until: started + options.minutes * 60_000 }),
    }
    const worker = fork(process.argv[1], [JSON.stringify(share)])
    worker.on('message', (message) => {
      if (message.failure) {
        fail(message.failure)
      } else {
        current[job] = { seed: message.seed + options.jobs, since: Date.now() }
        done[job] = message.done
        seeds++
      }
    })
    return worker
  })
  const codes = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))))
  clearInterval(timer)
  report(true)
  const passed = !failed && codes.every((code) => code === 0)
  console.log(passed ? '0 failures' : 'failed')
  process.exitCode = passed ? 0 : 1
}

function parse({ name, flag, otherwise }) {
  try {
    const { values } = parseArgs({
      options: {
        [flag]: { type: 'string' },
        seed: { type: 'string' },
        minutes: { type: 'string' },
        jobs: { type: 'string' },
      },
    })
    const number = (name, otherwise) => {
      const value = Number(values[name] ?? otherwise)
      if (!(value > 0)) throw new Error(`--${name} is a number above 0`)
      return value
    }
    const minutes = number('minutes', Number.POSITIVE_INFINITY)
    return {
      count: number(flag, values.minutes ? Number.MAX_SAFE_INTEGER : otherwise),
      seed: number('seed', 1),
      minutes,
      jobs: number('jobs', availableParallelism()),
    }
  } catch (error) {
    console.error(`${error.message}\nusage: npm run ${name} -- [--${flag} N] [--seed S] [--minutes M] [--jobs J]`)
    process.exit(2)
  }
}
