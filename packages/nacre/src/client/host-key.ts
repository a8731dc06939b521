// Owns learning a server's host key without logging in: the engine up to the proof of the key, then goodbye. Knows no
// sockets, and says nothing of trust: whoever is in between shows a key too.
import { assemble, type CommonOptions, type Runtime } from '../engine/assemble.ts'
import { Engine } from '../engine/engine.ts'
import type { Clock } from '../io/clock.ts'
import { Link } from '../io/link.ts'
import type { ByteTransport } from '../io/transport.ts'
import { parsePublicKey, type PublicKey } from '../keys/public.ts'

/** What a server showed of itself. */
export interface ShownHostKey {
  /** The key or certificate; the server has proved that it has the private half. */
  readonly key: PublicKey
  /** The signature algorithm of that proof, e.g. `rsa-sha2-512`. */
  readonly algorithm: string
  /** Every host key algorithm the server offers, in its order; text from the peer. */
  readonly offered: readonly string[]
}

export interface HostKeyOptions extends CommonOptions {
  /** Gives up, at whatever stage; the promise rejects with its reason. */
  readonly signal?: AbortSignal
  /** Called with the server's identification line (RFC 4253 §4.2), decoded as Latin-1; text from the peer. */
  readonly onIdentified?: (line: string) => void
  readonly clock?: Clock
}

/** RFC 8332 has no smaller keys in use; whoever only wants to know a key may see weak ones too. */
const weakestRsaBits = 1024

/**
 * Speaks SSH over a transport until the server has shown and proved a host key, and leaves. `algorithms.hostKey` says which
 * kinds to ask for, best first. Resolves when the connection is gone. Rejects with `NegotiationError` when the server has none of
 * them, and else as `connectOver` does before anybody logs in. RSA keys are taken from 1024 bits on.
 */
export const hostKeyOver = async (over: ByteTransport, options: HostKeyOptions, runtime: Runtime): Promise<ShownHostKey> => {
  options.signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<ShownHostKey>()
  let offered: readonly string[] = []
  let abortReason: { readonly reason: unknown } | undefined
  const config = assemble(
    {
      minimumRsaBits: weakestRsaBits,
      ...options,
      trace: record => {
        const names = record.fields['serverHostKeyAlgorithms']
        if (record.direction === 'received' && record.name === 'SSH_MSG_KEXINIT' && Array.isArray(names)) offered = names.map(String)
        options.trace?.(record)
      },
    },
    { role: 'client', user: '', preferHostKeys: [] },
    runtime,
  )
  const link: Link = new Link(
    new Engine(config),
    over,
    {
      question(question) {
        if (question.about === 'host-key') {
          resolve({ key: parsePublicKey(question.ask.hostKey), algorithm: question.ask.algorithm, offered })
          link.disconnect('by-application', '')
        } else question.fail(new TypeError(`a client that only wants to know a host key is not asked about ${question.about}`))
      },
      openRequested: question => question.refuse('administratively-prohibited', 'not offered by this client'),
      globalRequested: question => question.fail(),
      noted(event) {
        if (event.is === 'identified') options.onIdentified?.(String.fromCharCode(...event.peer.line))
      },
      ended: ended => reject(abortReason === undefined ? ended.error : abortReason.reason),
    },
    options.clock,
  )
  const abort = (): void => {
    abortReason = { reason: options.signal?.reason }
    link.disconnect('by-application', '')
  }
  options.signal?.addEventListener('abort', abort, { once: true })
  link.start()
  try {
    const shown = await promise
    await link.closed
    return shown
  } finally {
    options.signal?.removeEventListener('abort', abort)
  }
}
