// Owns bundling a program with esbuild, Vite and webpack as people do it, and what they warn of. Knows nothing of what the
// programs do.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build as esbuild } from 'esbuild'
import { build as vite, createLogger } from 'vite'
import webpack, { type Stats } from 'webpack'

export interface Task {
  /** The program. */
  readonly entry: string
  readonly platform: 'browser' | 'node'
  /** Where the result goes: `out.mjs`, and whatever else the bundler makes. */
  readonly folder: string
}

export interface Bundled {
  readonly warnings: readonly string[]
  /** All code the bundler made, the entry first. */
  readonly files: readonly string[]
}

const output = 'out.mjs'

const madeIn = (folder: string): readonly string[] => {
  if (!existsSync(join(folder, output))) return []
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => /\.m?js$/.test(name))
  return [output, ...names.filter(name => name !== output)].map(name => readFileSync(join(folder, name), 'utf8'))
}

const withEsbuild = async ({ entry, platform, folder }: Task): Promise<Bundled> => {
  const { warnings } = await esbuild({
    entryPoints: [entry],
    outfile: join(folder, output),
    bundle: true,
    minify: true,
    format: 'esm',
    platform,
    logLevel: 'silent',
    // What esbuild's own documentation gives for ES modules on Node with CommonJS among them.
    ...(platform === 'node'
      ? { banner: { js: "import { createRequire } from 'node:module';const require=createRequire(import.meta.url);" } }
      : {}),
  })
  return { warnings: warnings.map(each => each.text), files: madeIn(folder) }
}

const withVite = async ({ entry, platform, folder }: Task): Promise<Bundled> => {
  const warnings: string[] = []
  const logger = createLogger('silent')
  for (const level of ['warn', 'warnOnce', 'error'] as const) logger[level] = message => void warnings.push(message)
  await vite({
    configFile: false,
    root: dirname(entry),
    // Its reports of progress; warnings go to the logger.
    logLevel: 'warn',
    customLogger: logger,
    ...(platform === 'node' ? { ssr: { noExternal: true } } : {}),
    build: {
      outDir: folder,
      emptyOutDir: false,
      minify: true,
      target: 'es2022',
      ...(platform === 'node' ? { ssr: entry } : { lib: { entry, formats: ['es'], fileName: () => output } }),
      rolldownOptions: { output: { entryFileNames: output } },
    },
  })
  return { warnings, files: madeIn(folder) }
}

const withWebpack = async ({ entry, platform, folder }: Task): Promise<Bundled> => {
  const compiler = webpack({
    mode: 'production',
    target: platform === 'node' ? 'node24' : 'web',
    entry,
    // Its advice about sizes above 244 KiB is no warning about the code; the sizes are in the docs.
    performance: { hints: false },
    experiments: { outputModule: true },
    output: { path: folder, filename: output, module: true, library: { type: 'module' }, chunkFormat: 'module' },
  })
  const stats = await new Promise<Stats>((resolve, reject) => {
    compiler.run((error, result) =>
      error !== null || result === undefined ? reject(error ?? new Error('webpack gave nothing')) : resolve(result),
    )
  })
  await new Promise(closed => compiler.close(closed))
  const { warnings = [], errors = [] } = stats.toJson({ all: false, warnings: true, errors: true })
  return { warnings: [...errors, ...warnings].map(each => each.message), files: madeIn(folder) }
}

export const bundlers = { esbuild: withEsbuild, Vite: withVite, webpack: withWebpack } as const
