// Owns what is mounted where: which file systems may hang, which are read-only, which are the kernel's windows into
// processes. From /proc/self/mountinfo (proc_pid_mountinfo(5)). Knows no files.
import { readFileSync } from 'node:fs'

export interface Mount {
  /** As in /proc/self/fdinfo. */
  readonly id: number
  /** `major:minor` of `st_dev`, as `deviceText` makes it. */
  readonly device: string
  readonly point: string
  readonly type: string
  readonly readOnly: boolean
  readonly noSetuid: boolean
}

/** File systems behind a network or a program: a call may wait for either without end. */
const remoteTypes =
  /^(nfs|nfs4|cifs|smb3|smbfs|ncpfs|9p|afs|ceph|lustre|gpfs|ocfs2|gfs2|beegfs|orangefs|coda|autofs|virtiofs|vboxsf|drvfs|prl_fs|fuse|fuseblk|fuse\..*)$/
/** Mounts of the system for itself, which nobody meets by way of a file. */
const systemPoints = /^\/(proc|sys|dev|run)(\/|$)/
/** Windows into the kernel and into processes, this one included: what is in them opens any file of theirs. */
const processTypes = new Set(['proc'])

const unescape = (text: string): string => text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))

/** The rows of a mountinfo file; those that cannot be read are left out. */
export const parseMounts = (text: string): readonly Mount[] =>
  text.split('\n').flatMap(line => {
    const [before, after] = line.split(' - ')
    if (after === undefined) return []
    const [id, , device, , point, options] = before.split(' ')
    const [type, , superOptions = ''] = after.split(' ')
    const has = (name: string): boolean => options.split(',').includes(name) || superOptions.split(',').includes(name)
    return [{ id: Number(id), device, point: unescape(point), type, readOnly: has('ro'), noSetuid: has('nosuid') }]
  })

const isUnder = (point: string, root: string): boolean => root === '/' || point === root || point.startsWith(`${root}/`)
export const isRemote = (mount: Mount): boolean => remoteTypes.test(mount.type) && !systemPoints.test(mount.point)
export const isOfProcesses = (mount: Mount): boolean => processTypes.has(mount.type)

/** `st_dev` of Linux as mountinfo has it (makedev(3)). */
export const deviceText = (device: bigint): string => {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n)
  return `${major}:${minor}`
}

let lastText = ''
let lastMounts: readonly Mount[] = []

/** What is mounted now, the same list as long as nothing changes; `undefined` where the system does not say. */
export const readMounts = (): readonly Mount[] | undefined => {
  try {
    const text = readFileSync('/proc/self/mountinfo', 'latin1')
    if (text !== lastText) {
      lastMounts = parseMounts(text)
      lastText = text
    }
    return lastMounts
  } catch {
    return undefined
  }
}

/** Milliseconds after which the table is read anew. */
const freshness = 3_000
let readAt = Number.NEGATIVE_INFINITY
let recent: readonly Mount[] | undefined

/** As `readMounts`, but read at most every few seconds, for everybody who asks. */
const recentMounts = (now: number): readonly Mount[] | undefined => {
  if (now - readAt >= freshness || now < readAt) {
    readAt = now
    recent = readMounts()
  }
  return recent
}

export interface MountTable {
  /** Whether something under the root may hang; so where nobody knows. */
  mayHang(now: number): boolean
  /** The devices under the root that are windows into processes, as in `st_dev`. */
  ofProcesses(now: number): ReadonlySet<string>
}

/** Watches what is mounted at or under `root`, and what `root` itself is on. `now` is `performance.now()`. */
export const watchMounts = (root: string): MountTable => {
  let seen: readonly Mount[] | undefined
  let hang = true
  let processes: ReadonlySet<string> = new Set()
  const look = (now: number): void => {
    const all = recentMounts(now)
    if (all === seen) return
    seen = all
    const under = all?.filter(mount => isUnder(mount.point, root))
    const above = all?.filter(mount => isUnder(root, mount.point)).sort((one, other) => one.point.length - other.point.length)
    const reached = under && above ? [...under, ...above.slice(-1)] : undefined
    hang = reached === undefined || reached.some(isRemote)
    processes = new Set(reached?.filter(isOfProcesses).map(mount => mount.device))
  }
  return {
    mayHang: now => {
      look(now)
      return hang
    },
    ofProcesses: now => {
      look(now)
      return processes
    },
  }
}
