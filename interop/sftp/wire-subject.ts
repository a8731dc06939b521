// Runs a model's operations on a server of SFTP, each as the packet it stands for.
import {
  type Operation,
  pattern,
  type Result,
  type SeenAttributes,
  seenFrom,
  type SetAttributes,
  type Subject,
} from '../../packages/nacre/test/sftp/model/operations.ts'
import { type Answer, type Fields, large, number, RawClient, type RawPipe, string } from './raw-client.ts'

export interface ServerAt {
  readonly pipe: RawPipe
  /** The folder all happens in, as this server calls it; it is the server's working directory. */
  readonly base: string
  clear(): Promise<void> | void
}

const isOwned = (attributes: SetAttributes): attributes is SetAttributes & { owner: readonly [number, number] } =>
  attributes.owner !== undefined

/** draft-ietf-secsh-filexfer-02 §5. */
const attributesFields = (attributes: SetAttributes): Buffer[] => {
  const { size, permissions, times } = attributes
  const fields: Buffer[] = []
  let flags = 0
  if (size !== undefined) {
    flags |= 1
    fields.push(large(size))
  }
  if (isOwned(attributes)) {
    flags |= 2
    fields.push(...attributes.owner.map(number))
  }
  if (permissions !== undefined) {
    flags |= 4
    fields.push(number(permissions))
  }
  if (times !== undefined) {
    flags |= 8
    fields.push(...times.map(number))
  }
  return [number(flags), ...fields]
}

const readAttributes = (fields: Fields): SeenAttributes => {
  const flags = fields.number()
  const size = (flags & 1) === 0 ? -1 : fields.large()
  const [uid, gid] = (flags & 2) === 0 ? [-1, -1] : [fields.number(), fields.number()]
  const mode = (flags & 4) === 0 ? -1 : fields.number()
  const [accessed, modified] = (flags & 8) === 0 ? [-1, -1] : [fields.number(), fields.number()]
  return { mode, uid, gid, size, accessed, modified }
}

const statusOf = ({ type, fields }: Answer): Result => {
  if (type !== 101) throw new Error(`an answer of type ${type} where a status was expected`)
  return { status: fields.number() }
}

export class WireSubject implements Subject {
  readonly name: string
  readonly #make: () => Promise<ServerAt>
  #at: ServerAt | undefined
  #client: RawClient | undefined
  #handles: (string | undefined)[] = []
  #extensions: ReadonlyMap<string, string> = new Map()

  constructor(name: string, make: () => Promise<ServerAt>) {
    this.name = name
    this.#make = make
  }

  async reset(): Promise<void> {
    await this.end()
    this.#at = await this.#make()
    this.#client = new RawClient(this.#at.pipe)
    this.#extensions = await this.#client.start()
  }

  async end(): Promise<void> {
    this.#handles = []
    await this.#client?.end()
    this.#client = undefined
    await this.#at?.clear()
    this.#at = undefined
  }

  async perform(operation: Operation): Promise<Result> {
    const client = this.#client
    const at = this.#at
    if (client === undefined || at === undefined) throw new Error('reset comes first')
    const path = (of: string): Buffer => string(of.startsWith('/') ? at.base + of : of)
    switch (operation.kind) {
      case 'open':
        return this.#opened(
          operation.slot,
          await this.#freed(operation.slot, client, () =>
            client.request(
              3,
              path(operation.path),
              number(operation.flags),
              ...attributesFields(operation.permissions === undefined ? {} : { permissions: operation.permissions }),
            ),
          ),
        )
      case 'opendir':
        return this.#opened(operation.slot, await this.#freed(operation.slot, client, () => client.request(11, path(operation.path))))
      case 'stat':
        return this.#attributes(await client.request(17, path(operation.path)))
      case 'lstat':
        return this.#attributes(await client.request(7, path(operation.path)))
      case 'setstat':
        return statusOf(await client.request(9, path(operation.path), ...attributesFields(operation.attributes)))
      case 'lsetstat':
        return statusOf(await this.#extended('lsetstat@openssh.com', path(operation.path), ...attributesFields(operation.attributes)))
      case 'mkdir':
        return statusOf(
          await client.request(
            14,
            path(operation.path),
            ...attributesFields(operation.permissions === undefined ? {} : { permissions: operation.permissions }),
          ),
        )
      case 'rmdir':
        return statusOf(await client.request(15, path(operation.path)))
      case 'remove':
        return statusOf(await client.request(13, path(operation.path)))
      case 'rename':
        return statusOf(await client.request(18, path(operation.from), path(operation.to)))
      case 'posix-rename':
        return statusOf(await this.#extended('posix-rename@openssh.com', path(operation.from), path(operation.to)))
      case 'hardlink':
        return statusOf(await this.#extended('hardlink@openssh.com', path(operation.from), path(operation.to)))
      case 'symlink':
        // The target comes first: so OpenSSH has it, whatever the draft says.
        return statusOf(await client.request(20, path(operation.target), path(operation.path)))
      case 'readlink':
        return this.#name(await client.request(19, path(operation.path)), text =>
          text.startsWith(at.base) ? text.slice(at.base.length) : text,
        )
      case 'realpath':
        return this.#name(await client.request(16, path(operation.path)), text => seenFrom(at.base, text))
      case 'expand':
        return this.#name(await this.#extended('expand-path@openssh.com', path(operation.path)), text => seenFrom(at.base, text))
      case 'statvfs':
        return this.#space(await this.#extended('statvfs@openssh.com', path(operation.path)))
      case 'limits': {
        const { type, fields } = await this.#extended('limits@openssh.com')
        if (type !== 201) return { status: fields.number() }
        const limits = [fields.large(), fields.large(), fields.large()]
        return { status: fields.large() > 0 ? 0 : 4, limits }
      }
      default:
        return this.#onHandle(operation, client)
    }
  }

  #extended(name: string, ...fields: Buffer[]): Promise<Answer> {
    if (this.#client === undefined) throw new Error('reset comes first')
    if (!this.#extensions.has(name)) throw new Error(`${this.name} has no ${name}`)
    return this.#client.extended(name, ...fields)
  }

  async #freed(slot: number, client: RawClient, then: () => Promise<Answer>): Promise<Answer> {
    const handle = this.#handles[slot]
    this.#handles[slot] = undefined
    if (handle !== undefined) await client.request(4, string(handle))
    return then()
  }

  async #opened(slot: number, answer: Answer): Promise<Result> {
    if (answer.type !== 102) return statusOf(answer)
    this.#handles[slot] = answer.fields.string()
    return { status: 0 }
  }

  #attributes(answer: Answer): Result {
    return answer.type === 105 ? { status: 0, attributes: readAttributes(answer.fields) } : statusOf(answer)
  }

  #name(answer: Answer, seen: (text: string) => string): Result {
    if (answer.type !== 104) return statusOf(answer)
    if (answer.fields.number() !== 1) throw new Error('more than one name')
    return { status: 0, text: seen(answer.fields.string()) }
  }

  /** PROTOCOL of OpenSSH §4.4: eleven numbers. */
  #space(answer: Answer): Result {
    if (answer.type !== 201) return statusOf(answer)
    const numbers = Array.from({ length: 11 }, () => answer.fields.large())
    const [blockSize, , blocks, free, available] = numbers
    const right = blockSize >= 512 && free <= blocks && available <= free && numbers[10] >= 255 && answer.fields.left === 0
    if (!right) throw new Error(`that is no file system: ${numbers.join(' ')}`)
    return { status: 0 }
  }

  async #onHandle(operation: Operation & { slot: number }, client: RawClient): Promise<Result> {
    const { slot } = operation
    // A handle nobody gave.
    const handle = string(this.#handles[slot] ?? '\xff\xff\xff\xff')
    switch (operation.kind) {
      case 'close':
        this.#handles[slot] = undefined
        return statusOf(await client.request(4, handle))
      case 'fstat':
        return this.#attributes(await client.request(8, handle))
      case 'fsync':
        return statusOf(await this.#extended('fsync@openssh.com', handle))
      case 'fsetstat':
        return statusOf(await client.request(10, handle, ...attributesFields(operation.attributes)))
      case 'readdir':
        return this.#list(handle, client)
      case 'read': {
        const answer = await client.request(5, handle, large(operation.position), number(operation.length))
        return answer.type === 103 ? { status: 0, data: answer.fields.string() } : statusOf(answer)
      }
      case 'write':
        return statusOf(await client.request(6, handle, large(operation.position), string(pattern(operation.fill, operation.length))))
      case 'copy-data': {
        const into = string(this.#handles[operation.into] ?? '\xff\xff\xff\xff')
        return statusOf(
          await this.#extended('copy-data', handle, large(operation.position), large(operation.length), into, large(operation.at)),
        )
      }
      default:
        throw new Error(`no such operation on a handle: ${operation.kind}`)
    }
  }

  async #list(handle: Buffer, client: RawClient): Promise<Result> {
    const entries: Record<string, SeenAttributes> = {}
    for (;;) {
      const { type, fields } = await client.request(12, handle)
      if (type !== 104) {
        const status = fields.number()
        return status === 1 ? { status: 0, entries } : { status }
      }
      for (let count = fields.number(); count > 0; count--) {
        const name = fields.string()
        fields.string()
        const attributes = readAttributes(fields)
        if (name !== '.' && name !== '..') entries[name] = attributes
      }
    }
  }
}
