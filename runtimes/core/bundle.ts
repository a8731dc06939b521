// Owns bundling the core tests for a browser: which files can run there, what stands in for Node's modules, and the web's
// provider in the place of Node's. Knows no browser.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
const library = join(root, 'packages/nacre')
const tests = join(library, 'test')
const here = dirname(fileURLToPath(import.meta.url))
const modules = join(root, 'runtimes/node_modules')

/** Files of the library that name a runtime, and what a browser has in their place. */
const replaced: Readonly<Record<string, string>> = {
  'src/crypto/node/provider.ts': `export { webCrypto as nodeCrypto } from '../web/provider.ts'`,
  'src/crypto/node/generate.ts': `export { generateKeyNumbers } from '../web/generate.ts'`,
  'src/crypto/node/chacha.ts': `export { chaChaPoly as nodeChaChaPoly } from '../chacha-poly.ts'`,
  'src/io/runtime-node.ts': `export { webRuntime as nodeRuntime } from './runtime-web.ts'`,
}

/** Node's modules that have a stand-in, and what of them. */
const standIns: Readonly<Record<string, { readonly from: string; readonly names: readonly string[] }>> = {
  'node:assert/strict': { from: 'assert', names: [] },
  'node:test': { from: './node-test.ts', names: ['after', 'before', 'describe', 'it', 'test'] },
  'node:crypto': { from: './stand-ins.ts', names: ['createHash', 'createHmac', 'randomFillSync'] },
  'node:fs': { from: './stand-ins.ts', names: ['readFileSync', 'readdirSync'] },
  'node:url': { from: './stand-ins.ts', names: ['fileURLToPath'] },
  'node:util': { from: './stand-ins.ts', names: ['inspect'] },
  'node:zlib': { from: './stand-ins.ts', names: ['deflateSync'] },
}

const standInText = (name: string): string => {
  const { from, names } = standIns[name]
  return names.length === 0 ? `import assert from '${from}'; export default assert.strict` : `export { ${names.join(', ')} } from '${from}'`
}

/** Whether all that `importer` takes of a module of Node's is there. */
const suffices = (name: string, importer: string): boolean => {
  if (!(name in standIns)) return false
  const { names } = standIns[name]
  if (names.length === 0) return true
  const text = replaced[relative(library, importer).replaceAll('\\', '/')] ?? readFileSync(importer, 'utf8')
  const found = [...text.matchAll(/^import (type )?([^'"]+?) from '([^']+)'$/gm)].filter(each => each[3] === name && each[1] === undefined)
  return found.every(
    each =>
      each[2].startsWith('{') &&
      each[2]
        .slice(1, -1)
        .split(',')
        .every(taken => names.includes(taken.trim())),
  )
}

/** Every file below a folder, from the folder. */
const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => statSync(join(folder, name)).isFile())
    .sort()

/** Addresses as the tests make them from `import.meta.url`; where the checkout stands is nobody's business. */
const addressOf = (path: string): string => `file:///nacre/${relative(root, path)}`

const storedFiles = (): Readonly<Record<string, string>> => {
  const sources = ['chacha-poly.as', 'gcm.as'].map(name => join(library, 'src/crypto/wasm', name))
  const stored = [...filesIn(tests).map(name => join(tests, name)), ...sources]
  const kept = stored.filter(path => !path.endsWith('.ts') && !path.endsWith('.py'))
  return Object.fromEntries(kept.map(path => [addressOf(path), readFileSync(path).toString('base64')]))
}

const plugin = (files: readonly string[]): Plugin => ({
  name: 'core-tests',
  setup(builder) {
    builder.onResolve({ filter: /^node:/ }, found =>
      suffices(found.path, found.importer) ? { path: found.path, namespace: 'stand-in' } : { path: found.path, external: true },
    )
    builder.onLoad({ filter: /.*/, namespace: 'stand-in' }, found => ({
      contents: standInText(found.path),
      resolveDir: here,
      loader: 'ts',
    }))
    // Commands take the face for Node: a file that reaches one is left out for that, and is no error before.
    builder.onResolve({ filter: /^nacre$/ }, () => ({ path: join(library, 'src/index.ts') }))
    builder.onResolve({ filter: /^files-of-the-tests$/ }, found => ({ path: found.path, namespace: 'files' }))
    builder.onLoad({ filter: /.*/, namespace: 'files' }, () => ({
      contents: `export const files = {${files.map(name => `${JSON.stringify(name)}: () => import(${JSON.stringify(join(tests, name))})`).join(',\n')}}`,
      resolveDir: tests,
      loader: 'ts',
    }))
    builder.onLoad({ filter: /packages[\\/]nacre[\\/](src|test)[\\/].*\.ts$/ }, found => {
      const name = relative(library, found.path).replaceAll('\\', '/')
      const text = replaced[name] ?? readFileSync(found.path, 'utf8').replaceAll('import.meta.url', JSON.stringify(addressOf(found.path)))
      return { contents: text, loader: 'ts', resolveDir: dirname(found.path) }
    })
  },
})

const bundleOf = async (files: readonly string[]): Promise<{ readonly text: string; readonly metafile: Metafile }> => {
  const result = await build({
    entryPoints: [join(here, 'page.ts')],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    // Readable stacks in what fails; the size is nobody's concern here.
    minify: false,
    conditions: ['nacre-source'],
    nodePaths: [modules, join(root, 'node_modules')],
    inject: [join(here, 'globals.ts')],
    define: { 'process.env.NODE_DEBUG': 'undefined', global: 'globalThis', filesOfTheTests: JSON.stringify(storedFiles()) },
    // The tests that run it are left out for that.
    external: ['esbuild'],
    plugins: [plugin(files)],
    logLevel: 'silent',
  })
  return { text: result.outputFiles[0].text, metafile: result.metafile }
}

const notForBrowsers = /^(node:|esbuild$)/

/** What each file reaches of Node that a browser has no stand-in for. */
const missingFor = (metafile: Metafile, file: string): readonly string[] => {
  const seen = new Set<string>()
  const missing = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    for (const each of metafile.inputs[path]?.imports ?? []) {
      if (each.external !== true) visit(each.path)
      // esbuild lists its own injections as external too.
      else if (notForBrowsers.test(each.path)) missing.add(each.path)
    }
  }
  visit(relative(process.cwd(), join(tests, file)))
  return [...missing]
}

export interface BrowserTests {
  /** A module for a page. */
  readonly text: string
  readonly files: readonly string[]
  /** Files left out, and why. */
  readonly leftOut: Readonly<Record<string, string>>
}

/** The tests that a browser can run, in one module. `only` keeps those whose path begins so. */
export const bundleTests = async (only: readonly string[] = []): Promise<BrowserTests> => {
  const all = filesIn(tests).filter(
    name => name.endsWith('.test.ts') && !name.startsWith('types/') && (only.length === 0 || only.some(each => name.startsWith(each))),
  )
  const { metafile } = await bundleOf(all)
  const leftOut = Object.fromEntries(
    all
      .map(file => [file, missingFor(metafile, file)] as const)
      .flatMap(([file, missing]) => (missing.length === 0 ? [] : [[file, `needs ${missing.join(', ')}`]])),
  )
  const files = all.filter(file => !(file in leftOut))
  const { text } = await bundleOf(files)
  return { text, files, leftOut }
}
