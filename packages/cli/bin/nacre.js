#!/usr/bin/env node
// Owns the start of every command: finds a Node that is new enough, picks the command by the name of the link or by the
// first argument, and loads its bundle. Plain JavaScript that an old Node can read. Loads nothing it may not need, and
// knows nothing of what the commands do.
import * as nodeModule from 'node:module'

const oldestNode = 24

/** The command and its arguments, from the name we were called by or the first argument. */
const choose = () => {
  const calledAs = (process.argv[1] ?? '').replace(/^.*[/\\]/, '').replace(/\.[cm]?js$/, '')
  const rest = process.argv.slice(2)
  if (calledAs !== 'nacre') return { name: calledAs, argv: rest }
  const [first, ...others] = rest
  if (first === undefined) return { name: 'help', argv: [] }
  if (first === '--version' || first === '-V') return { name: 'version', argv: [] }
  if (first === 'help' || first === '--help' || first === '-h')
    return others.length === 0 ? { name: 'help', argv: [] } : { name: others[0], argv: ['--help'] }
  return { name: first, argv: others }
}

/**
 * Keeps compiled code between runs, which halves the time to start. The folder must be ours alone: whoever can write
 * to it can run code as us, and `HOME` may be another person's when root was reached through sudo.
 */
const enableCompileCache = async () => {
  if (typeof nodeModule.enableCompileCache !== 'function' || typeof process.geteuid !== 'function') return
  try {
    const { XDG_CACHE_HOME: cacheHome, HOME: home } = process.env
    const base = cacheHome?.startsWith('/') ? cacheHome : home?.startsWith('/') ? `${home}/.cache` : undefined
    if (base === undefined) return
    const { existsSync, lstatSync, mkdirSync } = await import('node:fs')
    const folder = `${base}/nacre`
    // Not recursive: a home that does not exist is not for us to make.
    for (const each of [base, folder]) if (!existsSync(each)) mkdirSync(each, { mode: 0o700 })
    const found = lstatSync(folder)
    if (found.isDirectory() && found.uid === process.geteuid() && (found.mode & 0o022) === 0) nodeModule.enableCompileCache(folder)
  } catch {
    // A home that cannot be written to only costs time.
  }
}

/** Runs this same program under the Node a checkout brings, with our streams, signals and exit code. */
const runUnderNewerNode = async () => {
  const { existsSync, realpathSync } = await import('node:fs')
  const { dirname, join } = await import('node:path')
  const { fileURLToPath } = await import('node:url')
  let folder = dirname(realpathSync(fileURLToPath(import.meta.url)))
  let node = join(folder, 'node_modules/.bin/node')
  while (!existsSync(node) && dirname(folder) !== folder) {
    folder = dirname(folder)
    node = join(folder, 'node_modules/.bin/node')
  }
  if (!existsSync(node) || realpathSync(node) === realpathSync(process.execPath)) {
    console.error(
      `nacre: this needs Node ${oldestNode} or later; ${process.execPath} is ${process.version}.\n` +
        'Install a newer Node (https://nodejs.org), or run `npm ci` in a checkout of nacre, which brings its own.',
    )
    process.exit(255)
  }
  const { spawn } = await import('node:child_process')
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit', argv0: process.argv0 })
  // Keys such as ^C reach the whole process group, the child included; passing those on would deliver them twice.
  const fromTerminal = ['SIGINT', 'SIGQUIT']
  const handlers = ['SIGHUP', 'SIGTERM', 'SIGUSR2', ...fromTerminal].map(signal => {
    const handler = () => {
      if (!(fromTerminal.includes(signal) && process.stdin.isTTY)) child.kill(signal)
    }
    process.on(signal, handler)
    return { signal, handler }
  })
  child.on('error', error => {
    console.error(`nacre: ${node} could not be started: ${error.message}`)
    process.exit(255)
  })
  child.on('exit', (code, signal) => {
    for (const each of handlers) process.off(each.signal, each.handler)
    if (signal === null) process.exit(code)
    process.kill(process.pid, signal)
  })
}

/** Loads the bundle of a command; `undefined` when there is none. */
const load = async name => {
  if (!/^[a-z][a-z-]*$/.test(name)) return undefined
  const bundle = new URL(`../dist/${name}.js`, import.meta.url)
  try {
    return await import(bundle.href)
  } catch (error) {
    if (error?.code === 'ERR_MODULE_NOT_FOUND' && String(error.url ?? error.message).includes(`/dist/${name}.js`)) return undefined
    throw error
  }
}

const start = async () => {
  const { name, argv } = choose()
  await enableCompileCache()
  const command = await load(name)
  if (command !== undefined) return command.start(argv)
  const help = await load('help')
  if (help !== undefined && !help.commandNames.includes(name)) return help.start([name])
  console.error(`nacre: ${name} is not built. In a checkout, run \`npm ci\` or \`node_modules/.bin/node tools/build.ts --commands\`.`)
  return 255
}

/** Waits until a stream's bytes have left: writes to pipes wait for their reader, and exiting would drop them. */
const flushed = stream =>
  new Promise(resolve => {
    if (stream.writableLength === 0 || stream.destroyed) return resolve()
    stream.once('error', resolve)
    stream.once('close', resolve)
    stream.write('', () => resolve())
  })

const exit = async code => {
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  process.exit(code)
}

if (Number(process.versions.node.split('.')[0]) < oldestNode) await runUnderNewerNode()
else
  start().then(exit, error => {
    console.error(`nacre: ${error?.message ?? error}`)
    if (process.env.NACRE_DEBUG) console.error(error)
    return exit(255)
  })
