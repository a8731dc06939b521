// A client of SFTP whose packets are put together by hand, so that it shares nothing with the one it is to judge
// servers with (draft-ietf-secsh-filexfer-02, and PROTOCOL of OpenSSH for extensions). Strings are bytes, one a character.

/** Where packets go, and where they come from. */
export interface RawPipe {
  write(bytes: Uint8Array): void
  /** Sets who takes what comes, once. `undefined` at the end. */
  receive(take: (bytes: Uint8Array | undefined) => void): void
  end(): Promise<void>
}

/** A field: a byte, a uint32, a uint64, a string of bytes, or bytes as they are. */
export const byte = (value: number): Buffer => Buffer.from([value])
export const number = (value: number): Buffer => {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value >>> 0)
  return buffer
}
export const large = (value: number): Buffer => {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64BE(BigInt(value))
  return buffer
}
export const string = (value: string | Uint8Array): Buffer => {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : Buffer.from(value)
  return Buffer.concat([number(bytes.length), bytes])
}

/** Reads an answer field by field. */
export class Fields {
  readonly #bytes: Buffer
  #at = 0
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }
  get left(): number {
    return this.#bytes.length - this.#at
  }
  #take(length: number): Buffer {
    if (length > this.left) throw new Error('an answer ends in the middle of a field')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
  byte(): number {
    return this.#take(1)[0]
  }
  number(): number {
    return this.#take(4).readUInt32BE()
  }
  large(): number {
    return Number(this.#take(8).readBigUInt64BE())
  }
  string(): string {
    return this.#take(this.number()).toString('latin1')
  }
}

export interface Answer {
  /** 101 STATUS, 102 HANDLE, 103 DATA, 104 NAME, 105 ATTRS, 201 EXTENDED_REPLY. */
  readonly type: number
  readonly fields: Fields
}

export interface Greeting {
  /** What the server agreed to. */
  readonly version: number
  /** Extensions it named, with their data. */
  readonly extensions: ReadonlyMap<string, string>
}

export class RawClient {
  readonly #pipe: RawPipe
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>()
  #version: ((fields: Fields) => void) | undefined
  #left = Buffer.alloc(0)
  #id = 0
  #over = false

  constructor(pipe: RawPipe) {
    this.#pipe = pipe
    pipe.receive(bytes => {
      if (bytes === undefined) this.#lost()
      else this.#take(bytes)
    })
  }

  #lost(): void {
    this.#over = true
    for (const { reject } of this.#waiting.values()) reject(new Error('the server is gone'))
    this.#waiting.clear()
  }

  #take(bytes: Uint8Array): void {
    this.#left = Buffer.concat([this.#left, bytes])
    while (this.#left.length >= 4) {
      const length = this.#left.readUInt32BE()
      if (this.#left.length < 4 + length) break
      const fields = new Fields(Buffer.from(this.#left.subarray(4, 4 + length)))
      this.#left = this.#left.subarray(4 + length)
      const type = fields.byte()
      if (type === 2) this.#version?.(fields)
      else {
        const id = fields.number()
        const waiting = this.#waiting.get(id)
        if (waiting === undefined) throw new Error(`an answer to ${id}, which nobody asked`)
        this.#waiting.delete(id)
        waiting.resolve({ type, fields })
      }
    }
  }

  #send(...fields: Buffer[]): void {
    const body = Buffer.concat(fields)
    this.#pipe.write(Buffer.concat([number(body.length), body]))
  }

  /** INIT; the extensions the server names, with their data. */
  async start(): Promise<ReadonlyMap<string, string>> {
    const { version, extensions } = await this.greet(3)
    if (version !== 3) throw new Error('not version 3')
    return extensions
  }

  /** INIT of any version, and what the server says to it. */
  async greet(version: number): Promise<Greeting> {
    const fields = await new Promise<Fields>(resolve => {
      this.#version = resolve
      this.#send(byte(1), number(version))
    })
    const agreed = fields.number()
    const extensions = new Map<string, string>()
    while (fields.left > 0) extensions.set(fields.string(), fields.string())
    return { version: agreed, extensions }
  }

  request(type: number, ...fields: Buffer[]): Promise<Answer> {
    if (this.#over) return Promise.reject(new Error('the server is gone'))
    const id = this.#id++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#send(byte(type), number(id), ...fields)
    })
  }

  extended(name: string, ...fields: Buffer[]): Promise<Answer> {
    return this.request(200, string(name), ...fields)
  }

  end(): Promise<void> {
    return this.#pipe.end()
  }
}
