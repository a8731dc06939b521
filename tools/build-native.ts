// Owns `npm run build:native`: compiles packages/native with the node-gyp that npm brings. Node's headers come from beside a
// Node that was installed whole, else from its npm package; any version's will do, since Node-API is the same in all.
// Knows nothing of what the addon does.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../packages/native', import.meta.url))
const fetchedFolder = join(folder, 'build-headers')

const isWhole = (root: string): boolean =>
  ['node_api.h', 'common.gypi', 'openssl/evp.h'].every(name => existsSync(join(root, 'include/node', name)))

/** Unpacks the npm package of this very Node, which has the headers; its install script is not run. */
const fetchHeaders = (): string => {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const root = join(fetchedFolder, 'node_modules', name)
  if (isWhole(root)) return root
  mkdirSync(fetchedFolder, { recursive: true })
  writeFileSync(join(fetchedFolder, 'package.json'), '{"private":true}\n')
  const install = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${process.versions.node}`]
  execFileSync('npm', install, { cwd: fetchedFolder, stdio: ['ignore', 'ignore', 'inherit'] })
  if (!isWhole(root)) throw new Error(`${name} has no headers`)
  return root
}

/** `bin/node` stands beside `include/node`. The Node that runs npm is often the system's, and whole. */
const headers = (): string => {
  const besides = [process.execPath, process.env.npm_node_execpath].flatMap(path => (path === undefined ? [] : [dirname(dirname(path))]))
  return besides.find(isWhole) ?? fetchHeaders()
}

/** As the library does it: the addon must load into the Node that runs this. */
const load = (): void => void execFileSync(process.execPath, ['-e', 'require(process.argv[1])', folder], { stdio: 'inherit' })

// `--check` only sees whether it is there, for tests that would otherwise pass without it.
if (process.argv.includes('--check')) {
  if (!existsSync(join(folder, 'build/Release/nacre_native.node'))) {
    console.error('build-native: it is not built; run `npm run build:native`')
    process.exit(1)
  }
  load()
  process.exit(0)
}

const nodeGyp = process.env.npm_config_node_gyp
if (nodeGyp === undefined) {
  console.error('build-native: run it as `npm run build:native`; node-gyp comes with npm')
  process.exit(2)
}
try {
  execFileSync(process.execPath, [nodeGyp, 'rebuild', `--nodedir=${headers()}`], { cwd: folder, stdio: 'pipe' })
} catch (error) {
  const { stdout = '', stderr = '', message } = error as { stdout?: Buffer | string; stderr?: Buffer | string; message: string }
  console.error(
    `${stdout.toString()}${stderr.toString()}build-native: ${message.split('\n')[0]}. It needs a C++ compiler, make and Python 3.`,
  )
  process.exit(1)
}
rmSync(fetchedFolder, { recursive: true, force: true })
load()
console.log('build-native: packages/native/build/Release/nacre_native.node')
