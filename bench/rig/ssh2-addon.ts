// Owns the native addon of npm's ssh2, compiled for the Node that runs the bench: it is the stronger opponent. Knows nothing
// of what is measured.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { benchFolder } from './build.ts'

const addonFolder = join(benchFolder, 'node_modules/ssh2/lib/protocol/crypto')
const headersFolder = join(benchFolder, 'dist/headers')

const works = (): boolean =>
  spawnSync(process.execPath, ['-e', 'process.exit(require("ssh2/lib/protocol/crypto.js").bindingAvailable ? 0 : 1)'], { cwd: benchFolder })
    .status === 0

/** Node's headers: those beside the running Node if it was unpacked whole, else those of its npm package. */
const headers = (): string => {
  const beside = dirname(dirname(process.execPath))
  if (existsSync(join(beside, 'include/node/node_version.h'))) return beside
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(headersFolder, 'node_modules', name)
  const version = process.versions.node
  const there = (): boolean => {
    const manifest = join(folder, 'package.json')
    return existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version === version
  }
  if (!there()) {
    mkdirSync(headersFolder, { recursive: true })
    writeFileSync(join(headersFolder, 'package.json'), '{"private":true}\n')
    execFileSync('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${version}`], {
      cwd: headersFolder,
      stdio: 'pipe',
    })
  }
  return folder
}

const nodeGyp = (): string => {
  const npm = join(execFileSync('npm', ['root', '--global'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(), 'npm')
  return join(npm, 'node_modules/node-gyp/bin/node-gyp.js')
}

/** V8 14 has dropped a method that ssh2 1.17 calls six times; without this the addon compiles on Node 24 at the latest. */
const adaptToNode26 = (): void => {
  const path = join(addonFolder, 'src/binding.cc')
  const source = readFileSync(path, 'utf8')
  writeFileSync(path, source.replaceAll('context->GetIsolate()', 'v8::Isolate::GetCurrent()'))
}

/** Compiles the addon unless it is there. Returns why there is none, or `undefined`. */
export const buildSsh2Addon = (): string | undefined => {
  if (works()) return undefined
  try {
    adaptToNode26()
    const major = process.versions.openssl.split('.')[0]
    execFileSync(process.execPath, [nodeGyp(), 'rebuild', `--nodedir=${headers()}`, `--real_openssl_major=${major}`], {
      cwd: addonFolder,
      stdio: 'pipe',
    })
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0] : String(error)
  }
  return works() ? undefined : 'it was compiled and does not load'
}
