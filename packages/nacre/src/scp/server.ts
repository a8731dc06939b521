// Owns the server's side of scp: a command line and a session become a source or a sink over `Files`. Knows neither
// accounts nor processes.
import { ConfigError, ScpError, SftpError } from '../errors.ts'
import { nextTurn } from '../io/soon.ts'
import type { Files } from '../sftp/files.ts'
import type { BytePipe } from '../sftp/pipe.ts'
import { defaultPatience, outlasting, type PipedSession, sessionPipe } from '../sftp/server/session-pipe.ts'
import { parseScpCommand, type ScpCommand } from './command.ts'
import { Conversation } from './conversation.ts'
import { expandPattern, type Tree } from './glob.ts'
import { Sink } from './sink.ts'
import { type CopyOptions, type NamedPath, Source } from './source.ts'
import type { Word } from './words.ts'

export interface ScpServerOptions {
  /** Where paths that are not absolute begin. Default: the home that `files` name. */
  readonly directory?: string
  /** Told what happens, when the client asks for it by -v. */
  readonly note?: (text: string) => void
}

/** Names of a directory that are read until everybody else has a turn. */
const turnNames = 4096

const withoutDots = (path: string): string => path.replace(/^(\.\/+)+(?=.)/, '')

/** Paths of a command line, made absolute. */
class Paths {
  readonly #files: Files
  #start: string | undefined

  constructor(files: Files, start: string | undefined) {
    this.#files = files
    this.#start = start
  }

  async absolute(path: string): Promise<string> {
    if (path.startsWith('/')) return path
    this.#start ??= await this.#files.home('')
    const rest = withoutDots(path)
    return rest === '' || rest === '.' ? this.#start : `${this.#start === '/' ? '' : this.#start}/${rest}`
  }

  async #named(shown: string): Promise<NamedPath> {
    return { path: await this.absolute(shown), shown }
  }

  readonly #tree: Tree = {
    names: async (directory, most) => {
      try {
        const listing = await this.#files.list(await this.absolute(directory))
        const names: string[] = []
        try {
          let told = turnNames
          for (let some = await listing.next(); some !== undefined && names.length < most; some = await listing.next()) {
            for (const { name } of some) names.push(name)
            if (names.length < told) continue
            told = names.length + turnNames
            await nextTurn()
          }
        } finally {
          await listing.close()
        }
        return names
      } catch (error) {
        if (error instanceof SftpError) return []
        throw error
      }
    },
    exists: async path => {
      try {
        await this.#files.stat(await this.absolute(path), false)
        return true
      } catch (error) {
        if (error instanceof SftpError) return false
        throw error
      }
    },
  }

  /** As a shell gives them to a program: a pattern without matches stays as it is. */
  async of({ text, pattern, isPattern, home }: Word): Promise<readonly NamedPath[]> {
    const before = home === undefined ? '' : await this.#homeOf(home)
    if (before === undefined) return [await this.#named(`~${home}${text}`)]
    if (isPattern) {
      const found = await expandPattern(before.replaceAll(/[*?[\]\\]/g, '\\$&') + pattern, this.#tree)
      if (found.length > 0) return Promise.all(found.map(path => this.#named(path)))
    }
    return [await this.#named(before + text)]
  }

  async #homeOf(user: string): Promise<string | undefined> {
    try {
      return (await this.#files.home(user)).replace(/\/$/, '')
    } catch (error) {
      if (error instanceof SftpError) return undefined
      throw error
    }
  }
}

/** Serves one command. Gives the exit code: 0, or 1 when something could not be copied. */
export const serveScp = async (pipe: BytePipe, files: Files, command: ScpCommand, options: ScpServerOptions = {}): Promise<number> => {
  // The client is told of each error, and tells the person.
  const talk = new Conversation(pipe, () => {})
  const paths = new Paths(files, options.directory)
  const { recursive, preserve, directory, verbose } = command
  const copy: CopyOptions = { recursive, preserve, ...(verbose && options.note !== undefined ? { note: options.note } : {}) }
  try {
    const named: NamedPath[] = []
    for (const word of command.words) named.push(...(await paths.of(word)))
    if (command.role === 'sink') {
      if (named.length !== 1) await talk.refuse('ambiguous target')
      await new Sink(talk, files, { ...copy, directory }).receive(named[0])
    } else {
      await talk.agreed()
      const source = new Source(talk, files, copy)
      for (const each of named) await source.send(each)
    }
  } catch (error) {
    if (!(error instanceof ScpError) && !(error instanceof SftpError)) throw error
    if (error instanceof SftpError) talk.errors++
    else talk.errors ||= 1
  }
  talk.throwUnexpected()
  return talk.errors === 0 ? 0 : 1
}

/** What a handler needs of a session; the server's own sessions have it. */
export interface ScpSession extends PipedSession {
  readonly command: string | undefined
  write(bytes: Uint8Array, type?: 0 | 1): Promise<void> | undefined
}

const utf8 = new TextEncoder()

/**
 * An `exec` handler that serves scp from `files`, without a shell and without a process. Commands that are not scp's are
 * refused with a message: ask `isScpCommand` first where others are served too.
 */
export const scpServer =
  <Session extends ScpSession>(files: Files | ((session: Session) => Files | Promise<Files>), options: ScpServerOptions = {}) =>
  async (session: Session): Promise<number> => {
    const command = parseScpCommand(session.command ?? '')
    if (command === undefined) {
      await session.write(utf8.encode('This service allows scp only.\n'), 1)
      return 1
    }
    if (options.directory !== undefined && !options.directory.startsWith('/'))
      throw new ConfigError(`The directory of an scp server must be an absolute path; ${JSON.stringify(options.directory)} is none.`)
    const note = (text: string): void => void session.write(utf8.encode(`${text}\n`), 1)
    const serving = async (): Promise<number> =>
      await serveScp(sessionPipe(session), typeof files === 'function' ? await files(session) : files, command, { note, ...options })
    return await outlasting(session, serving(), defaultPatience)
  }
