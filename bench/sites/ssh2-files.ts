// Owns the file server made of npm's ssh2, which brings the packets and leaves the files to the program: the plain handlers a
// program would write, each one callback of node:fs. Knows nothing of who measures.
import * as fs from 'node:fs'
import { type FileAttributes, type ServedFiles, ssh2 } from './ssh2.ts'

const { STATUS_CODE, flagsToString } = ssh2.utils.sftp

const attributesOf = (stats: fs.Stats): FileAttributes => ({
  mode: stats.mode,
  uid: stats.uid,
  gid: stats.gid,
  size: stats.size,
  atime: Math.floor(stats.atimeMs / 1000),
  mtime: Math.floor(stats.mtimeMs / 1000),
})

interface Directory {
  readonly path: string
  readonly names: string[]
}

const namesAtOnce = 100

/** Serves `files` until the client leaves. */
export const serveFiles = (files: ServedFiles): void => {
  const open = new Map<number, number | Directory>()
  let last = 0
  const handleOf = (what: number | Directory): Buffer => {
    const handle = Buffer.alloc(4)
    handle.writeUInt32BE(++last)
    open.set(last, what)
    return handle
  }
  const status = (request: number, error: NodeJS.ErrnoException | null): void => {
    const code = error === null ? STATUS_CODE.OK : error.code === 'ENOENT' ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE
    files.status(request, code)
  }
  const fileOf = (request: number, handle: Buffer, use: (fd: number) => void): void => {
    const fd = open.get(handle.readUInt32BE())
    if (typeof fd === 'number') use(fd)
    else files.status(request, STATUS_CODE.FAILURE)
  }
  const stats = (request: number) => (error: NodeJS.ErrnoException | null, found: fs.Stats) => {
    if (error === null) files.attrs(request, attributesOf(found))
    else status(request, error)
  }
  files.on('OPEN', (request: number, path: string, flags: number) => {
    fs.open(path, flagsToString(flags) ?? 'r', 0o644, (error, fd) => {
      if (error === null) files.handle(request, handleOf(fd))
      else status(request, error)
    })
  })
  files.on('CLOSE', (request: number, handle: Buffer) => {
    const number = handle.readUInt32BE()
    const what = open.get(number)
    open.delete(number)
    if (typeof what === 'number') fs.close(what, error => status(request, error))
    else status(request, null)
  })
  files.on('READ', (request: number, handle: Buffer, offset: number, length: number) => {
    fileOf(request, handle, fd => {
      const buffer = Buffer.allocUnsafe(Math.min(length, 255 * 1024))
      fs.read(fd, buffer, 0, buffer.length, offset, (error, count) => {
        if (error !== null) status(request, error)
        else if (count === 0) files.status(request, STATUS_CODE.EOF)
        else files.data(request, count === buffer.length ? buffer : buffer.subarray(0, count))
      })
    })
  })
  files.on('WRITE', (request: number, handle: Buffer, offset: number, data: Buffer) => {
    fileOf(request, handle, fd => fs.write(fd, data, 0, data.length, offset, error => status(request, error)))
  })
  files.on('FSTAT', (request: number, handle: Buffer) => fileOf(request, handle, fd => fs.fstat(fd, stats(request))))
  files.on('STAT', (request: number, path: string) => fs.stat(path, stats(request)))
  files.on('LSTAT', (request: number, path: string) => fs.lstat(path, stats(request)))
  files.on('FSETSTAT', (request: number) => files.status(request, STATUS_CODE.OK))
  files.on('SETSTAT', (request: number) => files.status(request, STATUS_CODE.OK))
  files.on('REALPATH', (request: number, path: string) => {
    fs.realpath(path, (error, found) => {
      if (error === null) files.name(request, [{ filename: found, longname: found, attrs: {} }])
      else status(request, error)
    })
  })
  files.on('MKDIR', (request: number, path: string) => fs.mkdir(path, error => status(request, error)))
  files.on('REMOVE', (request: number, path: string) => fs.unlink(path, error => status(request, error)))
  files.on('RENAME', (request: number, from: string, to: string) => fs.rename(from, to, error => status(request, error)))
  files.on('OPENDIR', (request: number, path: string) => {
    fs.readdir(path, (error, names) => {
      if (error === null) files.handle(request, handleOf({ path, names }))
      else status(request, error)
    })
  })
  files.on('READDIR', (request: number, handle: Buffer) => {
    const directory = open.get(handle.readUInt32BE())
    if (directory === undefined || typeof directory === 'number') {
      files.status(request, STATUS_CODE.FAILURE)
      return
    }
    const names = directory.names.splice(0, namesAtOnce)
    if (names.length === 0) {
      files.status(request, STATUS_CODE.EOF)
      return
    }
    let left = names.length
    const entries = names.map(filename => ({ filename, longname: filename, attrs: {} as Partial<FileAttributes> }))
    for (const entry of entries)
      fs.lstat(`${directory.path}/${entry.filename}`, (error, found) => {
        if (error === null) {
          entry.attrs = attributesOf(found)
          entry.longname = `-rw-r--r--    1 ${found.uid}        ${found.gid}        ${found.size} Jan  1 00:00 ${entry.filename}`
        }
        if (--left === 0) files.name(request, entries)
      })
  })
  files.on('end', () => files.end())
  files.on('error', () => {})
}
