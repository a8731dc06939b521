// Owns where the launcher of all commands is, for commands that start others of ours. Knows nothing of them.
import { existsSync, realpathSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

const name = 'nacre.js'

/** The path of `bin/nacre.js`. A link that was used to start us may have another name, which would start something else. */
export const ownLauncher = (): string => {
  const started = process.argv[1] !== undefined && existsSync(process.argv[1]) ? realpathSync(process.argv[1]) : ''
  if (basename(started) === name) return started
  // Beside the bundle we are in, or, from source, beside `src`.
  const near = [`../bin/${name}`, `../../bin/${name}`].map(path => fileURLToPath(new URL(path, import.meta.url)))
  return near.find(path => existsSync(path)) ?? near[0]
}
