// Owns a small SFTP server made of npm's ssh2, which brings the packets and leaves the files to the program: the plain handlers a
// program would write, each one call of node:fs. Takes its options as one JSON argument, prints "ready PORT". Knows nothing of who calls.
import * as fs from 'node:fs'
import ssh2, { type FileAttributes, type ServedFiles } from 'ssh2'

interface Options {
  readonly hostKeys: readonly string[]
  readonly authorizedKeys: string
}
const options = JSON.parse(process.argv[2] ?? '') as Options
const key = ssh2.utils.parseKey(fs.readFileSync(options.authorizedKeys, 'utf8').trim())
if (key instanceof Error) throw key
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

const codes: Readonly<Record<string, number>> = {
  ENOENT: STATUS_CODE.NO_SUCH_FILE,
  EACCES: STATUS_CODE.PERMISSION_DENIED,
  EPERM: STATUS_CODE.PERMISSION_DENIED,
}

const change = (path: string, { mode, size, atime, mtime }: Partial<FileAttributes>): void => {
  if (size !== undefined) fs.truncateSync(path, size)
  if (mode !== undefined) fs.chmodSync(path, mode & 0o7777)
  if (atime !== undefined && mtime !== undefined) fs.utimesSync(path, atime, mtime)
}

const serve = (files: ServedFiles): void => {
  const open = new Map<number, { readonly fd: number; readonly path: string } | Directory>()
  let last = 0
  const handleOf = (what: { readonly fd: number; readonly path: string } | Directory): Buffer => {
    const handle = Buffer.alloc(4)
    handle.writeUInt32BE(++last)
    open.set(last, what)
    return handle
  }
  /** Answers with what `work` answers with, or with why it failed. */
  const attempt = (request: number, work: () => void): void => {
    try {
      work()
    } catch (error) {
      files.status(request, codes[(error as NodeJS.ErrnoException).code ?? ''] ?? STATUS_CODE.FAILURE, (error as Error).message)
    }
  }
  const done = (request: number, work: () => void): void =>
    attempt(request, () => {
      work()
      files.status(request, STATUS_CODE.OK)
    })
  const fileOf = (handle: Buffer): { readonly fd: number; readonly path: string } => {
    const found = open.get(handle.readUInt32BE())
    if (found === undefined || !('fd' in found)) throw new Error('no such file is open')
    return found
  }
  files.on('OPEN', (request: number, path: string, flags: number, { mode }: Partial<FileAttributes>) =>
    attempt(request, () => {
      files.handle(request, handleOf({ fd: fs.openSync(path, flagsToString(flags) ?? 'r', mode ?? 0o666), path }))
    }),
  )
  files.on('CLOSE', (request: number, handle: Buffer) =>
    done(request, () => {
      const what = open.get(handle.readUInt32BE())
      open.delete(handle.readUInt32BE())
      if (what !== undefined && 'fd' in what) fs.closeSync(what.fd)
    }),
  )
  files.on('READ', (request: number, handle: Buffer, offset: number, length: number) =>
    attempt(request, () => {
      const buffer = Buffer.allocUnsafe(Math.min(length, 255 * 1024))
      const count = fs.readSync(fileOf(handle).fd, buffer, 0, buffer.length, offset)
      if (count === 0) files.status(request, STATUS_CODE.EOF)
      else files.data(request, buffer.subarray(0, count))
    }),
  )
  files.on('WRITE', (request: number, handle: Buffer, offset: number, data: Buffer) =>
    done(request, () => {
      fs.writeSync(fileOf(handle).fd, data, 0, data.length, offset)
    }),
  )
  files.on('FSTAT', (request: number, handle: Buffer) =>
    attempt(request, () => files.attrs(request, attributesOf(fs.fstatSync(fileOf(handle).fd)))),
  )
  files.on('STAT', (request: number, path: string) => attempt(request, () => files.attrs(request, attributesOf(fs.statSync(path)))))
  files.on('LSTAT', (request: number, path: string) => attempt(request, () => files.attrs(request, attributesOf(fs.lstatSync(path)))))
  files.on('FSETSTAT', (request: number, handle: Buffer, attributes: Partial<FileAttributes>) =>
    done(request, () => change(fileOf(handle).path, attributes)),
  )
  files.on('SETSTAT', (request: number, path: string, attributes: Partial<FileAttributes>) => done(request, () => change(path, attributes)))
  files.on('REALPATH', (request: number, path: string) =>
    attempt(request, () => {
      const found = fs.realpathSync(path)
      files.name(request, [{ filename: found, longname: found, attrs: {} }])
    }),
  )
  files.on('READLINK', (request: number, path: string) =>
    attempt(request, () => {
      const found = fs.readlinkSync(path)
      files.name(request, [{ filename: found, longname: found, attrs: {} }])
    }),
  )
  files.on('SYMLINK', (request: number, path: string, target: string) => done(request, () => fs.symlinkSync(target, path)))
  files.on('MKDIR', (request: number, path: string) => done(request, () => fs.mkdirSync(path)))
  files.on('RMDIR', (request: number, path: string) => done(request, () => fs.rmdirSync(path)))
  files.on('REMOVE', (request: number, path: string) => done(request, () => fs.unlinkSync(path)))
  files.on('RENAME', (request: number, from: string, to: string) =>
    done(request, () => {
      if (fs.existsSync(to)) throw new Error('it is there already')
      fs.renameSync(from, to)
    }),
  )
  files.on('OPENDIR', (request: number, path: string) =>
    attempt(request, () => files.handle(request, handleOf({ path, names: ['.', '..', ...fs.readdirSync(path)] }))),
  )
  files.on('READDIR', (request: number, handle: Buffer) =>
    attempt(request, () => {
      const directory = open.get(handle.readUInt32BE())
      if (directory === undefined || 'fd' in directory) throw new Error('no such folder is open')
      const names = directory.names.splice(0, 100)
      if (names.length === 0) files.status(request, STATUS_CODE.EOF)
      else
        files.name(
          request,
          names.map(filename => ({ filename, longname: filename, attrs: attributesOf(fs.lstatSync(`${directory.path}/${filename}`)) })),
        )
    }),
  )
}

const server = new ssh2.Server({ hostKeys: options.hostKeys.map(path => fs.readFileSync(path)) }, connection => {
  connection.on('authentication', attempt => {
    if (attempt.key !== undefined && key.getPublicSSH().equals(attempt.key.data)) attempt.accept()
    else attempt.reject(['publickey'])
  })
  connection.on('error', error => console.error(`connection: ${error.message}`))
  connection.on('ready', () => connection.on('session', accept => accept().on('sftp', grant => serve(grant()))))
})
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`))
