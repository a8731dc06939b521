// Owns reading the private RSA keys of ssh.com's tools (`ssh-keygen -i`), which are not encrypted or cannot be read. Knows nothing
// of other formats.
import { nodeCrypto } from 'nacre/crypto/node'
import { PrivateKey, writePrivateKey } from 'nacre/keys'
import { FatalError } from '../fatal.ts'

const magic = 0x3f6ff9eb

const failed = (why: string): FatalError => new FatalError(`${why}\r\ndo_convert_from_ssh2: private key conversion failed`)
const cut = (): FatalError => new FatalError('do_convert_private_ssh2: parse: incomplete message')

/** Reads its fields: numbers have their length in bits. */
class Fields {
  readonly #bytes: Buffer
  #at = 0
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }
  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw cut()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
  uint32(): number {
    return this.take(4).readUInt32BE()
  }
  text(): string {
    return this.take(this.uint32()).toString('latin1')
  }
  number(): Uint8Array {
    const bytes = this.take(Math.ceil(this.uint32() / 8))
    const first = bytes.findIndex(byte => byte !== 0)
    return new Uint8Array(bytes.subarray(Math.max(first, 0)))
  }
  /** A byte from 30 on is the exponent itself; below, it is the first of three. */
  exponent(): Uint8Array {
    const [first] = this.take(1)
    return first >= 30
      ? Uint8Array.of(first)
      : Uint8Array.from(Buffer.concat([Buffer.from([first]), this.take(2)]).filter((byte, at) => at > 0 || byte !== 0))
  }
}

/** Header lines, and what they go on with, are left out. */
const bodyOf = (text: string): Buffer => {
  let goesOn = false
  const body: string[] = []
  for (const line of text.split(/\r\n|\r|\n/)) {
    const header = line.startsWith('----') || line.includes(': ')
    if (line.startsWith('----') && line.includes(' END ')) break
    if (!header && !goesOn) body.push(line)
    goesOn = (header || goesOn) && line.endsWith('\\')
  }
  return Buffer.from(body.join(''), 'base64')
}

/** The key as PEM. Throws `FatalError` in ssh-keygen's words. */
export const readSsh2PrivateKey = async (text: string): Promise<string> => {
  const fields = new Fields(bodyOf(text))
  const found = fields.uint32()
  if (found !== magic) throw failed(`bad magic 0x${found.toString(16)} != 0x${magic.toString(16)}`)
  fields.uint32()
  const type = fields.text()
  const cipher = fields.text()
  for (let i = 0; i < 3; i++) fields.uint32()
  if (cipher !== 'none') throw failed(`unsupported cipher ${cipher}`)
  if (!type.includes('rsa')) throw failed(`unsupported key type ${type}`)
  const e = fields.exponent()
  const [d, n, iqmp, q, p] = [fields.number(), fields.number(), fields.number(), fields.number(), fields.number()]
  return await writePrivateKey(nodeCrypto(), new PrivateKey({ kind: 'rsa', e, n, d, iqmp, p, q }), { format: 'pem' })
}
