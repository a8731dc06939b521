// Owns making a file of data, or adding data to one. Knows no packets.
import type { Calls } from './calls.ts'
import { placeFile, type PlaceOptions } from './place-file.ts'
import { endOf, WriteBehind, writeAll, type Writable } from './write-behind.ts'

const append = async (calls: Calls, path: string, data: Writable, { mode, signal, sync }: PlaceOptions): Promise<void> => {
  const attributes = mode === undefined ? {} : { permissions: mode & 0o7777 }
  const file = await calls.open(path, { write: true, append: true, create: true }, attributes, { signal })
  let written = false
  try {
    const start = await endOf(calls, file, { signal })
    await writeAll(new WriteBehind(calls, file, { start, serial: true, signal }), data)
    if (sync === true) await calls.sync(file, { signal })
    written = true
  } finally {
    if (!written) void calls.closeQuietly(file)
  }
  await calls.close(file)
}

export const writeFile = async (
  calls: Calls,
  path: string,
  data: Writable,
  { flag = 'w', ...options }: PlaceOptions & { readonly flag?: 'w' | 'wx' | 'a' },
): Promise<void> => {
  const { signal } = options
  signal?.throwIfAborted()
  if (flag === 'a') await append(calls, path, data, options)
  else
    await placeFile(calls, path, { ...options, exclusive: flag === 'wx' }, async file => {
      await writeAll(new WriteBehind(calls, file, { signal }), data)
    })
}
