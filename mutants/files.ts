// Faults by which somebody gets out of a folder, or a file is lost.
import type { Mutant } from './mutant.ts'

const confinement = 'sftp/files/confinement-node.test.ts'
const renames = 'sftp/files/rename-node.test.ts'

export const filesMutants: readonly Mutant[] = [
  {
    name: 'a folder on the way may be a link that the system follows',
    file: 'sftp/files/walk-node.ts',
    from: 'const folderFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW',
    to: 'const folderFlags = O_PATH | O_DIRECTORY | (O_NOFOLLOW & 0)',
    test: confinement,
    fails: ['a folder that is an absolute link: links lead inside, calls at once', 'a folder that is a link to dots: links are refused'],
  },
  {
    name: 'a file that is opened may be a link that the system follows',
    file: 'sftp/files/confined-node.ts',
    from: 'const flags = flagsOf(options) | O_NOFOLLOW',
    to: 'const flags = flagsOf(options) | (O_NOFOLLOW & 0)',
    test: confinement,
    fails: ['an absolute link: links lead inside, calls at once', 'a relative link: links are refused'],
  },
  {
    name: 'attributes are set on what a link leads to, wherever that is',
    file: 'sftp/files/confined-node.ts',
    from: 'calls.open(place, O_PATH | O_NOFOLLOW)',
    to: 'calls.open(place, O_PATH | (O_NOFOLLOW & 0))',
    test: confinement,
    fails: ['an absolute link: links lead inside, calls in the thread pool', 'a link with many dots: links are refused'],
  },
  {
    name: 'an absolute link goes on from the folder it is in',
    file: 'sftp/files/walk-node.ts',
    from: "if (text.startsWith('/')) trail.toRoot()",
    to: "if (text.startsWith('//')) trail.toRoot()",
    test: confinement,
    fails: ['absolute links begin at the root, and dots end there'],
  },
  {
    name: 'links that are refused are followed',
    file: 'sftp/files/walk-node.ts',
    from: "if (!root.followsLinks || ++links > mostLinks) throw refusal('ELOOP')",
    to: "if (++links > mostLinks) throw refusal('ELOOP')",
    test: confinement,
    fails: ['refusing links: they are seen, read and removed, never followed or made'],
  },
  {
    name: 'links of others are followed where everybody may write',
    file: 'sftp/files/walk-node.ts',
    from: 'if ((Number(mode) & 0o1002) !== 0o1002) return',
    to: 'if (Number(mode) >= 0) return',
    test: 'sftp/files/rights-node.test.ts',
    fails: ['a link of somebody else in a folder where everybody may write is not followed'],
  },
  {
    name: 'files of processes are files like others',
    file: 'sftp/files/mounts-node.ts',
    from: "const processTypes = new Set(['proc'])",
    to: "const processTypes = new Set(['none'])",
    test: confinement,
    fails: ['a root that contains /proc does not lead out by it'],
  },
  {
    name: 'the folder is closed while somebody is on the way in it',
    file: 'sftp/files/rooted-node.ts',
    from: 'if (!disposed || users > 0) return',
    to: 'if (!disposed) return',
    test: confinement,
    fails: ['let go of, the folder is closed once nothing is under way, and asked again it refuses'],
  },
  {
    name: 'a file takes a name that another one has',
    file: 'sftp/files/change-node.ts',
    from: 'yield* calls.link(from, to)\n    return true',
    to: 'yield* calls.rename(from, to)\n    yield* calls.link(to, from)\n    return true',
    test: renames,
    fails: ['a file does not take the name of a file'],
  },
  {
    name: 'a folder takes the name of an empty one',
    file: 'sftp/files/change-node.ts',
    from: 'yield* calls.mkdir(to, 0o700)\n',
    to: '',
    test: renames,
    fails: ['a folder does not take the name of a empty folder'],
  },
  {
    name: 'appending, writes overtake one another',
    file: 'sftp/files/open-file-node.ts',
    from: 'return append ? writeInOrder(position, bytes) : writeOne(position, bytes)',
    to: 'return append ? writeOne(position, bytes) : writeOne(position, bytes)',
    test: 'sftp/files/local-node.test.ts',
    fails: ['appending, writes come one after the other whatever position they name'],
  },
  {
    name: 'a pipe is waited for',
    file: 'sftp/files/opening-node.ts',
    from: 'if (!isRegular(stats) && !isDirectory(stats) &&',
    to: 'if (isLink(stats) && !isDirectory(stats) &&',
    test: 'sftp/files/local-node.test.ts',
    fails: ['a pipe is never waited for, and nothing but a file is read'],
  },
]
