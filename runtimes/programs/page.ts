// A client in a browser, over a WebSocket to a bridge. It fetches what it is given, and posts what it did.
import { connect, fromWebSocket, pinnedHostKeys, webCrypto } from 'nacre/web'
import { createSigner, readPrivateKey } from 'nacre/keys'
import { type Done, exercise, type Given } from './exercise.ts'

const run = async (): Promise<readonly Done[]> => {
  const given = (await (await fetch('/given.json')).json()) as readonly Given[]
  const done: Done[] = []
  for (const { name, host, user, fingerprints, keys, choices } of given) {
    const agreed: string[] = []
    const signers = keys.map(text => createSigner(webCrypto(), readPrivateKey(webCrypto(), text), 'given'))
    for (const [i, choice] of [...signers.map(() => ({})), ...choices].entries()) {
      await using client = await connect(`${user}@${host}`, {
        transport: fromWebSocket(new WebSocket(`ws://${(globalThis as unknown as { location: URL }).location.host}/${name}`)),
        hostKey: pinnedHostKeys(...fingerprints),
        auth: { signers: [signers[i % signers.length]] },
        algorithms: choice,
        rekey: { bytes: 3_000_000 },
        signal: AbortSignal.timeout(60_000),
        onProgress: event => {
          if (event.is === 'exchanged' && event.first) agreed.push(`${event.agreed.kex} ${event.agreed.clientToServer.cipher}`)
        },
      })
      await exercise(client)
    }
    done.push({ name, agreed })
  }
  return done
}

const ended = await run().catch((error: unknown) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }))
await fetch('/end', { method: 'POST', body: JSON.stringify(ended) })
