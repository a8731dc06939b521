// Owns what `ssh -v` tells step by step, from the configuration to the login: a line a step, with what comes next. Nothing secret is
// told, and what comes from the peer is escaped. Knows nothing of where the lines go.
import { type ConnectStep, escapeForPeople, type Exit } from 'nacre'
import type { ClientSettings } from 'nacre/config'
import type { EngineEvent } from 'nacre/engine'
import type { Log } from './log.ts'

type Attempt = Extract<EngineEvent, { is: 'authenticated' }>['attempts'][number]
type Agreed = Extract<EngineEvent, { is: 'exchanged' }>['agreed']

const listed = (names: readonly string[]): string => names.map(each => escapeForPeople(each, { limit: 64 })).join(', ')

const sourceOf = ({ source }: { readonly source?: string }): string => (source === undefined ? '' : ` from ${escapeForPeople(source)}`)

/** `publickey SHA256:… from agent` */
const named = (each: Pick<Attempt, 'method' | 'fingerprint' | 'source'>): string =>
  `${escapeForPeople(each.method, { limit: 64 })}${each.fingerprint === undefined ? '' : ` ${each.fingerprint}`}${sourceOf(each)}`

const noted = ({ note }: Attempt): string => (note === undefined ? '' : ` (${escapeForPeople(note, { limit: 1000 })})`)

const answered = (attempt: Attempt): string => {
  const { method, outcome, remaining } = attempt
  if (method === 'none' && outcome === 'refused')
    return `the server takes ${listed(remaining) || 'nothing'}; next, the first of our ways that it takes`
  switch (outcome) {
    case 'accepted':
      return `${named(attempt)}: accepted${noted(attempt)}`
    case 'partial':
      return `${named(attempt)}: accepted, and the server wants more: ${listed(remaining)}${noted(attempt)}; next, one of these`
    case 'refused':
      return `${named(attempt)}: refused${noted(attempt)}; the server still takes ${listed(remaining) || 'nothing'}; next, whatever else we have of these`
    case 'skipped':
      return `${named(attempt)}: not completed${noted(attempt)}; next, whatever else we have`
  }
}

const trying = (step: Extract<ConnectStep, { is: 'trying' }>): string => {
  const { method, algorithm, asks } = step
  if (method === 'none') return 'asking the server which ways to log in it takes; next, it names them'
  if (algorithm === undefined) {
    const next = method === 'keyboard-interactive' ? 'it asks what it wants to know' : 'it takes it or not'
    return `trying ${named(step)}; next, ${next}`
  }
  return asks
    ? `offering ${named(step)} (${algorithm}); next, the server says whether it would take it`
    : `trying ${named(step)} (${algorithm}), signed; next, the server takes it or not`
}

/** A step of reaching the server or of logging in, as one line or more. */
const stepLines = (step: ConnectStep): readonly string[] => {
  switch (step.is) {
    case 'resolved':
      return [`${escapeForPeople(step.host)} has the address ${step.address}`]
    case 'dialing':
      return [`connecting to ${step.address} port ${step.port}`]
    case 'dial-failed':
      return [`${step.address} port ${step.port} cannot be reached (${step.code}); next, another address, if there is one`]
    case 'connected':
      return [
        `connected to ${step.address} port ${step.port}, from ${step.localAddress} port ${step.localPort}; next, both sides say who they are`,
      ]
    case 'trying':
      return [trying(step)]
    case 'signing':
      return [`the server would take ${step.fingerprint}; signing with it; next, the server checks the signature`]
    case 'prompted':
      return [`the server asks ${step.prompts} question${step.prompts === 1 ? '' : 's'}; next, the answers are sent`]
    case 'answered':
      return [answered(step.attempt)]
    case 'given-up':
      return [
        ...step.notes.map(attempt => `not tried: ${named(attempt)}${noted(attempt)}`),
        'nothing is left to log in with; next, the connection ends',
      ]
  }
}

/** One line for each step of reaching the server and logging in; `prefix` says on which connection. */
export const narrateStep = (log: Log, step: ConnectStep, prefix = ''): void => {
  for (const line of stepLines(step)) log.debug(`${prefix}${line}`)
}

const way = ({ cipher, mac, compression }: Agreed['clientToServer']): string =>
  `${cipher}${mac === undefined ? '' : ` with ${mac}`}${compression === 'none' ? '' : `, ${compression}`}`

/** One line for each step of coming up; with what was chosen and what the peer announced. `prefix` says of which connection. */
export const narrate = (to: Log, event: EngineEvent, prefix = ''): void => {
  const tell = (text: string): void => to.debug(`${prefix}${text}`)
  switch (event.is) {
    case 'identified': {
      for (const line of event.linesBefore) tell(`before its identification the server said: ${escapeForPeople(line)}`)
      const { softwareVersion, comments } = event.peer
      const more = comments === '' ? '' : ` (${escapeForPeople(comments)})`
      tell(`the server is ${escapeForPeople(softwareVersion)}${more}; next, both sides offer algorithms`)
      return
    }
    case 'exchanged': {
      const { kex, hostKey, clientToServer, serverToClient } = event.agreed
      tell(`${event.first ? 'keys agreed' : 'new keys agreed'}: ${kex}, host key ${hostKey}${event.strict ? ', strict' : ''}`)
      tell(`to the server ${way(clientToServer)}; from the server ${way(serverToClient)}${event.first ? '; next, logging in' : ''}`)
      return
    }
    case 'authenticated':
      tell(`logged in as ${escapeForPeople(event.user)}`)
      return
    case 'debug':
      tell(`the server says: ${escapeForPeople(event.message)}`)
      return
    default:
  }
}

/** What the configuration makes of the host; at -vv, which line says each keyword that counts. */
export const narrateConfig = (log: Log, { config, call, decidedBy }: ClientSettings, prefix = ''): void => {
  const places = new Set([...decidedBy.values()].flat().map(({ source }) => source.path))
  const from = places.size === 0 ? 'nothing but the defaults' : [...places].map(each => escapeForPeople(each)).join(', ')
  log.debug(
    `${prefix}${escapeForPeople(call.host)} is ${escapeForPeople(config.hostName)} port ${config.port}, user ${escapeForPeople(config.user)}; configured by ${from}`,
  )
  if (!log.wants('DEBUG2')) return
  for (const statements of decidedBy.values())
    for (const { keyword, raw, source, line } of statements) {
      const where = source.isOption === true ? source.path : `${source.path} line ${line}`
      log.say(
        'DEBUG2',
        `debug2: ${prefix}${escapeForPeople(where)}: ${escapeForPeople(keyword)} ${escapeForPeople(secretless(keyword, raw))}`,
      )
    }
}

/** What is asked of the server for a session. A command is not told: people put secrets into those. */
export const narrateSession = (
  log: Log,
  asked: { readonly kind: 'shell' | 'command' | 'subsystem'; readonly terminal: boolean; readonly env: readonly string[] },
): void => {
  const what = asked.kind === 'shell' ? 'a shell' : `a ${asked.kind}`
  const more = asked.env.length === 0 ? '' : `, and the variables ${listed(asked.env)}`
  log.debug(`asking for ${what}${asked.terminal ? ' with a terminal' : ''}${more}; next, the server grants it or not`)
}

/** How a session ended. */
export const narrateExit = (log: Log, exit: Exit): void => {
  const how =
    'code' in exit
      ? `with status ${exit.code}`
      : 'signal' in exit
        ? `by signal ${escapeForPeople(exit.signal, { limit: 32 })}`
        : 'in a way that was not told'
  log.debug(`the session ended ${how}; next, the connection is closed`)
}

/** Values that people put secrets into are not told. */
const secretless = (keyword: string, value: string): string =>
  /^(setenv|proxycommand|localcommand|remotecommand|knownhostscommand)$/i.test(keyword) ? '…' : value
