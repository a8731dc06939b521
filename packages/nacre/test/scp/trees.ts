// Owns small file trees in memory for the tests, written and read in one line. Knows no scp.
import { memoryFiles, type MemoryFiles } from '../../src/sftp/files/memory.ts'

const opened = { read: true, write: true, append: false, create: true, exclusive: false, truncate: false, noFollow: false } as const

/** Files by path; a value of `undefined` is a directory. Parents come before what is in them. */
export const treeOf = (entries: Readonly<Record<string, string | undefined>>): MemoryFiles => {
  const files = memoryFiles({ users: [{ name: 'wanda', uid: 7, home: '/home/wanda' }] })
  for (const [path, text] of Object.entries(entries)) {
    if (text === undefined) files.makeDirectory(path, { permissions: 0o755 })
    else put(files, path, text)
  }
  return files
}

export const put = (files: MemoryFiles, path: string, text: string, permissions = 0o644): void => {
  const file = files.open(path, opened, { permissions })
  file.write(0, Buffer.from(text, 'latin1'))
  file.setAttributes({ permissions })
  file.close()
}

/** What is in a file, a character a byte; `undefined` when it is not there. */
export const contentOf = (files: MemoryFiles, path: string): string | undefined => {
  try {
    const { size } = files.stat(path, true)
    const file = files.open(path, { ...opened, write: false, create: false }, {})
    const bytes = new Uint8Array(size ?? 0)
    file.read(0, bytes)
    file.close()
    return Buffer.from(bytes).toString('latin1')
  } catch {
    return undefined
  }
}

/** All names below a directory, directories with a slash. */
export const namesIn = (files: MemoryFiles, directory: string): readonly string[] => {
  const names: string[] = []
  const listing = files.list(directory)
  for (let some = listing.next(); some !== undefined; some = listing.next())
    for (const { name, attributes } of some)
      if (name !== '.' && name !== '..') {
        const path = directory === '/' ? `/${name}` : `${directory}/${name}`
        if (attributes.type === 'directory') names.push(`${path}/`, ...namesIn(files, path))
        else names.push(path)
      }
  listing.close()
  return names.sort()
}
