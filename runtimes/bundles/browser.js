// What a page with a terminal needs of nacre: a client over a WebSocket, with a key.
import { connect, fromWebSocket, pinnedHostKeys, webCrypto } from 'nacre'
import { createSigner, readPrivateKey } from 'nacre/keys'

export const open = async (url, fingerprint, key) => {
  const signer = createSigner(webCrypto(), readPrivateKey(webCrypto(), key), 'page')
  const client = await connect('ada@example.org', {
    transport: fromWebSocket(new WebSocket(url)),
    hostKey: pinnedHostKeys(fingerprint),
    auth: { signers: [signer] },
  })
  return await client.shell({ pty: { term: 'xterm-256color', columns: 80, rows: 24 } })
}
