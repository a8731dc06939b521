// Owns what -L, -R, -D and -W are given, and what is typed at `~C`: reading it, and saying in words what is wrong with it. Knows
// nothing of what becomes of it.
import { type DialTarget, escapeForPeople, parseDialTarget, SshError, type UnixPlace } from 'nacre'
import {
  BadValue,
  type ConfiguredForward,
  type ForwardEnd,
  type ForwardKind,
  readForwardListener,
  readForwardSpec,
  showForward,
} from 'nacre/config'
import { UsageError } from '../getopt.ts'

const keywords: Readonly<Record<ForwardKind, string>> = { local: 'LocalForward', remote: 'RemoteForward', dynamic: 'DynamicForward' }

const read = <T>(kind: ForwardKind, text: string, reading: () => T): T => {
  try {
    return reading()
  } catch (error) {
    if (error instanceof BadValue) throw new UsageError(`Bad ${kind} forwarding specification '${escapeForPeople(text)}'`)
    throw error
  }
}

/** A forwarding as a letter has it. Throws `UsageError`. */
export const readSpec = (kind: ForwardKind, text: string): ConfiguredForward => read(kind, text, () => readForwardSpec(kind, text))

/** The listening end of one, to cancel it. Throws `UsageError`. */
export const readListener = (kind: ForwardKind, text: string): ForwardEnd => read(kind, text, () => readForwardListener(text))

/** A letter's argument as a line of ssh_config. Throws `UsageError`. */
export const forwardLine = (kind: ForwardKind, text: string): string => `${keywords[kind]} ${showForward(readSpec(kind, text))}`

/** The argument of -W: a host and port, or the path of a socket. Throws `UsageError`. */
export const readForwardTarget = (text: string): DialTarget | UnixPlace => {
  if (text.startsWith('/')) return { path: text }
  try {
    return parseDialTarget(text)
  } catch (error) {
    throw new UsageError(`-W: ${error instanceof SshError ? error.message : String(error)}`)
  }
}
