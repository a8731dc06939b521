// Owns the two builds: the library (tsc: JavaScript and declarations into packages/nacre/dist) and the commands
// (esbuild: into packages/cli/dist one file per command, and a folder of what it loads later). `--commands` builds only the second, and quickly.
// Knows nothing of publishing.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { type Command, commands } from '../packages/cli/src/commands.ts'
import { facesPlugin } from './faces.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const cli = join(root, 'packages/cli')

/** Compiles the library. Fails on a type error. */
const buildLibrary = (): void => {
  rmSync(join(root, 'packages/nacre/dist'), { recursive: true, force: true })
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  execFileSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
}

/** The entry of a bundle: the command joined to the real process. The launcher calls `start`. */
const entryText = (command: Command): string =>
  [
    `import { run } from './${command.entry}'`,
    `import { processEnvironment } from './environment.ts'`,
    `export const start = argv => run(argv, processEnvironment('${command.name}'))`,
    ...(command.name === 'help' ? [`export const commandNames = ${JSON.stringify(commands.map(each => each.name))}`] : []),
  ].join('\n')

const entries: Plugin = {
  name: 'entries',
  setup: builder => {
    builder.onResolve({ filter: /^command:/ }, found => ({ path: found.path.slice('command:'.length), namespace: 'command' }))
    builder.onLoad({ filter: /.*/, namespace: 'command' }, found => {
      const command = commands.find(each => each.name === found.path)
      return command === undefined ? undefined : { contents: entryText(command), resolveDir: join(cli, 'src'), loader: 'ts' }
    })
  },
}

/** Bundles one command. */
const buildCommand = (command: Command): Promise<unknown> =>
  build({
    entryPoints: { [command.name]: `command:${command.name}` },
    outdir: join(cli, 'dist'),
    plugins: [entries, facesPlugin(join(cli, 'src'), join(root, 'packages/nacre'), 'nacre')],
    bundle: true,
    // Start-up reads and runs only what is imported at once; what is behind an `import()` waits until it is needed. Commands do
    // not share files: shared ones would be many and small, and each costs as much as its code.
    splitting: command.whole !== true,
    chunkNames: `${command.name}/[name]-[hash]`,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    conditions: ['nacre-source'],
    // The pty is native code and is loaded when a terminal is asked for.
    external: ['@lydell/node-pty'],
    minify: false,
    legalComments: 'none',
    logLevel: 'silent',
    // CommonJS dependencies ask for Node's own modules through `require`, which an ES module does not have.
    banner: { js: "import { createRequire as nacreRequire } from 'node:module'; const require = nacreRequire(import.meta.url);" },
  })

/** Bundles all commands and returns what went wrong, a line per command. */
const buildCommands = async (): Promise<readonly string[]> => {
  rmSync(join(cli, 'dist'), { recursive: true, force: true })
  const results = await Promise.allSettled(commands.map(command => buildCommand(command)))
  return results.flatMap((result, index) =>
    result.status === 'fulfilled' ? [] : [`build: ${commands[index].name} could not be bundled: ${(result.reason as Error).message}`],
  )
}

// `npm ci` runs `--commands` and must leave a usable checkout even when one command does not build; the launcher names it.
const onlyCommands = process.argv.includes('--commands')
if (!onlyCommands) buildLibrary()
const faults = await buildCommands()
for (const fault of faults) console.warn(fault)
if (faults.length > 0 && !onlyCommands) process.exitCode = 1
