// Owns asking OpenSSH's helper `ssh-keysign` for a signature with a key of this host, which only root can read. It looks at the
// socket itself to see which name the host has, so it is given that. Knows nothing of which keys there are.
import { spawn } from 'node:child_process'
import { algorithmsOfKeyType } from '../algorithms/signature/table.ts'
import { AgentError, escapeForPeople, WireError } from '../errors.ts'
import type { PublicKey } from '../keys/public.ts'
import type { Signer } from '../keys/signer.ts'
import { byte, bytes, decode, encode, struct, uint32 } from '../wire/codec.ts'

/** Where systems keep the helper. */
export const usualKeysign: readonly string[] = [
  '/usr/lib/openssh/ssh-keysign',
  '/usr/libexec/openssh/ssh-keysign',
  '/usr/libexec/ssh-keysign',
  '/usr/lib/ssh/ssh-keysign',
  '/usr/local/libexec/ssh-keysign',
]

/** The version of the helper's protocol. */
const version = 2
/** The number the socket has in the helper. */
const socketThere = 3
const longestWait = 30_000
const mostOutput = 65_536

const question = struct({ length: uint32, version: byte, socket: uint32, data: bytes })
const reply = struct({ length: uint32, version: byte, signature: bytes })

const refused = (why: string): AgentError => new AgentError('AGENT_REFUSED', `The helper ssh-keysign made no signature: ${why}`)

/** Runs the helper once. Rejects with `AgentError` (AGENT_REFUSED) and what the helper said. */
const ask = (helper: string, descriptor: number | undefined, data: Uint8Array): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    // Where there is no socket it takes the name of the machine.
    const child = spawn(helper, [], { stdio: ['pipe', 'pipe', 'pipe', descriptor ?? 'ignore'], timeout: longestWait })
    const { stdin, stdout, stderr } = child
    if (stdin === null || stdout === null || stderr === null) {
      reject(refused('it has no pipes'))
      return
    }
    const output: Buffer[] = []
    let said = ''
    stdout.on('data', (chunk: Buffer) => output.push(chunk))
    stderr.on('data', (chunk: Buffer) => {
      if (said.length < mostOutput) said += chunk.toString('utf8')
    })
    stdin.on('error', () => {})
    child.once('error', error => reject(refused(error.message)))
    child.once('close', (code, signal) => {
      const words = escapeForPeople(said.trim().replaceAll(/\s*\r?\n/g, '; '), { limit: 400 })
      if (code !== 0) {
        reject(refused(words === '' ? `it ended with ${signal ?? `status ${code}`}` : words))
        return
      }
      try {
        const answer = decode(reply, Buffer.concat(output))
        if (answer.version === version) resolve(answer.signature)
        else reject(refused(`it speaks version ${answer.version} of its protocol`))
      } catch (error) {
        reject(error instanceof WireError ? refused('its answer could not be read') : error)
      }
    })
    // The length counts what comes behind it: the version, the number, and the data with their own length.
    stdin.end(encode(question, { length: 1 + 4 + 4 + data.length, version, socket: socketThere, data }))
  })

/** A signer for a key of this host by the helper. `descriptor` is the number of the connection's socket in this process. */
export const keysignSigner = (publicKey: PublicKey, helper: string, descriptor: number | undefined): Signer => ({
  publicKey,
  algorithms: algorithmsOfKeyType(publicKey.type),
  source: 'ssh-keysign',
  slow: false,
  sign: data => ask(helper, descriptor, data),
})
