// Owns reading ssh_config on Node: which files there are, who may write them, and what a configuration asks of the machine.
// Knows nothing of what the keywords mean. Programs read this before anything else, so what few configurations ask for is loaded
// when one does, and %C is hashed here: to load node:crypto takes longer than to read a configuration.
import { bytesToHex } from '@noble/hashes/utils.js'
import { sha1 } from '@noble/hashes/legacy.js'
import * as fs from 'node:fs'
import { homedir, hostname, networkInterfaces } from 'node:os'
import { ownAccount } from '../io/own-account-node.ts'
import { basename, join } from 'node:path'
import { type ClientSettings, readClientConfig } from '../config/client-config.ts'
import type { ClientMachine } from '../config/client-machine.ts'
import type { ConfigSource, Place } from '../config/document.ts'
import { ConfigError } from '../errors.ts'

const errorCode = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined

const othersMayWrite = 0o022

/** A file's text; `undefined` when there is none. With `checked`, one that others could have written is an error. */
const readConfigFile = (path: string, checked: boolean, place: Place = { path }): string | undefined => {
  let file: number
  try {
    file = fs.openSync(path, 'r')
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
    throw new ConfigError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, place, { cause: error })
  }
  try {
    const { uid, mode } = fs.fstatSync(file)
    if (checked && process.getuid !== undefined && ((uid !== 0 && uid !== process.getuid()) || (mode & othersMayWrite) !== 0))
      throw new ConfigError(
        `Bad owner or permissions on ${path}: it has to belong to you or root, and nobody else may write to it (chmod 600 ${path}).`,
        place,
      )
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof ConfigError) throw error
    // As in OpenSSH, a folder is read as an empty file.
    if (errorCode(error) === 'EISDIR') return ''
    throw new ConfigError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, place, { cause: error })
  } finally {
    fs.closeSync(file)
  }
}

/** Wildcards do not stand for a dot in front. */
const hidden = (pattern: string, path: string): boolean => basename(path).startsWith('.') && !basename(pattern).startsWith('.')

const homeOf = (user: string): string | undefined => {
  try {
    const line = fs
      .readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find(each => each.startsWith(`${user}:`))
    return line?.split(':')[5]
  } catch {
    return undefined
  }
}

const run = async (command: string): Promise<boolean> => {
  const { spawn } = await import('node:child_process')
  const shell = process.env.SHELL ?? '/bin/sh'
  const child = spawn(shell, ['-c', command], { stdio: ['ignore', 'ignore', 'inherit'] })
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  child.once('error', error => reject(new ConfigError(`The command of Match exec cannot be run: ${error.message}`, {}, { cause: error })))
  child.once('exit', (code, signal) =>
    signal === null ? resolve(code === 0) : reject(new ConfigError(`The command of Match exec was ended by ${signal}.`)),
  )
  return await promise
}

const families = { any: 0, inet: 4, inet6: 6 } as const
const longestChain = 8

/** Where aliases of DNS lead. */
const aliasOf = async (name: string): Promise<string | undefined> => {
  const { resolveCname } = await import('node:dns/promises')
  let found: string | undefined
  for (let step = 0; step < longestChain; step++) {
    try {
      const [next] = await resolveCname(found ?? name)
      if (next === undefined) return found
      found = next
    } catch {
      return found
    }
  }
  return found
}

/** This machine and whoever runs the program, as a configuration sees them. */
export const clientMachine = (): ClientMachine => {
  const { username, uid } = ownAccount()
  return {
    user: username,
    uid: String(uid),
    home: homedir(),
    hostname: hostname(),
    environment: process.env,
    homeOf,
    sha1: text => bytesToHex(sha1(new TextEncoder().encode(text))),
    addresses: () => Object.values(networkInterfaces()).flatMap(each => (each ?? []).map(({ address }) => address)),
    include: (path, statement) =>
      fs
        .globSync(path)
        .filter(each => !hidden(path, each))
        .sort()
        .flatMap(each => {
          const text = readConfigFile(each, true, statement)
          return text === undefined ? [] : [{ path: each, text, ...(statement.source.isUsers === true ? { isUsers: true } : {}) }]
        }),
    run,
    resolve: async (name, family, { aliases }) => {
      const { lookup } = await import('node:dns/promises')
      try {
        await lookup(name, { family: families[family] })
      } catch {
        return undefined
      }
      const canonicalName = aliases ? await aliasOf(name) : undefined
      return canonicalName === undefined ? {} : { canonicalName }
    },
  }
}

export interface ConfigFileOptions {
  /** Read this file only; `none` reads no file. Default: the person's, then the system's. */
  readonly file?: string
  /** Options before all files: `Keyword=value`, or sources of their own. */
  readonly options?: readonly (string | ConfigSource)[]
  /** The command that will be run, for `Match command` and `Match sessiontype`. */
  readonly command?: string
  /** The standard streams will be joined to a place there, as by `-W`. */
  readonly stdioForward?: boolean
}

const personsFile = (): ConfigSource[] => {
  const path = join(homedir(), '.ssh', 'config')
  const text = readConfigFile(path, true)
  return text === undefined ? [] : [{ path, text, isUsers: true }]
}

const systemFile = (): ConfigSource[] => {
  const path = '/etc/ssh/ssh_config'
  const text = readConfigFile(path, false)
  return text === undefined ? [] : [{ path, text }]
}

const filesFor = (only: string | undefined): ConfigSource[] => {
  if (only === undefined) return [...personsFile(), ...systemFile()]
  if (only.toLowerCase() === 'none') return []
  const text = readConfigFile(only, false)
  if (text === undefined) throw new ConfigError(`The configuration file ${only} does not exist.`, { path: only })
  return [{ path: only, text, isUsers: true }]
}

/**
 * What OpenSSH's files say about a host, as `ssh host` would have it: `Host` and `Match` blocks, Include, tokens, the host's
 * real name. Throws `ConfigError` with file and line.
 */
export const readOpensshConfig = async (host: string, options: ConfigFileOptions = {}): Promise<ClientSettings> =>
  await readClientConfig(
    {
      options: (options.options ?? []).map(each =>
        typeof each === 'string' ? { path: 'command line', text: each, isOption: true, isUsers: true } : each,
      ),
      files: filesFor(options.file),
    },
    {
      host,
      ...(options.command === undefined ? {} : { command: options.command }),
      ...(options.stdioForward === undefined ? {} : { stdioForward: options.stdioForward }),
    },
    clientMachine(),
  )
