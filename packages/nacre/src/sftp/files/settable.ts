// Owns which attributes can be set at all. Knows no file system.
import type { Attributes } from '../attributes.ts'

const settable = ['size', 'permissions', 'accessed', 'modified', 'created', 'uid', 'gid', 'owner', 'group'] as const

/** Whether nothing is to be set: then a file is not even looked for, as OpenSSH's server has it. */
export const setsNothing = (attributes: Attributes): boolean => settable.every(name => attributes[name] === undefined)
