// Owns the direction of imports: the layers in order, and a check that reads every import of the library and the CLI.
// Fails on an arrow to the right, a cycle (types included), `node:` or Node's globals where they do not belong, default
// exports, and `any` outside `wire`. Knows nothing of what the code does.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Each layer may import from those before it. Layers on one line may not import from one another. */
const layers: readonly (readonly string[])[] = [
  ['errors', 'patterns', 'addresses'],
  ['wire'],
  ['crypto'],
  ['algorithms'],
  ['keys', 'config'],
  // The engine composes these three; they know nothing of each other.
  ['transport', 'auth', 'connection'],
  ['engine'],
  ['io'],
  // scp serves and fills the same files, by the same names.
  ['sftp'],
  ['agent', 'forward', 'scp', 'secure'],
  ['client'],
  // Sharing a connection of a client with other processes.
  ['mux'],
  ['server'],
  ['terminal'],
  ['testing'],
  // The package's own index.
  ['index', 'index-web'],
  ['cli'],
]

/** Only these files know which runtime they are on. */
const mayUseNode = (path: string): boolean =>
  path.startsWith('cli/') ||
  path.startsWith('crypto/node/') ||
  /^(io|keys|client|agent|server|sftp|forward|mux)\/(.*[/-])?(node|local|openssh)[^/]*$/.test(path)

/** The file's text with comments, strings and regular expressions blanked, so that only code is left. */
const codeOf = (text: string): string => {
  let code = ''
  /** Depths of braces at which a template goes on. */
  const templates: number[] = []
  let depth = 0
  let at = 0
  const skipTo = (end: number): void => {
    code += ' '.repeat(Math.max(0, end - at))
    at = end
  }
  const template = (): void => {
    for (at++; at < text.length; at++) {
      if (text[at] === '\\') at++
      else if (text[at] === '`') break
      else if (text[at] === '$' && text[at + 1] === '{') {
        templates.push(depth++)
        at++
        break
      }
    }
    at++
    code += '` `'
  }
  const literal = (close: string): void => {
    let end = at + 1
    let inClass = false
    for (; end < text.length && text[end] !== '\n' && (inClass || text[end] !== close); end++) {
      if (text[end] === '\\') end++
      else if (close === '/' && text[end] === '[') inClass = true
      else if (text[end] === ']') inClass = false
    }
    skipTo(end + 1)
  }
  while (at < text.length) {
    const two = text.slice(at, at + 2)
    if (two === '//') skipTo((text.indexOf('\n', at) + 1 || text.length + 1) - 1)
    else if (two === '/*') skipTo(text.indexOf('*/', at) + 2)
    else if (text[at] === "'" || text[at] === '"') literal(text[at])
    else if (text[at] === '/' && /(^|[(,=:[!&|?{};>]|\breturn|\btypeof)\s*$/.test(code.slice(-80))) literal('/')
    else if (text[at] === '`') template()
    else if (text[at] === '}' && templates.at(-1) === depth - 1) {
      depth = templates.pop() ?? 0
      template()
    } else {
      if (text[at] === '{') depth++
      if (text[at] === '}') depth--
      code += text[at++]
    }
  }
  return code
}

/** Every specifier a file imports, re-exports or loads. */
const specifiersOf = (text: string): readonly string[] => [
  ...[...text.matchAll(/^[ \t]*(?:import|export)\b(?:[^'"`;=]*?\bfrom)?\s*['"]([^'"]+)['"]/gm)].map(found => found[1]),
  ...[...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)].map(found => found[1]),
]

interface Source {
  /** From the root of the library's or the CLI's sources: `wire/reader.ts`, `cli/commands/ssh.ts`. */
  readonly path: string
  readonly text: string
}

const layerOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, ''))
const rankOf = (layer: string): number => layers.findIndex(row => row.includes(layer))

const sourcesUnder = (folder: string, prefix: string): readonly Source[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .sort()
    .map(name => ({ path: prefix + name.replaceAll('\\', '/'), text: readFileSync(join(folder, name), 'utf8') }))

/** What is wrong with one import; `undefined` when nothing is. */
const importFault = (from: string, specifier: string, target: string | undefined, dependencies: readonly string[]): string | undefined => {
  const pair = `${from} → ${target ?? specifier}`
  if (specifier.startsWith('node:')) return mayUseNode(from) ? undefined : `${pair}: only files named for a runtime may import node:`
  if (target === undefined) {
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/')
    return dependencies.includes(name) ? undefined : `${pair}: not a dependency of its package`
  }
  const [fromLayer, toLayer] = [layerOf(from), layerOf(target)]
  if (rankOf(toLayer) < 0) return `${pair}: ${toLayer} is not a layer`
  if (fromLayer === toLayer) return undefined
  if (fromLayer === 'cli') return `${pair}: the CLI imports the library by its public names`
  return rankOf(toLayer) < rankOf(fromLayer) ? undefined : `${pair}: ${fromLayer} may not import ${toLayer}`
}

/** Circles of imports, each once, as the files on the way round. */
const cyclesIn = (graph: ReadonlyMap<string, readonly string[]>): readonly string[] => {
  const found: string[] = []
  const done = new Set<string>()
  const way: string[] = []
  const visit = (path: string): void => {
    const start = way.indexOf(path)
    if (start >= 0) {
      found.push(`${[...way.slice(start), path].join(' → ')}: a cycle`)
      return
    }
    if (done.has(path)) return
    way.push(path)
    for (const next of graph.get(path) ?? []) visit(next)
    way.pop()
    done.add(path)
  }
  for (const path of graph.keys()) visit(path)
  return found
}

const defaultExport = /\bexport\s+default\b|\bas\s+default\b/
/** `any` where a type stands. */
const anyType = /(?:[:<|&]\s*|<[^<>();]*,\s*|\btype\s+\w+\s*=\s*|\b(?:as|extends|satisfies)\s+)any\b(?!\s*[:(?.])/
const nodeGlobal = /(?<![.\w#])(?:(process|Buffer)(?=\s*[.[])|(setImmediate|require)(?=\s*\()|(__dirname|__filename)\b)/

const textFaults = ({ path, text }: Source): readonly string[] => {
  const code = codeOf(text)
  const faults: string[] = []
  if (defaultExport.test(code)) faults.push(`${path}: a default export`)
  if (!path.startsWith('wire/') && anyType.test(code)) faults.push(`${path}: any outside wire`)
  const name = nodeGlobal.exec(code)?.slice(1).find(Boolean)
  if (name === undefined || mayUseNode(path)) return faults
  // A variable or parameter of our own may be called `process`.
  const ours = new RegExp(`\\b(const|let|class)\\s+${name}\\b|[(,]\\s*${name}\\s*[:,)]`).test(code)
  return ours ? faults : [...faults, `${path}: uses Node's ${name}; only files named for a runtime may`]
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  /** Files that take the place of a name, by condition. */
  readonly imports?: Readonly<Record<string, unknown>>
}

/** A name of the manifest's `imports` as the sources it may stand for, seen from the file at `path`. */
const importedBy = (specifier: string, path: string, imports: Manifest['imports'] = {}): readonly string[] => {
  if (!specifier.startsWith('#') || !(specifier in imports)) return [specifier]
  const targets = JSON.stringify(imports[specifier]).matchAll(/"\.\/src\/([^"]+)"/g)
  return [...targets].map(found => `./${relative(dirname(path), found[1])}`)
}

/** All faults under a checkout's root, one line each. */
export const checkLayers = (root: string): readonly string[] => {
  const packages = [
    { folder: join(root, 'packages/nacre'), prefix: '' },
    { folder: join(root, 'packages/cli'), prefix: 'cli/' },
  ]
  const faults: string[] = []
  const graph = new Map<string, readonly string[]>()
  for (const { folder, prefix } of packages) {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
    for (const source of sourcesUnder(join(folder, 'src'), prefix)) {
      if (rankOf(layerOf(source.path)) < 0) faults.push(`${source.path}: ${layerOf(source.path)} is not a layer`)
      const targets: string[] = []
      for (const specifier of specifiersOf(source.text).flatMap(each => importedBy(each, source.path, manifest.imports))) {
        // The version is read from the package's own manifest.
        if (prefix === 'cli/' && specifier.endsWith('/package.json')) continue
        const target = specifier.startsWith('.') ? relative('/', join('/', dirname(source.path), specifier)) : undefined
        if (target !== undefined) targets.push(target)
        const fault = importFault(source.path, specifier, target, Object.keys(manifest.dependencies ?? {}))
        if (fault !== undefined) faults.push(fault)
      }
      graph.set(source.path, targets)
      faults.push(...textFaults(source))
    }
  }
  return [...faults, ...cyclesIn(graph)]
}

if (import.meta.main) {
  const faults = checkLayers(fileURLToPath(new URL('..', import.meta.url)))
  for (const fault of faults) console.error(fault)
  process.exitCode = faults.length > 0 ? 1 : 0
}
