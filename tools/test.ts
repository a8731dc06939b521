// Owns `npm test`: every test that needs no network, with as many files at a time as there are processors. Files or patterns
// given as arguments are run instead of all. Knows nothing of what is tested.
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const asked = process.argv.slice(2)
const files = asked.length > 0 ? asked : ['packages/**/test/**/*.test.ts', 'tools/test/**/*.test.ts']
// Nearly every file loads nearly all sources: they are compiled once. What stands there is found by its contents.
const env = { ...process.env, NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(root, 'node_modules/.cache/compiled') }
const { status, error } = spawnSync(
  process.execPath,
  [
    '--conditions=nacre-source',
    '--test',
    '--test-timeout=60000',
    '--test-force-exit',
    // By itself Node leaves one processor free, which of two is half.
    `--test-concurrency=${availableParallelism()}`,
    ...files,
  ],
  { cwd: root, env, stdio: 'inherit' },
)
if (error !== undefined) throw error
process.exit(status ?? 1)
