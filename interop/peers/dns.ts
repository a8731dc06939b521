// Owns a name server that knows SSHFP records and nothing else, over UDP and TCP. Knows nothing of SSH.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

export interface DnsServerOptions {
  readonly address: string
  readonly port: number
  /** Names in lower case, and `algorithm hash fingerprint` for each of their records. */
  readonly records: Readonly<Record<string, readonly string[]>>
  /** Set the AD flag, as a resolver that has checked DNSSEC does. */
  readonly authentic: boolean
  /** Over UDP, only say that the answer is too long. */
  readonly truncates?: boolean
}

export interface DnsServer extends AsyncDisposable {
  /** What was asked for, as `name type`, with ` tcp` behind what came that way. */
  readonly asked: readonly string[]
}

const sshfp = 44

const answerTo = (query: Buffer, options: DnsServerOptions, asked: string[], way: '' | ' tcp'): Buffer => {
  let at = 12
  const labels: string[] = []
  while (query[at] !== 0) {
    labels.push(query.subarray(at + 1, at + 1 + query[at]).toString('latin1'))
    at += 1 + query[at]
  }
  const type = query.readUInt16BE(at + 1)
  const name = labels.join('.').toLowerCase()
  asked.push(`${name} ${type}${way}`)
  const truncated = options.truncates === true && way === ''
  const records = type === sshfp && !truncated ? (options.records[name] ?? []) : []
  const header = Buffer.from(query.subarray(0, 12))
  const known = Object.hasOwn(options.records, name)
  header.writeUInt16BE(0x8180 | (options.authentic ? 0x20 : 0) | (truncated ? 0x200 : 0) | (known ? 0 : 3), 2)
  header.writeUInt16BE(records.length, 6)
  header.writeUInt32BE(0, 8)
  const answers = records.map(record => {
    const [algorithm, hash, fingerprint] = record.split(' ')
    const data = Buffer.from(fingerprint, 'hex')
    const answer = Buffer.alloc(14 + data.length)
    answer.writeUInt16BE(0xc00c)
    answer.writeUInt16BE(sshfp, 2)
    answer.writeUInt16BE(1, 4)
    answer.writeUInt16BE(2 + data.length, 10)
    answer.set([Number(algorithm), Number(hash)], 12)
    answer.set(data, 14)
    return answer
  })
  return Buffer.concat([header, query.subarray(12, at + 5), ...answers])
}

/** Starts one. */
export const dnsServer = async (options: DnsServerOptions): Promise<DnsServer> => {
  const asked: string[] = []
  const udp = createSocket('udp4', (message, from) => udp.send(answerTo(message, options, asked, ''), from.port, from.address))
  const tcp = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', (chunk: Buffer) => {
      const answer = answerTo(chunk.subarray(2), options, asked, ' tcp')
      const framed = Buffer.alloc(2 + answer.length)
      framed.writeUInt16BE(answer.length)
      framed.set(answer, 2)
      // In two pieces, as networks have it.
      socket.write(framed.subarray(0, 5))
      setTimeout(() => socket.end(framed.subarray(5)), 5)
    })
  })
  udp.bind(options.port, options.address)
  await once(udp, 'listening')
  tcp.listen(options.port, options.address)
  await once(tcp, 'listening')
  return {
    asked,
    async [Symbol.asyncDispose]() {
      udp.close()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}
