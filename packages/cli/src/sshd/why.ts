// Owns the answer to who may log in, and why, before anybody connects: the configuration and the checks of a real login, asked
// about one that is made up. Knows nothing of command lines.
import { escapeForPeople } from 'nacre'
import { signatureAlgorithms } from 'nacre/algorithms'
import type { ParsedServerConfig } from 'nacre/config'
import { isCertificateType, plainTypeOf, type PublicKey, withCertificates } from 'nacre/keys'
import type { Applicant } from 'nacre/server'
import type { Log } from './log.ts'
import { permissionsOf } from './login.ts'
import { perLoginAuthenticator, type PerLoginSetup } from './per-login.ts'

export interface WhySetup extends Pick<PerLoginSetup, 'directory' | 'only' | 'accountsFor'> {
  readonly parsed: ParsedServerConfig
  /** Gets what the server's log would. */
  readonly log: Log
}

export interface WhyQuestion {
  readonly user: string
  /** The key or certificate they would prove to hold; without one only who may try is answered. */
  readonly key?: PublicKey
  /** Where they would come from, and the server's own end. */
  readonly from?: string
  readonly to?: string
  readonly port?: number
}

export interface WhyAnswer {
  /** Logged in, or may go on to other methods. */
  readonly verdict: 'in' | 'more' | 'may-try' | 'refused'
  /** What remains to be proven by, or could be tried. */
  readonly methods: readonly string[]
  /** What runs instead of what they ask for. */
  readonly command: string | undefined
}

/** The algorithm a client would sign by. */
const algorithmOf = ({ type }: PublicKey): string => {
  const plain = plainTypeOf(type)
  const found = signatureAlgorithms.find(row => row.keyType === plain && row.standing === 'default')?.name ?? plain
  if (!isCertificateType(type)) return found
  const certified = withCertificates(signatureAlgorithms).find(({ name }) => isCertificateType(name) && plainTypeOf(name) === found)
  return certified?.name ?? type
}

/** Asks as a client would that begins with nothing and then proves to hold the key. */
export const whyLogin = async (question: WhyQuestion, setup: WhySetup): Promise<WhyAnswer> => {
  const { parsed, log } = setup
  let refused = false
  const applicant: Applicant = {
    user: question.user,
    service: 'ssh-connection',
    remote:
      question.from === undefined
        ? undefined
        : { address: question.from, port: 0, localAddress: question.to ?? 'UNKNOWN', localPort: question.port ?? parsed.config.port[0] },
    signal: new AbortController().signal,
    now: () => performance.now(),
    banner: () => {},
    report: error => log.error(escapeForPeople(error instanceof Error ? error.message : String(error))),
    connection: { limit: () => {}, refuse: () => (refused = true), unknownUser: () => (refused = true) },
  }
  const run = perLoginAuthenticator({ ...setup, limitsOf: () => ({}) }).begin(applicant)
  const none = await run.attempt({ method: 'none' })
  if (none.is === 'accept') return { verdict: 'in', methods: [], command: undefined }
  if (refused) return { verdict: 'refused', methods: [], command: undefined }
  if (question.key === undefined) return { verdict: 'may-try', methods: run.remaining(), command: undefined }
  const answer = await run.attempt({
    method: 'publickey',
    algorithm: algorithmOf(question.key),
    publicKey: question.key.blob,
    fingerprint: question.key.fingerprint(),
    proven: true,
  })
  if (answer.is === 'partial') return { verdict: 'more', methods: run.remaining(), command: undefined }
  if (answer.is !== 'accept') return { verdict: 'refused', methods: run.remaining(), command: undefined }
  const forced = answer.identity.holds?.config.forceCommand ?? 'none'
  return { verdict: 'in', methods: [], command: forced === 'none' ? permissionsOf(answer.identity).command : forced }
}
