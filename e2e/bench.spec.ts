/**
 * The benchmark: that its figures are computed right, and that the demo's page runs it. How fast anything is, no test asks.
 */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { goalsOf, median, rowsOf, shown } from './bench/figures.js'
import { plot } from './bench/plot.js'
import { report, summary } from './bench/report.js'
import type { Measured, RunResult } from './bench/run.js'
import { LARGE_SCENARIOS, SCENARIOS, SEGMENT_SCENARIOS, scenariosNamed } from './bench/scenarios.js'
import { expect, faintTexts, openDemo, status, test, watchErrors } from './demo.js'
import { demoURL } from './servers.js'

for (const { numbers, expected } of [
  { numbers: [3], expected: 3 },
  { numbers: [9, 1, 2], expected: 2 },
  { numbers: [10, 9, 1, 2], expected: 5.5 },
]) {
  test(`the median of ${numbers} is ${expected}`, () => {
    expect(median(numbers)).toBe(expected)
  })
}

for (const { value, expected } of [
  { value: 0.012345, expected: '0.0123' },
  { value: 1.5, expected: '1.5' },
  { value: 8130.4, expected: '8,130' },
]) {
  test(`${value} is shown as ${expected}`, () => {
    expect(shown(value)).toBe(expected)
  })
}

/** Ten megabytes in this time; single calls, a thousand of them, in the same. */
function measured(...milliseconds: number[]): Measured {
  return { count: 10_000, bytes: 10_000_000, calls: 1000, milliseconds }
}

const RESULT: RunResult = {
  rounds: 3,
  scale: 1,
  measured: {
    '1k/lodestore.writeMany': measured(100, 50, 200),
    '1k/raw.writeMany': measured(40, 50, 45),
    '1k/idb-keyval.writeMany': measured(1000, 1000, 1000),
    '1k/lodestore.readEach': measured(130, 130, 130),
    '1k/baseline.readEach': measured(100, 100, 100),
    '1k/idb-keyval.readEach': measured(120, 120, 120),
    'large/large.version': measured(5.5, 6.5, 5),
    'large/large.rangeOfLarge': measured(400, 400, 400),
    'large/large.wholeSmall': measured(100, 100, 100),
  },
  missing: { '1k/sqlite': 'Error: no room <here>' },
}

function scenario(name: string) {
  const found = [...SCENARIOS, ...LARGE_SCENARIOS, ...SEGMENT_SCENARIOS].find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no scenario ${name}`)
  return found
}

test('a rate is that of the median round, with the least and the greatest, and others are compared with the first', () => {
  const [first, , raw] = rowsOf(scenario('put-1k'), RESULT)
  expect(first).toMatchObject({ median: 100, low: 50, high: 200, own: true, firstIsBetter: undefined })
  expect(raw?.median).toBeCloseTo(222.2, 1)
  expect(raw?.firstIsBetter).toBeCloseTo(0.45, 2)
  const idb = rowsOf(scenario('get-one'), RESULT).find(({ name }) => name === 'idb-keyval.readEach')
  expect(idb).toMatchObject({ median: 120, firstIsBetter: 120 / 130 })
})

test('goals are met or not by their ratio, and never where a figure is missing', () => {
  const of = (name: string) => goalsOf(scenario(name), RESULT, 'chromium').map(({ met }) => met)
  expect(of('put-1k')).toEqual([false, true])
  expect(of('get-one')).toEqual([true, false])
  expect(of('get-1k')).toEqual([false])
  expect(of('large-version')).toEqual([true])
  expect(of('large-range')).toEqual([false])
})

test('bytes written are shown as they are, and the yardsticks of large contents are not lodestore', () => {
  expect(rowsOf(scenario('large-version'), RESULT)[0]).toMatchObject({ median: 5.5, low: 5, high: 6.5 })
  expect(rowsOf(scenario('large-file'), RESULT).map(({ own }) => own)).toEqual([true, true, true, false, false])
})

for (const { names, expected } of [
  { names: [], expected: SCENARIOS },
  { names: ['large'], expected: LARGE_SCENARIOS },
  { names: ['segments'], expected: SEGMENT_SCENARIOS },
  { names: ['put-1k', 'collect'], expected: [scenario('put-1k'), scenario('collect')] },
]) {
  test(`asked for ${names.join(' and ') || 'nothing by name'}, these scenarios run: ${expected.map(({ name }) => name)}`, () => {
    expect(scenariosNamed(names)).toEqual(expected)
  })
}

test('a name that no scenario has is refused, with those that there are', () => {
  expect(() => scenariosNamed(['put-1k', 'put-2k'])).toThrow(
    /no scenario put-2k; there are put-1k, .*, large, segments$/,
  )
})

for (const { name, scenarios, scale } of [
  { name: 'large', scenarios: LARGE_SCENARIOS, scale: '0.01' },
  { name: 'segments', scenarios: SEGMENT_SCENARIOS, scale: '0.1' },
]) {
  test(`the group "${name}" runs, and every figure of it comes`, async ({ browserName }) => {
    test.setTimeout(180_000)
    const options = ['--browser', browserName, '--only', name, '--rounds', '1', '--scale', scale]
    const child = spawn(process.execPath, ['scripts/bench.mjs', ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
    const status = new Promise<number | null>((resolve) => child.on('close', resolve))
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
    expect(await status, errors).toBe(0)
    for (const { label } of scenarios.flatMap((one) => rowsOf(one, RESULT))) {
      expect(output).toMatch(new RegExp(`^\\| (\\*\\*)?${label}(\\*\\*)? +\\| +[\\d,]+ \\| +[\\d.,]+ \\|`, 'm'))
    }
  })
}

test('the report and the drawing name every row, and why one is missing', () => {
  const facts = {
    browser: 'chromium' as const,
    browserVersion: 'Chromium 1',
    date: '2000-01-01',
    cores: 2,
    memoryGigabytes: 8,
    system: 'Linux',
    packages: ['dexie 1'],
  }
  const page = report(RESULT, SCENARIOS, facts)
  const drawing = plot(RESULT, SCENARIOS, 'a < b')
  for (const { label } of SCENARIOS.flatMap((one) => rowsOf(one, RESULT))) {
    expect(page).toContain(label)
    expect(drawing).toContain(label)
  }
  expect(summary(RESULT, SCENARIOS, facts)).toMatch(
    /\| Write values of 1 KiB, MB\/s +\| +\*\*100\*\* \| +222 \| +\| +10 \|/,
  )
  expect(page).toContain('no room <here>')
  expect(page).toMatch(/lodestore: putMany: at least 8 times idb-keyval: setMany +\| +10 \| met/)
  expect(drawing).toContain('a &lt; b')
  expect(drawing.match(/<rect class="(own|other)"/g)).toHaveLength(7)
})

test('the page that measures is found from the demo', async ({ page }) => {
  const errors = watchErrors(page)
  await openDemo(page)
  await page.locator('#how-fast').click()
  await page.waitForURL('**/bench.html')
  await expect(page).toHaveTitle('lodestore: how fast is it here?')
  await expect(page.getByRole('button', { name: 'Measure' })).toBeEnabled()
  expect(errors).toEqual([])
})

test('the page that measures runs every scenario and draws its bars, also on a narrow screen', async ({ page }) => {
  // Few values, but every contestant is opened and closed six times, which takes Firefox a while on a busy machine.
  test.setTimeout(180_000)
  const errors = watchErrors(page)
  await page.goto(`${demoURL}bench.html?rounds=1&scale=0.001`)
  await page.setViewportSize({ width: 360, height: 740 })
  await page.getByRole('button', { name: 'Measure' }).click()
  await expect(status(page)).toHaveText('Measured in 1 round.', { timeout: 150_000 })
  for (const { title, rows } of SCENARIOS) {
    const bars = page.getByRole('table', { name: title }).locator('.length')
    const widths = await bars.evaluateAll((all) => all.map((bar) => bar.getBoundingClientRect().width))
    expect(widths).toHaveLength(rows.length)
    expect(widths.filter((width) => !(width > 0))).toEqual([])
    const heights = await bars.evaluateAll((all) => all.map((bar) => bar.closest('tr')?.clientHeight ?? 0))
    expect(Math.max(...heights), 'the figures have room in one line').toBeLessThan(72)
  }
  const { scrollWidth, clientWidth } = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    return { scrollWidth, clientWidth }
  })
  expect(scrollWidth).toBe(clientWidth)
  expect(await page.evaluate(faintTexts)).toEqual([])
  expect(errors).toEqual([])
})

test('a contestant that the browser lacks says so, and the others go on; a run can be stopped', async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'caches'))
  await page.goto(`${demoURL}bench.html?rounds=1&scale=0.001`)
  await page.getByRole('button', { name: 'Measure' }).click()
  await expect(page.locator('tr', { hasText: 'Cache API' }).first()).toContainText('not available here')
  await expect(page.locator('.length').first()).toBeVisible({ timeout: 40_000 })
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expect(status(page)).toHaveText(/^Stopped/)
  await expect(page.getByRole('button', { name: 'Measure' })).toBeEnabled()
})
