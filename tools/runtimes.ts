// Owns `npm run runtimes`: the core tests and real conversations in each runtime, and the bundles, into the table of
// docs/runtimes.md. `--only node24,bun` runs some, `--quick` leaves out the longest tests, `--built` takes what
// `npm run build` has left, `--write` writes the table; without it a whole run fails when the docs say otherwise. Knows
// nothing of what is tested.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { BundleSize } from '../runtimes/bundles.ts'
import type { Counts } from '../runtimes/core/run.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'runtimes')
const docs = join(root, 'docs/runtimes.md')

const step = (command: string, args: readonly string[], cwd: string): void => {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? 1)
}

/** True when the lock file has not changed since the last install. */
const installed = (): boolean => {
  const stamp = join(folder, 'node_modules/.package-lock.json')
  return existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs
}

interface Runtime {
  readonly name: string
  readonly title: string
  version(): string
  core(quick: boolean): Promise<Counts>
  client(): Promise<unknown>
  /** `undefined` where there is nothing to listen on. */
  readonly server: (() => Promise<unknown>) | undefined
}

const { values: asked } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    built: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})

if (!installed()) step('npm', ['ci', '--no-audit', '--no-fund'], folder)
// What others install is what has been built.
if (!asked.built) step(process.execPath, [join(root, 'tools/build.ts')], root)

// These need what was just installed.
const { runCore, runCoreInChromium } = await import('../runtimes/core/run.ts')
const { chromiumPath } = await import('../runtimes/chromium.ts')
const { clientIn, clientInChromium, serverIn } = await import('../runtimes/ends.ts')
const { bundleAll } = await import('../runtimes/bundles.ts')

const versionOf = (program: string): string =>
  /\d+(\.\d+)+/.exec(spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[0] ?? '?'

const runtime = (name: string, title: string, kind: 'node' | 'bun' | 'deno', program: string, run: readonly string[]): Runtime => ({
  name,
  title,
  version: () => versionOf(program),
  core: quick => runCore(kind, program, quick),
  client: () => clientIn([program, ...run]),
  server: () => serverIn([program, ...run]),
})

const bin = join(folder, 'node_modules/.bin')
const runtimes: readonly Runtime[] = [
  runtime('node26', 'Node 26', 'node', process.execPath, []),
  runtime('node24', 'Node 24', 'node', join(folder, 'node_modules/node24/bin/node'), []),
  runtime('bun', 'Bun', 'bun', join(bin, 'bun'), ['run']),
  runtime('deno', 'Deno', 'deno', join(bin, 'deno'), ['run', '-A', '--no-check']),
  {
    name: 'chromium',
    title: 'Chromium',
    version: () => versionOf(chromiumPath() ?? ''),
    core: runCoreInChromium,
    client: clientInChromium,
    server: undefined,
  },
]

const names = [...runtimes.map(each => each.name), 'bundles']
const only = asked.only?.split(',') ?? names
const unknown = only.find(name => !names.includes(name))
if (unknown !== undefined) {
  console.error(`runtimes: there is no "${unknown}"; there are ${names.join(', ')}`)
  process.exit(2)
}

let failed = false
const say = (name: string, began: number, what: string): void =>
  console.log(`${name}: ${what} (${((performance.now() - began) / 1000).toFixed(1)} s)`)

/** A cell of the table. What goes wrong is told at once. */
const attempt = async (name: string, what: string, work: () => Promise<string>): Promise<string> => {
  const began = performance.now()
  try {
    const cell = await work()
    say(name, began, `${what}: ${cell}`)
    return cell
  } catch (error) {
    failed = true
    say(name, began, `${what} FAILED\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    return 'fails'
  }
}

const coreCell = async (each: Runtime): Promise<string> => {
  const { passed, skipped, failed: failures, log, leftOut } = await each.core(asked.quick)
  if (failures > 0) throw new Error(`${failures} of the core tests failed\n${log}`)
  const files = Object.keys(leftOut).length
  return `${passed} pass, ${skipped} skipped${files === 0 ? '' : `, ${files} files left out`}`
}

const rows = new Map<string, readonly string[]>()
const runRuntime = async (each: Runtime): Promise<void> => {
  const core = await attempt(each.name, 'core tests', () => coreCell(each))
  const client = await attempt(each.name, 'client', () => each.client().then(() => 'yes'))
  const { server } = each
  const served = server === undefined ? 'over transports it is given' : await attempt(each.name, 'server', () => server().then(() => 'yes'))
  rows.set(each.name, [each.title, each.version(), core, client, served])
}

let sizes: readonly BundleSize[] = []
const lane = async (jobs: readonly (() => Promise<unknown>)[]): Promise<void> => {
  for (const job of jobs) await job()
}
const jobs = runtimes.filter(each => only.includes(each.name)).map(each => () => runRuntime(each))
if (only.includes('bundles'))
  jobs.push(async () => {
    await attempt('bundles', 'esbuild, Vite, webpack', async () => {
      sizes = await bundleAll()
      return 'no warnings'
    })
  })
await Promise.all([lane(jobs.filter((_, i) => i % 2 === 0)), lane(jobs.filter((_, i) => i % 2 === 1))])

const table = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...body].map(cells => `| ${cells.join(' | ')} |`).join('\n')

const generated = [
  table(
    ['Runtime', 'Version', 'Core tests', 'Client with sshd and with our server', 'Server with ssh'],
    runtimes.flatMap(({ name }) => rows.get(name) ?? []).length === 0
      ? []
      : runtimes.flatMap(({ name }) => (rows.has(name) ? [rows.get(name) ?? []] : [])),
  ),
  table(
    ['Bundler', 'For', 'Minified, KiB', 'In gzip, KiB'],
    sizes.map(each => [
      each.bundler,
      each.platform === 'node' ? 'Node, client and server' : 'browsers, client',
      String(each.minified),
      String(each.gzipped),
    ]),
  ),
]

/** The docs with the tables in their places, which comments mark. */
const filled = (text: string): string =>
  ['runtimes', 'bundles'].reduce(
    (so, name, i) =>
      so.replace(
        new RegExp(`(<!-- ${name} -->\\n)[^]*?(<!-- end -->)`),
        (_, begin: string, end: string) => `${begin}\n${generated[i]}\n\n${end}`,
      ),
    text,
  )

/** Versions, counts and sizes may differ; what runs where may not. Column widths are the formatter's. */
const comparable = (text: string): string =>
  text
    .replaceAll(/\d+(\.\d+)*/g, '#')
    .replaceAll(/ +/g, ' ')
    .replaceAll(/-+/g, '-')

if (only.length === names.length && !asked.quick && !failed) {
  const text = readFileSync(docs, 'utf8')
  if (asked.write) writeFileSync(docs, filled(text))
  else if (comparable(filled(text)) !== comparable(text)) {
    console.error('runtimes: docs/runtimes.md says otherwise; run `npm run runtimes -- --write`')
    failed = true
  }
} else if (asked.write) console.error('runtimes: the table is written after a whole run without a failure only')
process.exit(failed ? 1 : 0)
