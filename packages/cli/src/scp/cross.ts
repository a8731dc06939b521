// Owns moving files from one SFTP server to another through this machine, without a copy here. Knows nothing of command lines.
import type { FileFacts, Sftp } from 'nacre/sftp'
import { escapeForPeople, SshError } from 'nacre'

export interface Crossing {
  readonly from: Sftp
  readonly to: Sftp
  /** Times and permissions. */
  readonly preserve: boolean
  readonly signal: AbortSignal
  /** Told what could not be moved; the rest is. */
  failed(text: string): void
}

/** As SFTP clients keep them: what makes a file run as another user is not passed on. */
const permissionBits = 0o777
/** Directories deeper than this are taken for a circle of links. */
const deepest = 64

const keep = async ({ to, preserve }: Crossing, path: string, facts: FileFacts): Promise<void> => {
  if (!preserve) return
  if (facts.attributes.permissions !== undefined) await to.chmod(path, facts.permissions & permissionBits)
  if (facts.attributes.modified !== undefined) await to.utimes(path, facts.accessed, facts.modified)
}

/** One file. Rejects when it did not arrive whole. */
export const crossFile = async (crossing: Crossing, path: string, at: string, facts: FileFacts): Promise<void> => {
  const { from, to, signal } = crossing
  if (facts.type !== 'file' && facts.type !== 'unknown')
    throw new SshError('NOT_A_FILE', `download "${escapeForPeople(path)}": not a regular file`)
  const { permissions } = facts.attributes
  const mode = permissions === undefined ? {} : { mode: permissions & permissionBits }
  await from.readable(path, { signal }).pipeTo(to.writable(at, { ...mode, signal }), { signal })
  // What is not acknowledged as whole by both is not whole.
  const [sent, arrived] = await Promise.all([from.stat(path), to.stat(at)])
  if (arrived.attributes.size !== undefined && arrived.size !== sent.size)
    throw new SshError('MISMATCH', `"${escapeForPeople(at)}" has ${arrived.size} bytes, and "${escapeForPeople(path)}" ${sent.size}.`)
  await keep(crossing, at, facts)
}

const join = (directory: string, name: string): string => (directory.endsWith('/') ? directory + name : `${directory}/${name}`)

/** A directory with all that is in it; links are followed. */
export const crossDirectory = async (crossing: Crossing, path: string, at: string, facts: FileFacts, depth = 0): Promise<void> => {
  const { from, to, signal } = crossing
  if (depth > deepest) throw new SshError('TOO_DEEP', `"${escapeForPeople(path)}" is more than ${deepest} directories deep.`)
  const there = await to.stat(at).catch(() => undefined)
  if (there === undefined)
    await to.mkdir(at, facts.attributes.permissions === undefined ? {} : { mode: (facts.permissions & permissionBits) | 0o700 })
  else if (!there.isDirectory()) throw new SshError('NOT_A_DIRECTORY', `"${escapeForPeople(at)}" exists and is not a directory`)
  for await (const entry of from.list(path, { signal, onError: error => crossing.failed(error.message) })) {
    const [source, target] = [join(path, entry.name), join(at, entry.name)]
    try {
      const inner = entry.isSymbolicLink() || entry.type === 'unknown' ? await from.stat(source) : entry
      if (inner.isDirectory()) await crossDirectory(crossing, source, target, inner, depth + 1)
      else await crossFile(crossing, source, target, inner)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof SshError)) throw error
      crossing.failed(error.message)
    }
  }
  await keep(crossing, at, facts)
  if (!crossing.preserve && there === undefined && facts.attributes.permissions !== undefined && (facts.permissions & 0o700) !== 0o700) {
    const made = await to.stat(at)
    await to.chmod(at, made.permissions & ~(0o700 & ~facts.permissions))
  }
}
