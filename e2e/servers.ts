/**
 * Where the specs find their pages. The configuration draws free ports, so that several runs on one machine do not meet,
 * and hands them down in the environment, which Playwright's workers inherit.
 */
export const pagesURL = `http://localhost:${process.env.E2E_PAGES_PORT}/e2e/pages`

/** The demo as `npm start` serves it. */
export const demoURL = `http://localhost:${process.env.E2E_DEMO_PORT}/`
