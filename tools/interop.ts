// Owns `npm run interop`: installs the peers that come from npm beside the tests, bundles the commands, and runs the
// tests. Peers from the system's packages are found by the tests themselves. Knows nothing of what is tested.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'interop')
// Nearly every file loads nearly all sources: they are compiled once. What stands there is found by its contents.
const env = { ...process.env, NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(root, 'node_modules/.cache/compiled') }

const step = (command: string, args: readonly string[], cwd: string): void => {
  const { status, signal, error } = spawnSync(command, args, { cwd, env, stdio: 'inherit' })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? (signal === null ? 1 : 2))
}

/** True when the lock file has not changed since the last install. */
const installed = (): boolean => {
  const stamp = join(folder, 'node_modules/.package-lock.json')
  return existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs
}

if (!existsSync(folder)) {
  console.error('interop: there are no interop tests yet')
  process.exit(1)
}
if (existsSync(join(folder, 'package.json'))) {
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (!existsSync(join(folder, 'package-lock.json'))) step('npm', ['install', '--no-audit', '--no-fund'], folder)
  else if (!installed()) step('npm', ['ci', '--no-audit', '--no-fund'], folder)
}
step(process.execPath, [join(root, 'tools/build.ts'), '--commands'], root)
const asked = process.argv.slice(2)
const files = asked.length > 0 ? asked : ['interop/**/*.test.ts', '!interop/node_modules/**']
// A third of the time a test waits for its peer: one more at a time than there are processors.
const concurrency = availableParallelism() + 1
step(
  process.execPath,
  ['--conditions=nacre-source', '--test', '--test-timeout=300000', `--test-concurrency=${concurrency}`, ...files],
  root,
)
