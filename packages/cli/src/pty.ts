// Owns opening pseudo-terminals: a prebuilt native module makes the pair and sets its size, Node starts the process. Knows
// nothing of SSH. The module's own way of starting processes is not used: 200 ms after the process ends it throws away
// output that was not read by then, it leaves the terminal owned by us, and it cannot set modes before the start.
import type { ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, closeSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ReadStream } from 'node:tty'
import { type Exit, SshError } from 'nacre'
import type { OpenPty, Pty, PtyOptions } from 'nacre/server'
import { forgetDescriptor, maskDescriptor, spawnClean } from './spawn.ts'
import { sttyArguments } from './stty.ts'

/** No terminal could be opened, or nothing started on it. */
export class PtyError extends SshError {
  constructor(message: string, options?: ErrorOptions) {
    super('PTY', message, options)
  }
}

interface NativePty {
  open(columns: number, rows: number): { readonly master: number; readonly slave: number; readonly pty: string }
  resize(master: number, columns: number, rows: number): void
}

let native: NativePty | undefined

/** Loads the native module; only sessions with a terminal pay for it. */
const loadNative = (): NativePty => {
  if (native !== undefined) return native
  try {
    const here = createRequire(import.meta.url)
    const within = createRequire(here.resolve('@lydell/node-pty'))
    const { requireBinary } = within('./requireBinary.js') as { requireBinary: (file: string) => NativePty }
    native = requireBinary('pty.node')
    return native
  } catch (error) {
    throw new PtyError(
      `No terminal can be opened: the package @lydell/node-pty has no binary for ${process.platform} on ${process.arch}, or it is not installed.`,
      { cause: error },
    )
  }
}

/**
 * Runs first in the child, which leads a new session: opening the terminal by name makes it the controlling one. Then
 * the modes are set and the command takes the shell's place.
 */
const prologue = ': <"$1" || exit 126; [ -z "$3" ] || "$2" $3 2>/dev/null; argv0=$4; shift 4; '

const firstOf = (paths: readonly string[]): string | undefined => paths.find(path => existsSync(path))

/** The shell that runs the prologue, and how it takes on another name for the command; only bash can. */
const starter = (options: PtyOptions): { readonly shell: string; readonly args: readonly string[] } => {
  const bash = options.argv0 === undefined ? undefined : firstOf(['/bin/bash', '/usr/bin/bash', '/usr/local/bin/bash'])
  // -p keeps bash from running what BASH_ENV in the session's environment names, --norc from reading ~/.bashrc, which some
  // builds of it do for every command whose environment has SSH_CLIENT.
  if (bash !== undefined) return { shell: bash, args: ['--norc', '-p', '-c', `${prologue}exec -a "$argv0" "$@"`] }
  return { shell: '/bin/sh', args: ['-c', `${prologue}exec "$@"`] }
}

const startProcess = (
  device: string,
  slave: number,
  start: { readonly command: string; readonly args: readonly string[] },
  options: PtyOptions,
): ChildProcess => {
  const { shell, args } = starter(options)
  const stty = firstOf(['/bin/stty', '/usr/bin/stty']) ?? ''
  const modes = stty === '' ? '' : sttyArguments(options.modes ?? {}).join(' ')
  // Without bash a login shell is told by -l, which every shell that starts with a dash in argv[0] knows.
  const login = options.argv0?.startsWith('-') === true && shell === '/bin/sh' ? ['-l'] : []
  return spawnClean(shell, [...args, 'nacre', device, stty, modes, options.argv0 ?? '', start.command, ...start.args, ...login], {
    cwd: options.cwd,
    env: { ...options.env, TERM: options.term },
    // A session of its own, which the terminal needs.
    detached: true,
    stdio: [slave, slave, slave],
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  })
}

const exitOf = (code: number | null, signal: string | null): Exit =>
  signal === null ? { code: code ?? 255 } : { signal: signal.replace(/^SIG/, ''), coreDumped: false, message: '' }

class UnixPty implements Pty {
  readonly pid: number
  readonly device: string
  readonly exited: Promise<Exit>
  readonly #native: NativePty
  readonly #master: number
  readonly #stream: ReadStream
  readonly #process: ChildProcess
  #gone = false
  #ended = false
  #paused = false
  #handler: ((bytes: Uint8Array) => void) | undefined

  constructor(from: NativePty, pair: { readonly master: number; readonly pty: string }, child: ChildProcess, pid: number) {
    this.#native = from
    this.#master = pair.master
    this.#process = child
    this.pid = pid
    this.device = pair.pty
    this.#stream = new ReadStream(pair.master)
    this.#stream.pause()
    // The kernel answers EIO when the last holder of the terminal is gone; that is how its output ends.
    this.#stream.on('error', () => this.#stream.destroy())
    const drained = new Promise<void>(resolve => {
      this.#stream.once('close', () => {
        this.#gone = true
        forgetDescriptor(this.#master)
        resolve()
      })
    })
    this.exited = new Promise(resolve => {
      child.once('exit', (code, signal) => {
        this.#ended = true
        // Off Linux a process that outlives its leader may keep the terminal open for good.
        if (process.platform !== 'linux') setTimeout(() => this.#stream.destroy(), 200).unref()
        void drained.then(() => resolve(exitOf(code, signal)))
      })
    })
  }

  onData(handler: (bytes: Uint8Array) => void): void {
    if (this.#handler !== undefined) throw new TypeError('This terminal has a handler for its output already.')
    this.#handler = handler
    this.#stream.on('data', (bytes: Buffer) => handler(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)))
    if (this.#paused) this.#stream.pause()
    else this.#stream.resume()
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#gone || bytes.length === 0) return Promise.resolve()
    // The callback also comes when the stream is destroyed.
    return new Promise(resolve => void this.#stream.write(bytes, () => resolve()))
  }

  resize(columns: number, rows: number): void {
    if (this.#gone) return
    this.#native.resize(this.#master, Math.max(1, Math.min(columns, 0xffff)), Math.max(1, Math.min(rows, 0xffff)))
  }

  kill(signal: string): void {
    if (this.#ended) return
    this.#process.kill(`SIG${signal}` as NodeJS.Signals)
  }

  pause(): void {
    this.#paused = true
    this.#stream.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#handler !== undefined) this.#stream.resume()
  }

  close(): void {
    if (!this.#ended) this.kill('HUP')
    this.#stream.destroy()
  }
}

/** Opens a terminal and starts `command` on it. Throws `PtyError`. */
export const openPty: OpenPty = (command, args, options) => {
  const from = loadNative()
  let pair: ReturnType<NativePty['open']>
  try {
    pair = from.open(Math.max(1, options.columns), Math.max(1, options.rows))
  } catch (error) {
    throw new PtyError(`No terminal can be opened: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  maskDescriptor(pair.master)
  maskDescriptor(pair.slave)
  let child: ChildProcess | undefined
  try {
    const owner = options.uid ?? options.terminalOwner
    if (owner !== undefined && owner !== process.geteuid?.()) {
      // Programs such as tmux and gpg open their terminal by name.
      chownSync(pair.pty, owner, -1)
      chmodSync(pair.pty, 0o620)
    }
    child = startProcess(pair.pty, pair.slave, { command, args }, options)
    // Node reports a failed start by an event as well; it must not find nobody there.
    child.on('error', () => {})
    if (child.pid === undefined) throw new PtyError(`${command} could not be started in ${options.cwd}.`)
    return new UnixPty(from, pair, child, child.pid)
  } catch (error) {
    closeSync(pair.master)
    forgetDescriptor(pair.master)
    throw error
  } finally {
    closeSync(pair.slave)
    forgetDescriptor(pair.slave)
  }
}
