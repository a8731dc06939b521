// Owns statvfs(3) put together from what Node and /proc say. Knows no paths of clients.
import { readFileSync } from 'node:fs'
import type { FilesystemStat } from '../files.ts'
import { calls, type Place, type Task } from './disk-node.ts'
import { type Mount, readMounts } from './mounts-node.ts'

/** `NAME_MAX` of file systems that do not have 255 (statfs(2) `f_type`). */
const otherNames: ReadonlyMap<number, number> = new Map([
  // eCryptfs writes names longer than they are.
  [0xf15f, 143],
  [0x9660, 255],
])

/** The mount an open descriptor is on, by the number the kernel gives it. */
const mountOf = (fd: number): Mount | undefined => {
  try {
    const id = Number(/^mnt_id:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1])
    return readMounts()?.find(mount => mount.id === id)
  } catch {
    return undefined
  }
}

/**
 * The file system `place` is on, which `fd` holds open. Node tells sizes and counts as statfs(2) has them. `readOnly` and
 * `noSetuid` come from the table of mounts. `id` is the device number, since Node keeps `f_fsid` to itself.
 */
export function* spaceOf(place: Place, fd: number): Task<FilesystemStat> {
  const space = yield* calls.statfs(place)
  const { dev } = yield* calls.fstat(fd)
  const mount = mountOf(fd)
  return {
    blockSize: space.bsize,
    // Node before 24.15 does not know it; on Linux it is nearly always the same.
    fragmentSize: (space as { frsize?: number }).frsize ?? space.bsize,
    blocks: space.blocks,
    freeBlocks: space.bfree,
    availableBlocks: space.bavail,
    files: space.files,
    freeFiles: space.ffree,
    availableFiles: space.ffree,
    id: dev,
    readOnly: mount?.readOnly ?? false,
    noSetuid: mount?.noSetuid ?? false,
    maximumName: otherNames.get(space.type) ?? 255,
  }
}
