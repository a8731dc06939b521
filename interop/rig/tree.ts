// Owns small trees of files with every kind of name, made on this machine and compared byte by byte. Knows nothing of who
// carries them.
import { chmodSync, chownSync, type Dirent, lstatSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { bytesOf, sha256 } from './bytes.ts'

/** A path of any bytes. */
const at = (folder: string, name: Buffer): Buffer => Buffer.concat([Buffer.from(`${folder}/`), name])

/** One name for each byte a name can hold; without the line feed, unless it is wanted. */
const everyByte = (lineFeed: boolean): readonly Buffer[] =>
  Array.from({ length: 255 }, (_, index) => index + 1)
    .filter(byte => byte !== 0x2f && (lineFeed || byte !== 0x0a))
    .map(byte => Buffer.from([0x6e, byte, 0x65]))

const plainNames = ['plain', 'two words', "it's", 'a "quote"', '-dash', '.hidden', '$HOME', '`id`', '*', 'a;b', '珍珠']

export interface TreeOptions {
  /** Names with every byte there is, a line feed among them or not; otherwise text that Windows' people could type too. */
  readonly names: 'every byte' | 'every byte but line feed' | 'text'
}

/** Makes a tree in `folder`, which is there: files of several sizes, modes and times, and directories. */
export const makeTree = (folder: string, { names }: TreeOptions): void => {
  mkdirSync(`${folder}/inner/deep`, { recursive: true })
  mkdirSync(`${folder}/empty`)
  const sizes = [0, 1, 32_768, 262_145, 1_500_000]
  for (const [index, size] of sizes.entries()) {
    const path = `${folder}/inner/${size}.bin`
    writeFileSync(path, bytesOf(size + index).subarray(index))
    chmodSync(path, [0o644, 0o600, 0o755, 0o440, 0o666][index] ?? 0o644)
    utimesSync(path, 1_000_000_000 + index, 1_100_000_000 + index)
  }
  const odd = names === 'text' ? [] : everyByte(names === 'every byte')
  if (names !== 'text') writeFileSync(`${folder}/inner/deep/back\\slash`, '')
  for (const name of [...plainNames.map(each => Buffer.from(each)), ...odd]) writeFileSync(at(`${folder}/inner/deep`, name), name)
  utimesSync(`${folder}/inner/deep`, 1_200_000_000, 1_200_000_001)
}

/** Gives a tree to a user. */
export const giveTree = (folder: Buffer, uid: number): void => {
  chownSync(folder, uid, uid)
  if (!lstatSync(folder).isDirectory()) return
  for (const name of readdirSync(folder, { encoding: 'buffer' })) giveTree(Buffer.concat([folder, Buffer.from('/'), name]), uid)
}

/** What is in a folder, a line each, sorted: name in hexadecimal, kind, mode, seconds of its last change, content. */
export const treeOf = (folder: string | Buffer, what: { readonly modes?: boolean; readonly times?: boolean } = {}): readonly string[] => {
  const root = typeof folder === 'string' ? Buffer.from(folder) : folder
  const entries: readonly Dirent<Buffer>[] = readdirSync(root, { withFileTypes: true, encoding: 'buffer' })
  return entries
    .flatMap(entry => {
      const path = Buffer.concat([root, Buffer.from('/'), entry.name])
      const stat = lstatSync(path)
      const facts = [
        entry.name.toString('latin1'),
        entry.isDirectory() ? 'directory' : sha256(readFileSync(path)).slice(0, 16),
        ...(what.modes === true ? [(stat.mode & 0o777).toString(8)] : []),
        ...(what.times === true ? [String(Math.floor(stat.mtimeMs / 1000))] : []),
      ].join(' ')
      return entry.isDirectory() ? [facts, ...treeOf(path, what).map(line => `${entry.name.toString('latin1')}/${line}`)] : [facts]
    })
    .toSorted()
}
