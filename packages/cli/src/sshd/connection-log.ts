// Owns what the log says of connections and logins, in OpenSSH's words, which tools that ban addresses read. Knows nothing of
// where the log goes. Every text from a client is escaped here.
import { type DisconnectReason, disconnectReasons, DisconnectedError, escapeForPeople, ProtocolError, SshError, TimeoutError } from 'nacre'
import { keyTypes } from 'nacre/algorithms'
import { type FingerprintHash, isCertificateType, parseCertificate, parsePublicKey, plainTypeOf } from 'nacre/keys'
import type { Applicant, Authenticator, EngineEvent, ServerConnection } from 'nacre/server'
import { plainAddress } from './addresses.ts'
import type { Log, LogFacts } from './log.ts'

/** `ED25519 SHA256:…`, as OpenSSH's log has it. */
export const keyForLog = (type: string, fingerprint: string): string => {
  const short = keyTypes.find(row => row.name === plainTypeOf(type))?.shortName ?? escapeForPeople(type, { limit: 64 })
  return `${short}${isCertificateType(type) ? '-CERT' : ''} ${fingerprint}`
}

/** The same of a key blob; of a certificate also its name, number and authority. */
export const blobForLog = (blob: Uint8Array, fallback: string, hash: FingerprintHash = 'sha256'): string => {
  try {
    const key = parsePublicKey(blob)
    const { type } = key
    const fingerprint = key.fingerprint(hash)
    if (!isCertificateType(type)) return keyForLog(type, fingerprint)
    const { keyId, serial, signatureKey } = parseCertificate(blob)
    const authority = keyForLog(signatureKey.type, signatureKey.fingerprint(hash))
    return `${keyForLog(type, fingerprint)} ID ${escapeForPeople(keyId, { limit: 200 })} (serial ${serial}) CA ${authority}`
  } catch (error) {
    if (error instanceof SshError) return fallback
    throw error
  }
}

/** `10.0.0.7 port 50022`; `UNKNOWN port 65535` when there is no address, as OpenSSH writes it. */
export const whereFrom = (remote: { readonly address: string; readonly port: number } | undefined): string =>
  remote === undefined ? 'UNKNOWN port 65535' : `${plainAddress(remote.address)} port ${remote.port}`

const numbers = new WeakMap<object, string>()
let connections = 0

/** What lines about a connection have in common: an id of its own while this process runs, address and port. */
export const connectionFacts = (remote: { readonly address: string; readonly port: number } | undefined): LogFacts => {
  // Without an address there is but the one connection of -i.
  if (remote === undefined) return { connection: `${process.pid}-0` }
  const connection = numbers.get(remote) ?? `${process.pid}-${++connections}`
  numbers.set(remote, connection)
  return { connection, address: plainAddress(remote.address), port: remote.port }
}

/** The keyword that decided, and the file and line it stands in: `from` is as `decidedBy` of a configuration has it. */
export const ruleFacts = (keyword: string, from: string): LogFacts => {
  const place = /^(.+) line (\d+)$/.exec(from)
  return place === null || from.includes(' and ') ? { keyword, from } : { keyword, file: place[1], line: Number(place[2]) }
}

type AttemptOf = Parameters<ReturnType<Authenticator<unknown>['begin']>['attempt']>[0]

const keyShown = (attempt: AttemptOf, hash: FingerprintHash | undefined): string => {
  if (attempt.method === 'publickey') return `: ${blobForLog(attempt.publicKey, attempt.fingerprint, hash)}`
  if (attempt.method === 'gssapi-with-mic-proof' || attempt.method === 'gssapi-keyex')
    return `: ${escapeForPeople(attempt.initiator, { limit: 200 })}`
  if (attempt.method !== 'hostbased') return ''
  const [user, host] = [attempt.clientUser, attempt.clientHost].map(each => escapeForPeople(each, { limit: 100 }))
  return `: ${blobForLog(attempt.publicKey, attempt.fingerprint, hash)}, client user "${user}", client host "${host}"`
}

/** What a proof's answer is called in the log; prompts and queries are no news. */
const outcomes: Readonly<Record<string, string>> = { accept: 'Accepted', partial: 'Partial', refuse: 'Failed' }

export interface LoginLog {
  readonly log: Log
  /** So many refused keys of one login are told of only in detail: clients offer all they have. */
  readonly quietFailures: number
  /** FingerprintHash. Default sha256. */
  readonly fingerprintHash?: FingerprintHash | undefined
  /** Whether the name may log in at all. */
  known(applicant: Applicant): Promise<boolean>
}

/** Tells the log of every proof that passes through `inner`. */
export const logLogins = <Identity>(
  inner: Authenticator<Identity>,
  { log, quietFailures, known, fingerprintHash }: LoginLog,
): Authenticator<Identity> => ({
  methods: inner.methods,
  begin(applicant) {
    const run = inner.begin(applicant)
    let failures = 0
    return {
      remaining: () => run.remaining(),
      async attempt(attempt) {
        // Begun before the attempt, so that a name's look-up is told of first.
        const knownName = known(applicant)
        const answer = await run.attempt(attempt)
        const outcome = outcomes[answer.is]
        const quiet = (attempt.method === 'publickey' && !attempt.proven) || (attempt.method === 'none' && answer.is === 'refuse')
        // What is wrong with a name is told of before anything is shown, as sshd does.
        if (attempt.method === 'none') await knownName
        if (outcome === undefined || quiet) return answer
        if (answer.is === 'refuse') failures++
        const invalid = (await knownName) ? '' : 'invalid user '
        const method = attempt.method.replace(/-(response|proof)$/, '')
        const user = `${invalid}${escapeForPeople(applicant.user, { limit: 100 })}`
        const facts: LogFacts = {
          event: outcome.toLowerCase(),
          method,
          user: applicant.user,
          validUser: invalid === '',
          ...connectionFacts(applicant.remote),
          ...('fingerprint' in attempt ? { key: attempt.fingerprint } : {}),
        }
        const line = `${outcome} ${method} for ${user} from ${whereFrom(applicant.remote)} ssh2${keyShown(attempt, fingerprintHash)}`
        if (answer.is === 'refuse' && (method === 'publickey' || method === 'hostbased') && invalid === '' && failures < quietFailures)
          log.verbose(line, facts)
        else log.info(line, facts)
        return answer
      },
    }
  },
})

type ConnectionFacts = Pick<ServerConnection, 'remote' | 'userName' | 'authenticated'> &
  Partial<Pick<ServerConnection, 'applicant' | 'blame'>>

const logExchange = (log: Log, { agreed, strict }: Extract<EngineEvent, { is: 'exchanged' }>): void => {
  log.debug(`kex: ${agreed.kex}, host key ${agreed.hostKey}${strict ? ', strict' : ''}`)
  for (const [name, way] of [['client->server', agreed.clientToServer] as const, ['server->client', agreed.serverToClient] as const])
    log.debug(`kex: ${name} ${way.cipher} MAC: ${way.mac ?? '<implicit>'} compression: ${way.compression}`)
}

const whoTried = ({ applicant = '', blame }: ConnectionFacts): string =>
  `${blame === 'invalid-user' ? 'invalid user ' : ''}${escapeForPeople(applicant, { limit: 100 })}`

const reasonNumber = (reason: DisconnectReason | undefined): number => (reason === undefined ? 0 : disconnectReasons[reason])

/** Who is at the other end: logged in, trying to, or nobody yet. `invalid` is whoever could not have logged in. */
const whoIs = ({ userName, applicant, blame }: ConnectionFacts): string => {
  const name = userName ?? applicant
  if (name === undefined) return ''
  const shown = escapeForPeople(name, { limit: 100 })
  if (userName !== undefined) return `user ${shown} `
  return `${blame === 'invalid-user' ? 'invalid' : 'authenticating'} user ${shown} `
}

const logEnd = (log: Log, ended: Extract<EngineEvent, { is: 'ended' }>, connection: ConnectionFacts): void => {
  const from = whereFrom(connection.remote)
  const who = `${whoIs(connection)}${from}`
  const before = connection.authenticated ? '' : ' [preauth]'
  const { by, error } = ended
  const late = error instanceof TimeoutError ? error.phase : undefined
  // OpenSSH's words for the two; what else ended is told below.
  if (late === 'keepalive') log.info(`Timeout, client not responding from ${who}${before}`)
  else if (late === 'login' || late === 'handshake') log.info(`Timeout before authentication for ${from}${before}`)
  if (by === 'peer') {
    const said = error instanceof DisconnectedError ? escapeForPeople(error.description, { limit: 200 }) : ''
    log.info(`Received disconnect from ${from}:${reasonNumber(ended.reason)}: ${said}${before}`)
    log.info(`Disconnected from ${who}${before}`)
  } else if (by === 'network') log.info(`Connection closed by ${who}${before}`)
  else {
    if (error instanceof ProtocolError && error.violation === 'too-many-auth-attempts')
      log.error(`maximum authentication attempts exceeded for ${whoTried(connection)} from ${from} ssh2${before}`)
    log.info(`Disconnecting ${who}: ${escapeForPeople(error.message, { limit: 400 })}${before}`)
  }
}

const logUntaken = (
  log: Log,
  { method, algorithm, publicKey }: Extract<EngineEvent, { is: 'untaken-key' }>,
  connection: ConnectionFacts,
): void => {
  const keyword = method === 'hostbased' ? 'HostbasedAcceptedAlgorithms' : 'PubkeyAcceptedAlgorithms'
  const shown = blobForLog(publicKey, 'a key that cannot be read')
  const which = escapeForPeople(algorithm, { limit: 64 })
  log.info(`refusing ${shown} of ${whoTried(connection)} from ${whereFrom(connection.remote)}: ${keyword} leaves out ${which}`, { keyword })
}

/** What is worth telling of what happens on a connection. */
export const logEvent = (plain: Log, event: EngineEvent, connection: ConnectionFacts): void => {
  const user = connection.userName ?? connection.applicant
  const log = plain.with({ ...connectionFacts(connection.remote), ...(user === undefined ? {} : { user }) })
  if (event.is === 'identified') log.debug(`client ${whereFrom(connection.remote)}: ${escapeForPeople(event.peer.softwareVersion)}`)
  else if (event.is === 'exchanged') logExchange(log, event)
  else if (event.is === 'debug') log.debug(`client says: ${escapeForPeople(event.message)}`)
  else if (event.is === 'untaken-key') logUntaken(log, event, connection)
  else if (event.is === 'ended') logEnd(log, event, connection)
}
