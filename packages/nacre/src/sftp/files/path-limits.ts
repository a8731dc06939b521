// Owns how long names and paths may be, as Linux counts them: in bytes. Knows no file system.
import { bytesOfName } from '../names.ts'
import { fault } from './faults.ts'

/** `NAME_MAX` and `PATH_MAX` of Linux, the NUL not counted. */
export const maximumName = 255
export const maximumPath = 4095
/** path_resolution(7): symbolic links on one way. */
export const maximumHops = 40

/** Whether `name` has more than `most` bytes. */
export const longerThan = (name: string, most: number): boolean =>
  name.length > most || (name.length * 3 > most && bytesOfName(name).length > most)

/** Refuses a path that a kernel would not even begin to resolve. */
export const checkPath = (path: string, operation: string): void => {
  if (path === '') throw fault('ENOENT', operation, path)
  if (longerThan(path, maximumPath)) throw fault('ENAMETOOLONG', operation, path)
}
