// Owns going on with a server that may be the wrong one (StrictHostKeyChecking=no): what identities may still do there, and what
// a connection may not open. Knows nothing of why the key was not refused.
import { SshError } from '../errors.ts'
import type { Credential, CredentialQuestion } from '../auth/questions.ts'
import { whenThere } from '../io/soon.ts'
import type { Identities } from './policy.ts'

/** Methods that hand something to the server which it, or whoever is in between, could use elsewhere. */
const tellSecrets: ReadonlySet<string> = new Set(['password', 'keyboard-interactive'])

const note = 'the host key is not the known one, and nothing is told to such a server that could be used elsewhere'

/** The credential, unless it tells a secret. Whoever gives up reads which methods were left out. */
const harmless = (credential: Credential, { remaining = [] }: CredentialQuestion): Credential => {
  if (credential.method !== 'give-up' && !tellSecrets.has(credential.method)) return credential
  const notes = credential.method === 'give-up' ? credential.notes : []
  const left = new Set([
    ...remaining.filter(each => tellSecrets.has(each)),
    ...(credential.method === 'give-up' ? [] : [credential.method]),
  ])
  return { method: 'give-up', notes: [...notes, ...Array.from(left, method => ({ method, outcome: 'skipped' as const, remaining, note }))] }
}

/** The same identities, as far as they sign: a signature is for this session alone. */
export const withoutSecrets = (identities: Identities): Identities => ({
  ...(identities.preferHostKeys === undefined ? {} : { preferHostKeys: identities.preferHostKeys }),
  connected: proof => identities.connected?.(proof),
  next(question) {
    const remaining = question.remaining?.filter(method => !tellSecrets.has(method))
    return whenThere(identities.next({ ...question, remaining }), credential => harmless(credential, question))
  },
})

/** True for the global requests that would let others in through us. */
export const forwards = (globalRequest: string): boolean => /^(tcpip|streamlocal)-forward/.test(globalRequest)

/** Throws for whatever would let the other end reach through us, or us through it. */
export const refuseForwarding = (what: string): never => {
  throw new SshError(
    'FORWARDING_REFUSED',
    `"${what}" is not asked of this server: its host key is not the known one, and forwarding would be open to whoever is in between. Correct known_hosts first.`,
  )
}
