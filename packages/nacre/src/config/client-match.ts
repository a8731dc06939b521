// Owns what the criteria of `Match` mean to a client. Knows nothing of how a line of them is read, nor of other keywords.
import { addressRanges } from '../addresses.ts'
import { matchesPatternList } from '../patterns.ts'
import { type ClientMachine, hostSoFar, tokensSoFar } from './client-machine.ts'
import { BadValue } from './kinds.ts'
import { openSshRelease } from './match.ts'
import type { MatchQuestion } from './resolve.ts'
import { expandTokens } from './tokens.ts'

/** What is being connected to. */
export interface ClientCall {
  /** As typed, without user and port. */
  readonly host: string
  /** The remote command; empty for a shell. */
  readonly command?: string
  /** The standard streams are joined to a place there (`-W`): other forwards are not made, unless ClearAllForwardings says so. */
  readonly stdioForward?: boolean
}

/** Where in reading a criterion is asked about. */
export interface ClientPass {
  /** What `Host` and tokens take for the host. */
  readonly host: string
  /** The second reading, after the host's name is known for good. */
  readonly final: boolean
}

const matches = (patterns: string, text: string): boolean => matchesPatternList(patterns.split(','), text)
/** Names of hosts are compared without case. */
const matchesHost = (patterns: string, host: string): boolean => matches(patterns.toLowerCase(), host.toLowerCase())
/** An empty text is matched by an empty argument, and by nothing else. */
const matchesMaybeEmpty = (patterns: string, text: string): boolean => (text === '' ? patterns === '' : matches(patterns, text))

const matchesNetwork = (argument: string, machine: ClientMachine): boolean => {
  let within: (address: string) => boolean
  try {
    within = addressRanges(argument.split(','))
  } catch (error) {
    throw new BadValue(`has a localnetwork that is none: ${error instanceof Error ? error.message : String(error)}`)
  }
  return machine.addresses().some(within)
}

const sessionType = (question: MatchQuestion, command: string): string => {
  const said = question.soFar('sessionType')
  return said === 'subsystem' || said === 'none' ? said : command === '' ? 'shell' : 'exec'
}

const textSoFar = (question: MatchQuestion, property: string, otherwise: string): string => {
  const value = question.soFar(property)
  return typeof value === 'string' ? value : otherwise
}

/** Does the criterion hold? Only `exec` may take its time. Throws `BadValue`. */
export const decideForClient = (
  question: MatchQuestion,
  call: ClientCall,
  pass: ClientPass,
  machine: ClientMachine,
): boolean | Promise<boolean> => {
  const { criterion, argument, soFar } = question
  const host = hostSoFar(pass.host, pass.final, soFar)
  switch (criterion) {
    case 'canonical':
    case 'final':
      return pass.final
    case 'host':
      return matchesHost(argument, host)
    case 'originalhost':
      return matchesHost(argument, call.host)
    case 'user':
      return matches(argument, textSoFar(question, 'user', machine.user))
    case 'localuser':
      return matches(argument, machine.user)
    case 'localnetwork':
      return matchesNetwork(argument, machine)
    case 'version':
      return matches(argument, openSshRelease)
    case 'tagged':
      return matchesMaybeEmpty(argument, textSoFar(question, 'tag', ''))
    case 'command':
      return matchesMaybeEmpty(argument, call.command ?? '')
    case 'sessiontype':
      return matches(argument, sessionType(question, call.command ?? ''))
    case 'exec':
      return machine.run(expandTokens(argument, tokensSoFar(machine, call.host, host, soFar)))
    default:
      throw new BadValue(`has the criterion “${criterion}”, which there is not`)
  }
}
