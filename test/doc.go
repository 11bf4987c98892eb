// Package test runs scenarios over the whole system on the embedded stack: through HTTP, Temporal, the database and
// the mailbox together. Its folders:
//
//   - architecture: holds the tree to docs/architecture.md, and test/ to this list
//   - audit: program: compares what a running system did with what it should have done
//   - axe: the npm package of axe-core, with which pages are checked for accessibility
//   - bench: program: shows that pages and lists cost the same at 1,000 and at 100,000 trials
//   - browser: drives Chromium, for tests and pictures of the dashboard
//   - bulk: program: extends ten thousand trials in one operation, and undoes it
//   - bulkdrill: the bulk operation of program and scenario, and its checks
//   - chaos: program: rolls back a hundred rollouts, the worker running, stopped and killed
//   - cost: counts what a page costs the API, in systems of any size
//   - demo: program: lives through trials and rollouts in days of seconds, and checks them
//   - dev: program: runs the product until it is interrupted
//   - fakeapi: the API's handlers over a store in memory, for tests of programs that call the API
//   - harness: the frame of the programs: flags, signals, stack, waiting, exit code
//   - lighthouse: the npm package of Lighthouse, with which pages are measured
//   - maillint: what others know of HTML and of mail programs, from npm, which the e-mails are held to
//   - memory: keeps in memory what the database would
//   - oidc: the npm package of an OpenID Connect provider that others wrote
//   - pictures: program: makes pictures of the dashboard's pages and of the e-mails, and measures the pages
//   - production: holds the production files against the product
//   - restore: program: restores moments of a running system, and compares
//   - sample: made-up data behind the dashboard's pages, for tests and pictures
//   - ses: the npm package of an SES stand-in that others wrote
//   - simulate: program: shows how often the rollout's judgement errs
//   - simulation: rollouts in worlds whose truth is known
//   - stack: starts the embedded stack
//   - system: runs API and worker on a stack, and speaks to them
//   - tasks: holds the Makefile and .ci to what they promise
package test
