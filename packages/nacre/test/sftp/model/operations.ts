// What can be asked of a server of files in version 3, as plain values that can be drawn at random, printed, and run on
// anything. Paths and names are strings of bytes: each character is one byte.

export interface SetAttributes {
  readonly size?: number
  readonly permissions?: number
  readonly owner?: readonly [uid: number, gid: number]
  readonly times?: readonly [accessed: number, modified: number]
}

/**
 * `slot`: where a handle is kept, 0 to 3. A path that begins with a slash is below the folder all happens in; another is sent
 * as it is, and that folder is the working directory.
 */
export type Operation =
  | { readonly kind: 'open'; readonly slot: number; readonly path: string; readonly flags: number; readonly permissions?: number }
  /** `readdir` reads to the end; after that there is nothing. */
  | { readonly kind: 'close' | 'fstat' | 'fsync' | 'readdir'; readonly slot: number }
  | { readonly kind: 'read'; readonly slot: number; readonly position: number; readonly length: number }
  | { readonly kind: 'write'; readonly slot: number; readonly position: number; readonly length: number; readonly fill: number }
  | { readonly kind: 'fsetstat'; readonly slot: number; readonly attributes: SetAttributes }
  | { readonly kind: 'opendir'; readonly slot: number; readonly path: string }
  | { readonly kind: 'stat' | 'lstat' | 'rmdir' | 'remove' | 'readlink' | 'realpath' | 'expand' | 'statvfs'; readonly path: string }
  | { readonly kind: 'setstat' | 'lsetstat'; readonly path: string; readonly attributes: SetAttributes }
  | { readonly kind: 'mkdir'; readonly path: string; readonly permissions?: number }
  | { readonly kind: 'rename' | 'posix-rename' | 'hardlink'; readonly from: string; readonly to: string }
  | { readonly kind: 'symlink'; readonly target: string; readonly path: string }
  | {
      readonly kind: 'copy-data'
      readonly slot: number
      readonly position: number
      readonly length: number
      readonly into: number
      readonly at: number
    }
  | { readonly kind: 'limits' }

/** What a file is said to be. A field that is missing is not compared. */
export interface SeenAttributes {
  /** Kind and permissions in one, as in `st_mode`. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Of directories it is nobody's business. */
  readonly size?: number
  readonly accessed?: number
  readonly modified?: number
}

export interface Result {
  /** Of version 3: 0 to 8. */
  readonly status: number
  readonly attributes?: SeenAttributes
  /** Of a read: one character a byte. */
  readonly data?: string
  /** Of a directory, by name, without `.` and `..`. */
  readonly entries?: Readonly<Record<string, SeenAttributes>>
  /** Of readlink and realpath: what is below the folder all happens in begins with a slash. */
  readonly text?: string
  readonly limits?: readonly number[]
}

export interface Subject {
  readonly name: string
  perform(operation: Operation): Promise<Result>
  /** Everything is as it was at the start. */
  reset(): Promise<void>
  end(): Promise<void>
}

/** How deep the folder all happens in is below the one that was made for it. */
export const depth = 48

/** A path as it is called everywhere, whatever the folder all happens in is called here. */
export const seenFrom = (base: string, path: string): string => {
  if (path === base) return '/'
  if (path.startsWith(`${base}/`)) return path.slice(base.length)
  const above = base.split('/').length - depth
  return `outside:${path.split('/').slice(above).join('/')}`
}

/** The bytes a write writes: told apart by where they are and by which write it was. */
export const pattern = (fill: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at++) bytes[at] = (fill + at * 7) & 0xff
  return bytes
}

/** Numbers that look random and come again with the same seed (mulberry32). */
export const randomFrom = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below)
  }
}
type Random = (below: number) => number

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]

const plainNames = ['a', 'b', 'c', 'd']
const oddNames = [
  'x'.repeat(255),
  'y'.repeat(256),
  // Of 252 bytes: more than an overlay can mark as gone.
  'w'.repeat(252),
  '\xff\xfe',
  '\xc3\xa9',
  // Encoded surrogate, overlong slash, a character beyond the first plane.
  '\xed\xa0\x80',
  '\xc0\xaf',
  '\xf0\x9f\x98\x80',
  '\x01\n',
  '.hidden',
  '...',
  '-rf *',
  '\\',
]

/** How things are drawn: what is ordinary, and what is odd in `oddness` of a hundred. */
export interface Taste {
  readonly oddness: number
  /** Whether owners may be changed to others. */
  readonly root: boolean
  /** Whether there are hard links. */
  readonly links: boolean
}

const someName = (random: Random, { oddness }: Taste): string => {
  if (random(100) >= oddness) return pick(random, plainNames)
  if (random(4) === 0) {
    const length = 1 + random(3)
    let name = ''
    for (let at = 0; at < length; at++) name += String.fromCharCode(1 + random(255))
    return name.replaceAll('/', '_')
  }
  return pick(random, oddNames)
}

const somePath = (random: Random, taste: Taste): string => {
  const { oddness } = taste
  if (random(400) < oddness) return ''
  const parts: string[] = []
  for (let count = 1 + (random(3) === 0 ? 1 : 0) + (random(5) === 0 ? 1 : 0); count > 0; count--) {
    const odd = random(100) < oddness
    parts.push(odd ? pick(random, ['.', '..', '', '..']) : someName(random, taste))
  }
  if (random(1000) < oddness) parts.push(...Array.from({ length: 8 }, () => 'z'.repeat(250)), 'z'.repeat(2100))
  const path = parts.join('/')
  const end = random(100) < oddness ? pick(random, ['/', '//', '/.', '/..', '/./']) : ''
  // A long relative path is another length once it is absolute.
  return (random(3) === 0 && path.length < 1000 ? '' : '/') + path + end
}

/** Two paths. The second is never too long: which of two faults is told is nobody's business. */
const twoPaths = (random: Random, taste: Taste): { from: string; to: string } => {
  const from = somePath(random, taste)
  const to = somePath(random, taste) || 'a'
  const impossible = to.length > 1000 || to.split('/').some(name => name.length > 255)
  return { from: movable(from), to: impossible ? pick(random, plainNames) : movable(to) }
}

/** Not the folder all happens in, which is to stay there. */
const movable = (path: string): string => (/^\/+$/.test(path) ? `/${plainNames[0]}` : path)

const someTarget = (random: Random, taste: Taste): string => {
  const kind = random(20)
  // At most one step up in each: forty of them stay inside the folder.
  if (kind === 0) return '..'
  if (kind === 1) return `../${someName(random, taste)}`
  if (kind === 2) return '.'
  if (kind === 3) return '/'
  if (kind === 4) return `${someName(random, taste)}/`
  if (kind === 5) return random(3) === 0 ? '' : 'nowhere'
  if (kind === 6) return `${someName(random, taste)}/${someName(random, taste)}`
  return (random(2) === 0 ? '/' : '') + someName(random, taste)
}

const permissionsOf = (random: Random): number =>
  pick(random, [0o644, 0o755, 0o600, 0o777, 0o000, 0o444, 0o4755, 0o2755, 0o1777, 0o711, random(0o10000)])

const someAttributes = (random: Random, { root }: Taste): SetAttributes => {
  const size = pick(random, [0, 1, 10, 5000, 70_000, 300_000])
  const times = [random(4294967296), random(4294967296)] as const
  const owner = root
    ? ([pick(random, [0, 1000, 65534]), pick(random, [0, 1000, 65534])] as const)
    : ([65534, pick(random, [65534, 0])] as const)
  const which = random(10)
  if (which < 2) return { size }
  if (which < 5) return { permissions: permissionsOf(random) }
  if (which < 7) return { times }
  if (which === 7) return { owner }
  return {
    ...(random(2) === 0 ? { size } : {}),
    ...(random(2) === 0 ? { permissions: permissionsOf(random) } : {}),
    ...(random(2) === 0 ? { times } : {}),
    ...(random(2) === 0 ? { owner } : {}),
  }
}

const somePosition = (random: Random): number => pick(random, [0, 0, 0, 1, 5, 100, 4095, 65_530, 131_072, 262_140, random(300_000)])
const someLength = (random: Random): number => pick(random, [0, 1, 3, 10, 100, 1000, 9000])

const onHandles = (random: Random, taste: Taste): Operation => {
  const slot = random(4)
  switch (random(10)) {
    case 0:
    case 1:
      return { kind: 'close', slot }
    case 2:
      return { kind: 'fstat', slot }
    case 3:
      return random(4) === 0 ? { kind: 'fsync', slot } : { kind: 'readdir', slot }
    case 4:
    case 5:
      return { kind: 'read', slot, position: somePosition(random), length: someLength(random) }
    case 6:
    case 7:
      return { kind: 'write', slot, position: somePosition(random), length: someLength(random), fill: random(256) }
    case 8:
      return { kind: 'fsetstat', slot, attributes: someAttributes(random, taste) }
    default:
      return {
        kind: 'copy-data',
        slot,
        position: pick(random, [0, 0, 3, 5000]),
        length: pick(random, [0, 1, 100, 70_000]),
        into: random(4),
        at: pick(random, [0, 0, 10, 70_000]),
      }
  }
}

const onPaths = (random: Random, taste: Taste): Operation => {
  const path = somePath(random, taste)
  const kind = random(32)
  if (kind < 7) {
    // Mostly something that makes files, now and then every combination.
    const flags = random(3) === 0 ? random(64) : pick(random, [0x0a, 0x1a, 0x0b, 0x01, 0x02, 0x03, 0x0e, 0x2a])
    return { kind: 'open', slot: random(4), path, flags, ...(random(2) === 0 ? { permissions: permissionsOf(random) } : {}) }
  }
  if (kind < 11) return { kind: 'mkdir', path, ...(random(2) === 0 ? { permissions: permissionsOf(random) | 0o700 } : {}) }
  if (kind < 13) return { kind: 'opendir', slot: random(4), path }
  if (kind < 16) return { kind: 'symlink', target: someTarget(random, taste), path: path || 'b' }
  if (kind < 18) return { kind: 'rename', ...twoPaths(random, taste) }
  if (kind < 20) return { kind: 'posix-rename', ...twoPaths(random, taste) }
  if (kind === 20) return taste.links ? { kind: 'hardlink', ...twoPaths(random, taste) } : { kind: 'lstat', path }
  if (kind < 23) return { kind: 'setstat', path: path || 'c', attributes: someAttributes(random, taste) }
  if (kind === 23) return { kind: 'lsetstat', path: path || 'c', attributes: someAttributes(random, taste) }
  if (kind === 24) return { kind: 'realpath', path }
  if (kind === 25) return { kind: pick(random, ['realpath', 'expand', 'statvfs', 'readlink']), path }
  if (kind === 26) return { kind: 'rmdir', path: movable(path) }
  return { kind: pick(random, ['stat', 'lstat', 'remove', 'remove', 'readlink']), path }
}

export const someOperations = (random: Random, count: number, taste: Taste): Operation[] =>
  Array.from({ length: count }, () => {
    if (random(300) === 0) return { kind: 'limits' }
    return random(3) === 0 ? onHandles(random, taste) : onPaths(random, taste)
  })

/** What is below an overlay: no handle is used, and no second name is given. */
export const somePopulation = (random: Random, count: number, taste: Taste): Operation[] => {
  const all: Operation[] = []
  while (all.length < count) {
    const one = onPaths(random, { ...taste, links: false })
    if (one.kind === 'open') {
      all.push({ ...one, slot: 0, flags: 0x0a })
      all.push({ kind: 'write', slot: 0, position: somePosition(random), length: someLength(random), fill: random(256) })
      all.push({ kind: 'close', slot: 0 })
    } else if (one.kind === 'mkdir' || one.kind === 'symlink' || one.kind === 'setstat') all.push(one)
  }
  return all
}

const far = 5 * 2 ** 30

/** What random operations seldom meet. */
export const seldom: readonly (readonly Operation[])[] = [
  // A directory that is renamed, and one that is removed, while they are read.
  [
    { kind: 'mkdir', path: '/a' },
    { kind: 'mkdir', path: '/a/b' },
    { kind: 'symlink', target: 'x', path: '/a/c' },
    { kind: 'mkdir', path: '/d' },
    { kind: 'opendir', slot: 0, path: '/a' },
    { kind: 'opendir', slot: 1, path: '/d' },
    { kind: 'rename', from: '/a', to: '/c' },
    { kind: 'rmdir', path: '/d' },
    { kind: 'readdir', slot: 0 },
    { kind: 'readdir', slot: 1 },
  ],
  // Beyond what 32 bits can say.
  [
    { kind: 'open', slot: 0, path: '/a', flags: 0x0b },
    { kind: 'write', slot: 0, position: far, length: 100, fill: 7 },
    { kind: 'fstat', slot: 0 },
    { kind: 'read', slot: 0, position: far - 10, length: 200 },
    { kind: 'fsetstat', slot: 0, attributes: { size: far + 50 } },
    { kind: 'read', slot: 0, position: far, length: 200 },
    { kind: 'setstat', path: '/a', attributes: { size: far * 2 } },
    { kind: 'stat', path: '/a' },
    { kind: 'read', slot: 0, position: far, length: 60 },
  ],
  // A file without a name, with two, and replaced.
  [
    { kind: 'open', slot: 0, path: '/a', flags: 0x0b },
    { kind: 'write', slot: 0, position: 0, length: 100, fill: 1 },
    { kind: 'hardlink', from: '/a', to: '/b' },
    { kind: 'remove', path: '/a' },
    { kind: 'write', slot: 0, position: 50, length: 100, fill: 2 },
    { kind: 'stat', path: '/b' },
    { kind: 'open', slot: 1, path: '/c', flags: 0x0e },
    { kind: 'write', slot: 1, position: 0, length: 10, fill: 3 },
    { kind: 'posix-rename', from: '/c', to: '/b' },
    { kind: 'write', slot: 1, position: 0, length: 10, fill: 4 },
    { kind: 'fstat', slot: 0 },
    { kind: 'read', slot: 0, position: 0, length: 200 },
    { kind: 'fsetstat', slot: 0, attributes: { permissions: 0o600, times: [5, 4_294_967_295] } },
    { kind: 'fstat', slot: 0 },
  ],
  // As many links as may be followed, and one more.
  [
    { kind: 'mkdir', path: '/0' },
    ...Array.from({ length: 41 }, (_, at): Operation => ({ kind: 'symlink', target: String(at), path: `/${at + 1}` })),
    { kind: 'stat', path: '/40' },
    { kind: 'stat', path: '/41' },
    { kind: 'lstat', path: '/41' },
    { kind: 'mkdir', path: '/40/x' },
    { kind: 'open', slot: 0, path: '/41/y', flags: 0x0a },
    { kind: 'realpath', path: '/20/x' },
  ],
  // A link to a directory, named as the directory.
  [
    { kind: 'mkdir', path: '/c' },
    { kind: 'symlink', target: 'c', path: '/b' },
    { kind: 'rename', from: '/b/', to: '/b' },
    { kind: 'rename', from: '/b/', to: '/d' },
    { kind: 'posix-rename', from: '/b/', to: '/d' },
    { kind: 'remove', path: '/b/' },
    { kind: 'rmdir', path: '/b/' },
    { kind: 'lstat', path: '/b/' },
    { kind: 'readlink', path: '/b/' },
    { kind: 'hardlink', from: '/b/', to: '/e' },
    { kind: 'mkdir', path: '/b/x/' },
  ],
  // Every byte there is in a name.
  Array.from({ length: 255 }, (_, at): Operation => ({ kind: 'mkdir', path: `/n${String.fromCharCode(at + 1)}` })),
]

/** As somebody can read and paste it. */
export const printed = (operations: readonly Operation[]): string =>
  operations
    .map(operation =>
      JSON.stringify(operation, (_key, value) =>
        typeof value === 'string' && value.length > 300 ? `${value.slice(0, 40)}…(${value.length})` : value,
      ),
    )
    .join('\n')
