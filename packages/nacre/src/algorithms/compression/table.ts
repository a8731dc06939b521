// Owns the order of the compressions we know. Knows nothing of negotiation.
import { none } from './none.ts'
import { zlib, zlibOpenssh } from './zlib.ts'

export const compressions = [none, zlibOpenssh, zlib] as const
