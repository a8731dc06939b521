// Owns changing a text file of keys on disk so that others see the old text or the new one, and that no line another program
// adds meanwhile is lost. Knows nothing of what the lines say.
import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, mkdir, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

export interface EditFileOptions {
  /** Keep what was there under the same name with `.old` behind it, as ssh-keygen does. Default false. */
  readonly backup?: boolean
  /** Make the file, mode 0600, and its folder, mode 0700, when there is none. Default false. */
  readonly create?: boolean
}

export interface EditedFile {
  readonly changed: boolean
  /** Where the old text is now. */
  readonly backup: string | undefined
}

/** Longer files are not read. */
const mostBytes = 256 * 1024 * 1024
/** So often we begin again when the file changes under us. */
const attempts = 20
/** So often we wait for another edit of ours or of another process to end: some three seconds. */
const turns = 150
/** A claim that stands this long belongs to nobody any more. An edit holds one for as long as two system calls take. */
const staleMilliseconds = 1000

const busy = (path: string): Error => new Error(`${path} is changed by others all the time; try again later`)

const hasCode = (error: unknown, code: string): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === code

/** The bytes as text. What is no UTF-8 becomes one character for each byte, so that it can be written again as it was. */
const encodingOf = (bytes: Uint8Array): 'utf8' | 'latin1' => (isUtf8(bytes) ? 'utf8' : 'latin1')

const readFrom = async (handle: FileHandle, start: number): Promise<Uint8Array> => {
  const { size } = await handle.stat()
  if (size > mostBytes) throw new RangeError(`a file of ${size} bytes; more than ${mostBytes} are not read`)
  const bytes = Buffer.alloc(Math.max(0, size - start))
  let at = 0
  while (at < bytes.length) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return bytes.subarray(0, at)
}

/** Makes the change of names itself outlive a loss of power, where a folder can be synchronised. */
const syncFolder = async (folder: string): Promise<void> => {
  try {
    const handle = await open(folder, constants.O_RDONLY)
    await handle.sync().finally(() => handle.close())
  } catch {
    // Not every system lets folders be opened; the file itself is written.
  }
}

const nameBeside = (path: string): string => join(dirname(path), `.${basename(path)}.${randomBytes(9).toString('hex')}`)

/** A new file beside `path` with these bytes and the mode and owner of `like`. */
const writeBeside = async (
  path: string,
  bytes: Uint8Array,
  like: { mode: number; uid: number; gid: number } | undefined,
): Promise<string> => {
  const beside = nameBeside(path)
  const handle = await open(beside, 'wx', 0o600)
  try {
    await handle.writeFile(bytes)
    if (like !== undefined) {
      // Only root may give files away; who may not keeps it.
      await handle.chown(like.uid, like.gid).catch(() => {})
      await handle.chmod(like.mode & 0o777)
    }
    await handle.sync()
  } catch (error) {
    await unlink(beside).catch(() => {})
    throw error
  } finally {
    await handle.close()
  }
  return beside
}

/** The old text under its second name. A link, so that `path` is never missing; a copy would not be atomic. */
const keepOld = async (path: string): Promise<string> => {
  const old = `${path}.old`
  const name = nameBeside(path)
  await link(path, name)
  try {
    await rename(name, old)
  } finally {
    // Where `.old` was the very same file already, the system renames nothing.
    await unlink(name).catch(() => {})
  }
  return old
}

/**
 * The folder, and those it lies in. Node's own recursive way tries for ever where nothing can be made and the system says that
 * the folder above is missing, as in /proc.
 */
const makeFolder = async (path: string): Promise<void> => {
  const make = async (): Promise<void> => {
    await mkdir(path, { mode: 0o700 }).catch(error => {
      if (!hasCode(error, 'EEXIST')) throw error
    })
  }
  if (dirname(path) === path) return
  try {
    await make()
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    await makeFolder(dirname(path))
    await make()
  }
}

type Edit = (text: string) => string

const sameFile = (a: { dev: number; ino: number; size: number; mtimeMs: number }, b: typeof a): boolean =>
  a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs

/** Another edit of the same file is about to take effect. `claim` is the name it is known by. */
interface Taken {
  readonly taken: string
}

/**
 * A second name of the new text, which only one edit of this version of the file can have: it is made where none is, and goes
 * away by becoming the file. So of two edits at once one waits, and sees what the other did. Programs that know nothing of it
 * (ssh-keygen) are seen by what they did to the file, up to the moment before it is replaced. `undefined`: there can be no second
 * names here.
 */
const claim = async (beside: string, path: string, { dev, ino }: { dev: number; ino: number }): Promise<string | Taken | undefined> => {
  const name = join(dirname(path), `.${basename(path)}.${dev.toString(36)}-${ino.toString(36)}.next`)
  try {
    await link(beside, name)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return { taken: name }
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].some(code => hasCode(error, code))) return undefined
    throw error
  }
  await unlink(beside)
  return name
}

/** One attempt. `undefined`: the file changed while we worked, so begin again. */
const attempt = async (path: string, handle: FileHandle, edit: Edit, options: EditFileOptions): Promise<EditedFile | Taken | undefined> => {
  const before = await handle.stat()
  const bytes = await readFrom(handle, 0)
  const encoding = encodingOf(bytes)
  const text = Buffer.from(bytes).toString(encoding)
  const edited = edit(text)
  if (edited === text) return { changed: false, backup: undefined }
  let fresh = await writeBeside(path, Buffer.from(edited, encoding), before)
  let backup: string | undefined
  try {
    const claimed = await claim(fresh, path, before)
    if (typeof claimed === 'string') fresh = claimed
    const taken = typeof claimed === 'object' ? claimed : undefined
    if (taken !== undefined || !sameFile(before, await stat(path))) {
      await unlink(fresh)
      return taken
    }
    backup = options.backup === true ? await keepOld(path) : undefined
    await rename(fresh, path)
  } catch (error) {
    await unlink(fresh).catch(() => {})
    // The file is gone, or our claim was taken for one that was left behind: what is there now is looked at again.
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  // Who had the old file open may have put a line behind it just before it went: it belongs to the new one.
  const late = await readFrom(handle, bytes.length)
  if (late.length > 0) await appendLines(path, late)
  await syncFolder(dirname(path))
  return { changed: true, backup }
}

/** Waits for the edits of others. A claim of a process that ended in between is taken away: all it says was never done. */
const queue = () => {
  let seen: { readonly ino: number; readonly since: number } | undefined
  let waited = 0
  return async ({ taken }: Taken, path: string): Promise<void> => {
    if (++waited > turns) throw busy(path)
    const found = await stat(taken).catch(() => undefined)
    if (found === undefined) seen = undefined
    else if (seen?.ino !== found.ino) seen = { ino: found.ino, since: performance.now() }
    else if (performance.now() - seen.since > staleMilliseconds) await unlink(taken).catch(() => {})
    // Those who wait had better not all come back at once.
    await pause(2 + Math.random() * 36)
  }
}

/**
 * Changes the text of the file at `path`, or of the file a link there leads to: `edit` gets it and gives the new one. The new
 * text is written beside the file, synchronised, and put in its place with the same mode and owner; when nothing changes,
 * nothing is written. Edits at the same time, of other processes too, come one after the other. A file that is no UTF-8 comes with one character for each byte, and stays as it is but for what `edit`
 * changes. `edit` may be called again, when another program changed the file meanwhile. Throws what the file
 * system throws, ENOENT without `create`.
 */
export const editTextFile = async (path: string, edit: Edit, options: EditFileOptions = {}): Promise<EditedFile> => {
  const wait = queue()
  for (let i = 0; i < attempts;) {
    let handle: FileHandle
    let real: string
    try {
      real = await realpath(path)
      handle = await open(real, 'r')
    } catch (error) {
      if (options.create !== true || !hasCode(error, 'ENOENT')) throw error
      const made = await createText(path, edit)
      if (made !== undefined) return made
      i++
      continue
    }
    try {
      const done = await attempt(real, handle, edit, options)
      if (done === undefined) i++
      else if ('taken' in done) await wait(done, path)
      else return done
    } finally {
      await handle.close()
    }
  }
  throw busy(path)
}

const createText = async (path: string, edit: Edit): Promise<EditedFile | undefined> => {
  const text = edit('')
  if (text === '') return { changed: false, backup: undefined }
  await makeFolder(dirname(path))
  const beside = await writeBeside(path, Buffer.from(text), undefined)
  try {
    // Unlike `rename` this fails when somebody else made the file.
    await link(beside, path)
    await syncFolder(dirname(path))
    return { changed: true, backup: undefined }
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return undefined
    throw error
  } finally {
    await unlink(beside)
  }
}

/** Puts these bytes, whole lines, behind those of a file that others may write to or replace. Makes it, mode 0600. */
const appendLines = async (path: string, lines: Uint8Array): Promise<void> => {
  for (let i = 0; i < attempts; i++) {
    const handle = await open(path, 'a+', 0o600)
    try {
      const stats = await handle.stat()
      const { size, dev, ino } = stats
      const last = new Uint8Array(1)
      const glued = size > 0 && (await handle.read(last, 0, 1, size - 1)).bytesRead === 1 && last[0] !== 0x0a
      // One call, so that the system puts it behind whatever others wrote, and in one piece.
      await handle.write(glued ? afterBreak(lines) : lines)
      // /dev/null, where some keep what they do not want to know, cannot be synchronised.
      if (stats.isFile()) await handle.sync()
      const now = await stat(path).catch(() => undefined)
      // Replaced meanwhile: whoever did may have read the file before our line was in it.
      if (now?.dev === dev && now.ino === ino) return
      if (now !== undefined && (await areIn(path, lines))) return
    } finally {
      await handle.close()
    }
  }
  throw busy(path)
}

const afterBreak = (lines: Uint8Array): Uint8Array => Buffer.concat([Buffer.from('\n'), lines])

const areIn = async (path: string, lines: Uint8Array): Promise<boolean> => {
  const handle = await open(path, 'r')
  try {
    return Buffer.from(afterBreak(await readFrom(handle, 0))).includes(afterBreak(lines))
  } finally {
    await handle.close()
  }
}

/**
 * Puts a line at the end of the file at `path`, which is made with mode 0600, its folder with 0700, when there is none. Other
 * programs may do the same at the same time, or replace the file: no line of theirs or ours is lost or cut in two.
 */
export const appendLine = async (path: string, line: string): Promise<void> => {
  await makeFolder(dirname(path))
  await appendLines(path, Buffer.from(`${line}\n`))
}
