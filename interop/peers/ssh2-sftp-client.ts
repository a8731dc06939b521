// Owns what npm's ssh2, and ssh2-sftp-client above it, do at a server of files. Takes its options as one JSON argument, prints what
// it found as JSON. Knows nothing of who serves.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import ssh2, { type Sftp } from 'ssh2'
import SftpClient from 'ssh2-sftp-client'

interface Options {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly key: string
  readonly hostKeys: readonly string[]
  readonly base: string
  readonly near: string
  readonly back: string
}
const options = JSON.parse(process.argv[2] ?? '') as Options
const { base, near, back } = options
const trusted = options.hostKeys.map(line => Buffer.from(line.split(' ')[1] ?? '', 'base64'))
const reach = {
  host: options.host,
  port: options.port,
  username: options.user,
  privateKey: readFileSync(options.key),
  hostVerifier: (key: Buffer): boolean => trusted.some(each => each.equals(key)),
}
const found: Record<string, unknown> = {}

/** A method that takes a callback, as a promise. */
const asked = <T>(begin: (done: (error: Error | null | undefined, value?: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => begin((error, value) => (error === null || error === undefined ? resolve(value as T) : reject(error))))
const refused = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: Error) => error.message,
  )
const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

const bare = async (sftp: Sftp): Promise<void> => {
  const big = `${near}/big`
  await asked(done => sftp.fastPut(big, `${base}/fast`, { concurrency: 64, mode: 0o640 }, done))
  await asked(done => sftp.fastGet(`${base}/fast`, `${back}/fast`, { concurrency: 64 }, done))
  found['fast'] = sum(readFileSync(`${back}/fast`)) === sum(readFileSync(big))
  await pipeline(sftp.createReadStream(`${base}/fast`), sftp.createWriteStream(`${base}/streamed`, { mode: 0o600 }))
  found['streamed'] = sum(await asked(done => sftp.readFile(`${base}/streamed`, done))) === sum(readFileSync(big))
  const part: Buffer[] = []
  for await (const chunk of sftp.createReadStream(`${base}/fast`, { start: 1000, end: 70_000 })) part.push(chunk as Buffer)
  found['part'] = Buffer.concat(part).equals(readFileSync(big).subarray(1000, 70_001))
  await asked(done => sftp.writeFile(`${base}/small`, 'small', done))
  await asked(done => sftp.appendFile(`${base}/small`, ' and more', done))
  found['small'] = (await asked<Buffer>(done => sftp.readFile(`${base}/small`, done))).toString()
  found['stat'] = await asked<{ mode: number; size: number }>(done => sftp.stat(`${base}/fast`, done)).then(({ mode, size }) => [
    mode.toString(8),
    size,
  ])
  await asked(done => sftp.utimes(`${base}/small`, 1_000_000_000, 1_100_000_000, done))
  found['times'] = await asked<{ mtime: number }>(done => sftp.lstat(`${base}/small`, done)).then(({ mtime }) => mtime)
  await asked(done => sftp.symlink('small', `${base}/soft`, done))
  found['soft'] = await asked(done => sftp.readlink(`${base}/soft`, done))
  await asked(done => sftp.ext_openssh_hardlink(`${base}/small`, `${base}/hard`, done))
  found['rename'] = await refused(asked(done => sftp.rename(`${base}/hard`, `${base}/small`, done)))
  await asked(done => sftp.ext_openssh_rename(`${base}/hard`, `${base}/renamed`, done))
  const handle = await asked<Buffer>(done => sftp.open(`${base}/small`, 'r+', done))
  await asked(done => sftp.ext_openssh_fsync(handle, done))
  found['fstatvfs'] = (await asked<{ f_blocks: bigint | number }>(done => sftp.ext_openssh_fstatvfs(handle, done))).f_blocks > 0
  await asked(done => sftp.close(handle, done))
  found['statvfs'] = (await asked<{ f_blocks: bigint | number }>(done => sftp.ext_openssh_statvfs(base, done))).f_blocks > 0
  const folder = await asked<Buffer>(done => sftp.opendir(base, done))
  const names: string[] = []
  for (;;) {
    const some = await asked<readonly { filename: string }[]>(done => sftp.readdir(folder, done)).catch(() => [])
    if (some.length === 0) break
    names.push(...some.map(({ filename }) => filename))
  }
  await asked(done => sftp.close(folder, done))
  found['names'] = names.filter(name => name !== '.' && name !== '..' && name !== 'soft').toSorted()
  found['missing'] = await refused(asked(done => sftp.stat(`${base}/missing`, done)))
  found['realpath'] = await asked(done => sftp.realpath(`${base}/../${base.split('/').at(-1) ?? ''}/small`, done))
}

const comfortable = async (): Promise<void> => {
  const sftp = new SftpClient()
  await sftp.connect(reach)
  sftp.client.setNoDelay(true)
  await sftp.uploadDir(`${near}/inner`, `${base}/dir`)
  await sftp.downloadDir(`${base}/dir`, `${back}/dir`)
  found['exists'] = [await sftp.exists(`${base}/dir`), await sftp.exists(`${base}/small`), await sftp.exists(`${base}/none`)]
  found['list'] = (await sftp.list(`${base}/dir`)).map(({ name, type }) => `${type}${name}`).toSorted()
  await sftp.put(Buffer.from('buffer'), `${base}/put`)
  await sftp.append(Buffer.from(' appended'), `${base}/put`)
  found['put'] = ((await sftp.get(`${base}/put`)) as Buffer).toString()
  const through = new PassThrough()
  through.end('of a stream')
  await sftp.put(through, `${base}/stream`)
  found['stream'] = ((await sftp.get(`${base}/stream`)) as Buffer).toString()
  await sftp.chmod(`${base}/put`, 0o604)
  const { mode, size } = await sftp.stat(`${base}/put`)
  found['put stat'] = [mode & 0o777, size]
  await sftp.mkdir(`${base}/x/y/z`, true)
  await sftp.rcopy(`${base}/put`, `${base}/x/copy`)
  await sftp.posixRename(`${base}/x/copy`, `${base}/stream`)
  await sftp.delete(`${base}/put`)
  await sftp.rmdir(`${base}/x`, true)
  await sftp.rmdir(`${base}/dir`, true)
  found['left'] = (await sftp.list(base)).map(({ name }) => name).toSorted()
  await sftp.end()
}

const client = new ssh2.Client()
client.on('error', (error: Error) => {
  console.error(error)
  process.exit(1)
})
client.on('ready', () => {
  // Or each request waits for the acknowledgement of the one before.
  client.setNoDelay(true)
  client.sftp((error, sftp) => {
    if (error !== undefined) throw error
    bare(sftp)
      .then(comfortable)
      .then(
        () => {
          writeFileSync(1, JSON.stringify(found))
          process.exit(0)
        },
        (fault: unknown) => {
          console.error(fault)
          process.exit(1)
        },
      )
  })
})
client.connect(reach)
