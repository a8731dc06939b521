// Owns our client as the peers meet it: with nothing read from files but the keys a test gives it. Knows nothing of the peers.
import { createHash } from 'node:crypto'
import { type ClientConnection, connect, type ExplicitOptions, loadSigner, pinnedHostKeys } from 'nacre'
import type { Login, Target } from '../peers/peer.ts'

/** `SHA256:…` of a line `type base64`. */
export const fingerprintOf = (line: string): string =>
  `SHA256:${createHash('sha256')
    .update(Buffer.from(line.split(' ')[1] ?? '', 'base64'))
    .digest('base64')
    .replace(/=+$/, '')}`

/** What our client logs in with. */
export const authFor = async (login: Login): Promise<ExplicitOptions['auth']> => {
  const left = [...(login.answers ?? [])]
  return {
    signers:
      login.key === undefined
        ? []
        : [await loadSigner(login.key.path, login.key.passphrase === undefined ? {} : { passphrase: login.key.passphrase })],
    ...(login.password === undefined ? {} : { password: login.password }),
    ...(login.answers === undefined ? {} : { answer: question => question.prompts.map(() => left.shift() ?? '') }),
    // A password is given as one where the server takes it so: what a test names is what it means.
    preferred: ['publickey', ...(login.answers === undefined ? [] : ['keyboard-interactive']), 'password'],
  }
}

/** Connects and logs in; gives up after 20 s. */
export const nacreConnect = async (to: Target, login: Login, options: Partial<ExplicitOptions> = {}): Promise<ClientConnection> =>
  await connect(
    { host: to.host, port: to.port, user: to.user },
    {
      config: false,
      hostKey: pinnedHostKeys(...to.hostKeys.map(fingerprintOf)),
      auth: await authFor(login),
      signal: AbortSignal.timeout(20_000),
      ...options,
    },
  )
