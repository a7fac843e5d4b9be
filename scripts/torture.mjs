/**
 * npm run torture -- [--points N] [--seed S] [--minutes M] [--jobs J]
 *
 * The long form of the torture run: crashes on the simulated disk until N points (crashes) are survived or M minutes are over, in J
 * processes. Prints rate and time left; a failure prints the line that repeats it and exits with 1.
 */
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'vite'

const USAGE = 'usage: npm run torture -- [--points N] [--seed S] [--minutes M] [--jobs J]'
const project = fileURLToPath(new URL('..', import.meta.url))
const bundle = `${project}build/torture/torture-run.js`

if (process.send) await work()
else await lead()

/** One process of several: reports each seed, and the failure if there is one. */
async function work() {
  const { torture } = await import(pathToFileURL(bundle).href)
  const options = JSON.parse(process.argv[2])
  try {
    await torture({ ...options, onSeed: (seed, crashes) => process.send({ seed, crashes }) })
  } catch (error) {
    process.send({ failure: error.message })
  }
  process.disconnect()
}

async function lead() {
  const options = parse()
  await build({
    root: project,
    configFile: false,
    logLevel: 'warn',
    build: {
      ssr: `${project}src/testing/torture-run.ts`,
      outDir: `${project}build/torture`,
      emptyOutDir: true,
      minify: false,
    },
  })
  const started = Date.now()
  const done = new Array(options.jobs).fill(0)
  let seeds = 0
  let failed = false
  const total = () => done.reduce((sum, crashes) => sum + crashes, 0)
  const report = (end) => {
    const seconds = (Date.now() - started) / 1000
    const rate = total() / seconds
    const left = Math.max(0, Math.min((options.points - total()) / rate, options.minutes * 60 - seconds))
    const line = `${total()} crashes, ${seeds} seeds, ${rate.toFixed(0)} a second`
    process.stdout.write(end ? `${line}, ${seconds.toFixed(0)} s\n` : `${line}, ${left.toFixed(0)} s left\n`)
  }
  const timer = setInterval(() => report(false), 10_000)
  const workers = done.map((_, job) => {
    const share = {
      seed: options.seed + job,
      step: options.jobs,
      crashes: Math.ceil(options.points / options.jobs),
      ...(Number.isFinite(options.minutes) && { until: started + options.minutes * 60_000 }),
    }
    const worker = fork(fileURLToPath(import.meta.url), [JSON.stringify(share)])
    worker.on('message', (message) => {
      if (message.failure) {
        failed = true
        const seed = /^seed (\d+)/.exec(message.failure)?.[1]
        console.error(
          `FAILED ${message.failure}\nrepeat it with: npm run torture -- --seed ${seed} --points 1 --jobs 1`,
        )
        for (const other of workers) other.kill()
      } else {
        done[job] = message.crashes
        seeds++
      }
    })
    return worker
  })
  const codes = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))))
  clearInterval(timer)
  report(true)
  const survived = !failed && codes.every((code) => code === 0)
  console.log(survived ? '0 failures' : 'failed')
  process.exitCode = survived ? 0 : 1
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        points: { type: 'string' },
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
      points: number('points', values.minutes ? Number.MAX_SAFE_INTEGER : 10_000),
      seed: number('seed', 1),
      minutes,
      jobs: number('jobs', availableParallelism()),
    }
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`)
    process.exit(2)
  }
}
