// Owns what each request about a path does, but for those about open files: one row a packet. Knows the codecs of the version
// agreed on and the files' interface; order, handles and refusals are the session's.
import { SftpError } from '../../errors.ts'
import { whenThere } from '../../io/soon.ts'
import type { Reader } from '../../wire/reader.ts'
import type { Attributes } from '../attributes.ts'
import type { Files, MaybePromise, OpenOptions } from '../files.ts'
import { Opendir, packetTypes, Readlink, Remove, Rmdir } from '../messages.ts'
import type { RealpathRequest, SftpVersion } from '../versions/version.ts'
import type { PacketRequest, ReceivedRequest } from './options.ts'
import { plainPath } from './order.ts'
import type { Principals } from './principals.ts'
import type { Reply } from './reply.ts'

/** What a session lends to a request. */
export interface RequestHost {
  readonly files: Files
  readonly reply: Reply
  readonly principals: Principals
  readonly umask: number | undefined
  /** Whether the client sends the arguments of SYMLINK the other way round than others do in this version. */
  readonly swapsLink: (version: number) => boolean
  /** Makes a client's path absolute; throws `SftpError`. */
  absolute(path: string): string
  /** Opens, and answers with a handle. */
  open(id: number, path: string, options: OpenOptions, attributes: Attributes, text: boolean): MaybePromise<void>
  openDirectory(id: number, path: string): MaybePromise<void>
}

/** A request that was read: what it is about, whether it changes something, and what it does. */
export interface Asked {
  /** Absolute. */
  readonly paths: readonly string[]
  readonly changes: boolean
  readonly told: Omit<ReceivedRequest, 'id' | 'name'>
  serve(): MaybePromise<void>
}

export interface RequestRow {
  readonly name: PacketRequest
  /** Throws `WireError` for what cannot be read and `SftpError` for what cannot be asked. */
  ask(host: RequestHost, id: number, reader: Reader, version: SftpVersion): Asked
}

const looks = (path: string, serve: () => MaybePromise<void>): Asked => ({ paths: [path], changes: false, told: { path }, serve })

const changes = (told: Asked['told'], paths: readonly string[], serve: () => MaybePromise<void>): Asked => ({
  paths,
  changes: true,
  told,
  serve,
})

/** Of a file: the answer to STAT and its like. */
export const sendAttributes = (
  { reply, principals }: Pick<RequestHost, 'reply' | 'principals'>,
  id: number,
  found: Attributes,
): MaybePromise<void> => {
  if (reply.version.version === 3) return reply.attributes(id, found)
  return whenThere(principals.learn([found]), () => reply.attributes(id, principals.named(found)))
}

/**
 * What a client wants set: without the kind of file, which nobody can set, and with numbers for owners. Throws `invalid-parameter`
 * for a size that may have been larger than a number can say.
 */
export const wanted = (principals: Principals, { type: _type, ...attributes }: Attributes): MaybePromise<Attributes> => {
  if (attributes.size === Number.MAX_SAFE_INTEGER) throw new SftpError('invalid-parameter', 'The size is beyond 2^53 - 1')
  return principals.numbered(attributes)
}

/** With the umask applied, to what is asked for or to `usual`. */
const masked = (attributes: Attributes, umask: number | undefined, usual: number): Attributes =>
  umask === undefined ? attributes : { ...attributes, permissions: (attributes.permissions ?? usual) & ~umask }

const done = (host: RequestHost, id: number, doing: MaybePromise<void>): MaybePromise<void> => whenThere(doing, () => host.reply.ok(id))

const statRow = (name: 'stat' | 'lstat', follow: boolean): RequestRow => ({
  name,
  ask: (host, id, reader, version) => {
    const path = host.absolute((follow ? version.Stat : version.Lstat).read(reader).path)
    return looks(path, () => {
      const found = host.files.stat(path, follow)
      return found instanceof Promise ? found.then(each => sendAttributes(host, id, each)) : sendAttributes(host, id, found)
    })
  },
})

const open: RequestRow = {
  name: 'open',
  ask: (host, id, reader, version) => {
    const asked = version.Open.read(reader)
    const path = host.absolute(asked.filename)
    const { options: given, attributes } = asked
    const options: OpenOptions = { ...given, read: given.read || !given.write, exclusive: given.exclusive && given.create }
    const what = options.write || options.create || options.truncate || options.append
    return {
      paths: [path],
      changes: what,
      told: { path, options, attributes },
      serve: () => {
        if (asked.further !== 0) throw new SftpError('op-unsupported', 'Locks and deletion on close are not supported.', { path })
        return whenThere(wanted(host.principals, attributes), known =>
          host.open(id, path, options, options.create ? masked(known, host.umask, 0o666) : known, asked.text),
        )
      },
    }
  },
}

const mkdir: RequestRow = {
  name: 'mkdir',
  ask: (host, id, reader, version) => {
    const { path: given, attributes } = version.Mkdir.read(reader)
    const path = host.absolute(given)
    return changes({ path, attributes }, [path], () =>
      done(
        host,
        id,
        whenThere(wanted(host.principals, attributes), known => host.files.makeDirectory(path, masked(known, host.umask, 0o777))),
      ),
    )
  },
}

const setstat: RequestRow = {
  name: 'setstat',
  ask: (host, id, reader, version) => {
    const { path: given, attributes } = version.Setstat.read(reader)
    const path = host.absolute(given)
    return changes({ path, attributes }, [path], () =>
      done(
        host,
        id,
        whenThere(wanted(host.principals, attributes), known => host.files.setAttributes(path, known, true)),
      ),
    )
  },
}

const rename: RequestRow = {
  name: 'rename',
  ask: (host, id, reader, version) => {
    const asked = version.Rename.read(reader)
    const [path, target] = [host.absolute(asked.from), host.absolute(asked.to)]
    return changes({ path, target }, [path, target], () => done(host, id, host.files.rename(path, target, asked.replace)))
  },
}

const link = (name: 'symlink' | 'link'): RequestRow => ({
  name,
  ask: (host, id, reader, version) => {
    const read = version.Link.read(reader)
    const asked = host.swapsLink(version.version) ? { ...read, path: read.target, target: read.path } : read
    const path = host.absolute(asked.path)
    if (asked.symbolic) {
      const { target } = asked
      if (target === '' || target.includes('\0')) throw new SftpError('no-such-file', 'A symbolic link must point to something.', { path })
      return changes({ path, target }, [path], () => done(host, id, host.files.symlink(target, path)))
    }
    const target = host.absolute(asked.target)
    return changes({ path, target }, [path, target], () => done(host, id, host.files.link(target, path)))
  },
})

/** By text alone, for what need not exist: draft-ietf-secsh-filexfer-13 §8.9. */
const byText = (path: string) => (error: unknown) => {
  if (error instanceof SftpError && (error.status === 'no-such-file' || error.status === 'no-such-path')) return plainPath(path)
  throw error
}

/** In version 6, the path; with attributes if they are wanted, and the file is there. */
const resolve = async (host: RequestHost, id: number, path: string, check: RealpathRequest['check']): Promise<void> => {
  const { files, reply, principals } = host
  if (check === 'must-exist') {
    const found = await files.realPath(path, true)
    const attributes = await files.stat(found, false)
    await principals.learn([attributes])
    reply.path(id, found, principals.named(attributes))
    return
  }
  const found = await Promise.resolve(files.realPath(path, false)).catch(byText(path))
  if (check === 'none') {
    reply.path(id, found)
    return
  }
  const attributes = await Promise.resolve()
    .then(() => files.stat(found, false))
    .catch((error: unknown): Attributes => {
      if (error instanceof SftpError) return {}
      throw error
    })
  await principals.learn([attributes])
  reply.path(id, found, principals.named(attributes))
}

const realpath: RequestRow = {
  name: 'realpath',
  ask: (host, id, reader, version) => {
    const { path: given, check, compose } = version.Realpath.read(reader)
    let path = host.absolute(given === '' ? '.' : given)
    for (const each of compose) path = each.startsWith('/') ? host.absolute(each) : host.absolute(`${path}/${each}`)
    return looks(path, () =>
      version.version === 6
        ? resolve(host, id, path, check)
        : whenThere(host.files.realPath(path, false), found => host.reply.path(id, found)),
    )
  },
}

const opendir: RequestRow = {
  name: 'opendir',
  ask: (host, id, reader) => {
    const path = host.absolute(Opendir.read(reader).path)
    return looks(path, () => host.openDirectory(id, path))
  },
}

const readlink: RequestRow = {
  name: 'readlink',
  ask: (host, id, reader) => {
    const path = host.absolute(Readlink.read(reader).path)
    return looks(path, () => whenThere(host.files.readLink(path), target => host.reply.path(id, target)))
  },
}

const remove: RequestRow = {
  name: 'remove',
  ask: (host, id, reader) => {
    const path = host.absolute(Remove.read(reader).filename)
    return changes({ path }, [path], () => done(host, id, host.files.remove(path)))
  },
}

const rmdir: RequestRow = {
  name: 'rmdir',
  ask: (host, id, reader) => {
    const path = host.absolute(Rmdir.read(reader).path)
    return changes({ path }, [path], () => done(host, id, host.files.removeDirectory(path)))
  },
}

const rows: Readonly<Record<number, RequestRow>> = {
  [packetTypes.SSH_FXP_OPEN]: open,
  [packetTypes.SSH_FXP_LSTAT]: statRow('lstat', false),
  [packetTypes.SSH_FXP_STAT]: statRow('stat', true),
  [packetTypes.SSH_FXP_SETSTAT]: setstat,
  [packetTypes.SSH_FXP_OPENDIR]: opendir,
  [packetTypes.SSH_FXP_REMOVE]: remove,
  [packetTypes.SSH_FXP_MKDIR]: mkdir,
  [packetTypes.SSH_FXP_RMDIR]: rmdir,
  [packetTypes.SSH_FXP_REALPATH]: realpath,
  [packetTypes.SSH_FXP_RENAME]: rename,
  [packetTypes.SSH_FXP_READLINK]: readlink,
}
const symlinkRow = link('symlink')
const linkRow = link('link')

/** The row for a packet in `version`, or `undefined` for one that is none of these. SYMLINK became LINK in version 6. */
export const requestRow = (type: number, version: number): RequestRow | undefined => {
  if (type === packetTypes.SSH_FXP_SYMLINK) return version < 6 ? symlinkRow : undefined
  if (type === packetTypes.SSH_FXP_LINK) return version === 6 ? linkRow : undefined
  return rows[type]
}
