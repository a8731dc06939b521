// Owns getting ready: bundles of the sites, so that nacre runs as JavaScript as its users run it, npm's packages, and the
// program in Go. Knows nothing of what the sites do.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export const benchFolder = fileURLToPath(new URL('..', import.meta.url))
export const bundleFolder = join(benchFolder, 'dist/sites')

const root = join(benchFolder, '..')
/** The command as npm installs it. */
export const nacreCommand = join(root, 'node_modules/.bin/nacre')

const newest = (folder: string): number =>
  Math.max(...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => statSync(join(folder, name)).mtimeMs))

/** Builds the commands as `npm run build` does, unless they are newer than the sources. */
export const buildCommands = (): void => {
  const bundle = join(root, 'packages/cli/dist/ssh.js')
  const sources = Math.max(...['packages/nacre/src', 'packages/cli/src'].map(name => newest(join(root, name))))
  if (existsSync(bundle) && statSync(bundle).mtimeMs > sources) return
  const build = ['--conditions=nacre-source', join(root, 'tools/build.ts'), '--commands']
  execFileSync(process.execPath, build, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
}

const siteNames = [
  'nacre-server',
  'nacre-client',
  'nacre-hosts',
  'ssh2-server',
  'ssh2-client',
  'bare-session',
  'bare-keystroke',
  'bare-idle',
  'bare-bulk',
] as const

/** True when the lock file has not changed since the last install. */
const installed = (): boolean => {
  const stamp = join(benchFolder, 'node_modules/.package-lock.json')
  return existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(join(benchFolder, 'package-lock.json')).mtimeMs
}

/** Installs the peers that come from npm, unless they are there. */
export const installPeers = (): void => {
  if (!installed()) execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: benchFolder, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** The server and client in Go. */
export const goProgram = join(benchFolder, 'dist/peers/go-ssh')
const goSources = join(benchFolder, 'peers/go')
/** Where Debian's packages put the sources of Go's libraries: nothing is downloaded. */
const goPath = '/usr/share/gocode'

/** Whether the program in Go can move files: pkg/sftp is a package of its own. */
export const goHasFiles = existsSync(join(goPath, 'src/github.com/pkg/sftp'))

/** Compiles the program in Go unless it is there. Returns why there is none, or `undefined`. */
export const buildGo = (): string | undefined => {
  const changed = Math.max(...readdirSync(goSources).map(name => statSync(join(goSources, name)).mtimeMs))
  if (existsSync(goProgram) && statSync(goProgram).mtimeMs > changed) return undefined
  if (!existsSync(join(goPath, 'src/golang.org/x/crypto/ssh'))) return 'x/crypto is not installed.'
  const env = {
    ...process.env,
    GO111MODULE: 'off',
    GOFLAGS: '',
    GOPATH: goPath,
    GOCACHE: join(benchFolder, 'dist/go-cache'),
    CGO_ENABLED: '0',
  }
  try {
    execFileSync('go', ['build', ...(goHasFiles ? ['-tags', 'sftp'] : []), '-o', goProgram, '.'], { cwd: goSources, env, stdio: 'pipe' })
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Bundles all sites from nacre's sources. Throws when one cannot be bundled. */
export const bundleSites = async (): Promise<void> => {
  mkdirSync(bundleFolder, { recursive: true })
  await build({
    entryPoints: siteNames.map(name => join(benchFolder, `sites/${name}.ts`)),
    outdir: bundleFolder,
    bundle: true,
    splitting: false,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    conditions: ['nacre-source'],
    minify: false,
    legalComments: 'none',
    logLevel: 'error',
    banner: { js: "import { createRequire as nacreRequire } from 'node:module'; const require = nacreRequire(import.meta.url);" },
  })
}
