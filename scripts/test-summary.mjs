// @ts-check
/**
 * Adds up the reports that Vitest and Playwright wrote, names what failed, and ends with the line `N passed, N failed`. Its exit
 * status is 0 only if both reports are there, tests ran in both, and none failed. Called by .ci/run, which removes old reports first.
 */
import { existsSync, readFileSync } from 'node:fs'

/** @type {string[]} */
const failures = []
const passed =
  count('build/reports/unit.json', unitReport, 'the unit tests') +
  count('build/reports/e2e.json', browserReport, 'the browser tests')

for (const failure of failures) console.log(`failed: ${failure}`)
console.log(`${passed} passed, ${failures.length} failed`)
process.exitCode = failures.length === 0 ? 0 : 1

/**
 * How many tests passed by the report at `path`. A suite that has none is a failure by itself.
 * @param {string} path
 * @param {(report: any) => number} read
 * @param {string} suite
 */
function count(path, read, suite) {
  if (!existsSync(path)) {
    failures.push(`${suite}: they did not run, or did not come to their end`)
    return 0
  }
  const before = failures.length
  const passed = read(JSON.parse(readFileSync(path, 'utf8')))
  if (passed === 0 && failures.length === before) failures.push(`${suite}: there are none`)
  return passed
}

/** @param {{ testResults: { name: string, status: string, assertionResults: { fullName: string, status: string }[] }[] }} report */
function unitReport({ testResults }) {
  let passed = 0
  for (const { name, status, assertionResults } of testResults) {
    const failed = assertionResults.filter((test) => test.status === 'failed')
    failures.push(...failed.map((test) => `${name}: ${test.fullName}`))
    // A file that does not load, or whose set-up fails, has no failed test to show for it.
    if (status === 'failed' && failed.length === 0) failures.push(`${name}: the file itself`)
    passed += assertionResults.filter((test) => test.status === 'passed').length
  }
  return passed
}

/**
 * @typedef {{ title: string, file: string, suites?: Suite[], specs: { title: string, tests: { projectName: string, status: string }[] }[] }} Suite
 * @param {{ suites: Suite[], errors: { message?: string }[] }} report
 */
function browserReport({ suites, errors }) {
  let passed = 0
  for (const { message } of errors) failures.push(`the browser tests: ${message?.split('\n')[0]}`)
  /** @param {Suite} suite */
  const walk = ({ file, suites = [], specs }) => {
    suites.forEach(walk)
    for (const { title, tests } of specs) {
      for (const { projectName, status } of tests) {
        if (status === 'expected') passed++
        else if (status !== 'skipped') failures.push(`${projectName}: ${file}: ${title}`)
      }
    }
  }
  suites.forEach(walk)
  return passed
}
