// A client in the runtime that runs this, over TCP. Its argument is a list of servers; it prints what it did.
import { connect, pinnedHostKeys } from 'nacre'
import { nodeCrypto } from 'nacre/crypto/node'
import { createSigner, readPrivateKey } from 'nacre/keys'
import { type Done, exercise, type Given } from './exercise.ts'

const done: Done[] = []
for (const { name, host, port, user, fingerprints, keys, choices } of JSON.parse(process.argv[2]) as readonly Given[]) {
  const agreed: string[] = []
  const signers = keys.map(text => createSigner(nodeCrypto(), readPrivateKey(nodeCrypto(), text), 'given'))
  for (const [i, choice] of [...signers.map(() => ({})), ...choices].entries()) {
    await using client = await connect(
      { host, port, user },
      {
        config: false,
        hostKey: pinnedHostKeys(...fingerprints),
        auth: { signers: [signers[i % signers.length]] },
        algorithms: choice,
        rekey: { bytes: 3_000_000 },
        signal: AbortSignal.timeout(60_000),
        onProgress: event => {
          if (event.is === 'exchanged' && event.first) agreed.push(`${event.agreed.kex} ${event.agreed.clientToServer.cipher}`)
        },
      },
    )
    await exercise(client)
  }
  done.push({ name, agreed })
}
console.log(JSON.stringify(done))
