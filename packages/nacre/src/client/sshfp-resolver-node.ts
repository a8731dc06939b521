// Owns asking the resolvers of the system for SSHFP records, by UDP and then by TCP, and when their word on DNSSEC is believed
// (resolv.conf(5)). Node's own resolver knows neither. Knows nothing of keys.
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { parseAddress } from '../addresses.ts'
import { SshError } from '../errors.ts'
import { readSshfpReply, sshfpQuestion, type SshfpReply } from './dns-message.ts'
import type { SshfpAnswer, SshfpResolver } from './known-hosts-options.ts'

export interface NameServer {
  readonly address: string
  /** Default 53. */
  readonly port?: number
}

export interface ResolverSettings {
  /** Asked in order. */
  readonly servers: readonly NameServer[]
  /** Believe them when they say that DNSSEC proves an answer (`options trust-ad`): they and the way to them must be safe. */
  readonly trustAuthentic: boolean
  /** Milliseconds to wait for one answer. */
  readonly timeout: number
  /** How often all are asked. */
  readonly attempts: number
}

const usual = { timeout: 5, attempts: 2 } as const
const most = { servers: 3, timeout: 30, attempts: 5 } as const

const numberOf = (options: readonly string[], name: 'timeout' | 'attempts'): number => {
  const [said] = options.flatMap(option => (option.startsWith(`${name}:`) ? [Number(option.slice(name.length + 1))] : [])).slice(-1)
  return said === undefined || !Number.isInteger(said) || said < 0 ? usual[name] : Math.min(said, most[name])
}

/** Reads resolv.conf(5). `environment` is the value of RES_OPTIONS, which adds to its options. */
export const parseResolvConf = (text: string, environment = ''): ResolverSettings => {
  const servers: NameServer[] = []
  const options: string[] = []
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'nameserver' && words.length > 0 && parseAddress(words[0]) !== undefined) servers.push({ address: words[0] })
    else if (keyword === 'options') options.push(...words)
  }
  options.push(...environment.trim().split(/\s+/))
  return {
    // Without any, the one on this machine is meant.
    servers: servers.length === 0 ? [{ address: '127.0.0.1' }] : servers.slice(0, most.servers),
    trustAuthentic: options.includes('trust-ad'),
    timeout: 1000 * numberOf(options, 'timeout'),
    attempts: numberOf(options, 'attempts'),
  }
}

interface Question {
  readonly host: string
  readonly id: number
  readonly bytes: Uint8Array
}

/** The first datagram that answers the question. Rejects when none comes in time. */
const askByUdp = async ({ host, id, bytes }: Question, { address, port = 53 }: NameServer, signal: AbortSignal): Promise<SshfpReply> => {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  try {
    // Connected: only what comes from there is read.
    socket.connect(port, address)
    await once(socket, 'connect', { signal })
    const { promise, resolve, reject } = Promise.withResolvers<SshfpReply>()
    socket.on('error', reject)
    socket.on('message', message => {
      const reply = readSshfpReply(message, host, id)
      if (reply !== undefined) resolve(reply)
    })
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    socket.send(bytes)
    return await promise
  } finally {
    socket.close()
  }
}

/** RFC 1035 §4.2.2: with its length before it. */
const askByTcp = async ({ host, id, bytes }: Question, { address, port = 53 }: NameServer, signal: AbortSignal): Promise<SshfpReply> => {
  const socket = connect({ host: address, port })
  const stop = (): void => void socket.destroy(new Error('no answer in time'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    const framed = Buffer.alloc(2 + bytes.length)
    framed.writeUInt16BE(bytes.length)
    framed.set(bytes, 2)
    socket.write(framed)
    let received = Buffer.alloc(0)
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE()) continue
      const reply = readSshfpReply(received.subarray(2, 2 + received.readUInt16BE()), host, id)
      if (reply !== undefined) return reply
      break
    }
    throw new Error('it did not answer the question')
  } finally {
    signal.removeEventListener('abort', stop)
    socket.destroy()
  }
}

const askServer = async (question: Question, server: NameServer, timeout: number): Promise<SshfpReply> => {
  const reply = await askByUdp(question, server, AbortSignal.timeout(timeout))
  return reply.truncated ? await askByTcp(question, server, AbortSignal.timeout(timeout)) : reply
}

const noName = 3

const failed = (host: string, why: string): SshError =>
  new SshError('DNS_FAILED', `The SSHFP records of ${host} cannot be looked up: ${why}.`)

const lookUp = async (host: string, settings: ResolverSettings): Promise<SshfpAnswer> => {
  let why = 'no name server is known'
  for (let i = 0; i < settings.attempts; i++) {
    for (const server of settings.servers) {
      // A number for each question, so that an answer cannot be guessed from the one before.
      const id = randomInt(0x10000)
      const bytes = sshfpQuestion(host, id)
      if (bytes === undefined) throw failed(host, 'it is no name of DNS')
      try {
        const { responseCode, authentic, records } = await askServer({ host, id, bytes }, server, settings.timeout)
        if (responseCode === 0 || responseCode === noName) return { records, secure: authentic && settings.trustAuthentic }
        why = `${server.address} answered with code ${responseCode}`
      } catch (error) {
        why = `${server.address}: ${error instanceof Error ? error.message : String(error)}`
      }
    }
  }
  throw failed(host, why)
}

const systemSettings = async (): Promise<ResolverSettings> => {
  let text = ''
  try {
    text = await readFile('/etc/resolv.conf', 'utf8')
  } catch {
    // As the system's own resolver: without the file, the server on this machine.
  }
  return parseResolvConf(text, process.env.RES_OPTIONS)
}

/**
 * A resolver of SSHFP records by the name servers of `/etc/resolv.conf`, read anew each time, or by those given. What they say
 * is `secure` only if they set the AD flag and may be believed: `options trust-ad`, as with OpenSSH. Nothing is asked for addresses.
 */
export const sshfpResolver =
  (settings?: ResolverSettings): SshfpResolver =>
  async host =>
    parseAddress(host) === undefined ? await lookUp(host, settings ?? (await systemSettings())) : { records: [], secure: false }
