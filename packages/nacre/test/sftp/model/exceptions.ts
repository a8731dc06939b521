// Where files of ours, or our server, do on purpose what OpenSSH's sftp-server does not. Each row is a switch in the model;
// whatever is not in this table is a fault of ours.

export const exceptions = {
  'rename-never-replaces':
    'RENAME must not replace (draft-ietf-secsh-filexfer-02 §6.5). OpenSSH looks with stat(2) whether something is at the new ' +
    'name, and so replaces a symbolic link that leads nowhere, and lets a directory or link be renamed to itself.',
  'bad-handle-is-no-missing-file':
    'OpenSSH says "no such file" (EBADF) of a handle that is none, or not open for what is asked. Ours says `failure`, or that ' +
    'it is not permitted: the file is there, and a client that makes it anew on "no such file" would do harm.',
  'listing-is-of-the-directory':
    'OpenSSH looks for each name of an open directory under the path it was opened by. When it was renamed meanwhile, its ' +
    'names are left out, or have the attributes of something else. So it is with local files; others show what is there.',
  'copy-data-tells':
    'OpenSSH forgets what went wrong when the fault is in the last 64 KiB that were asked for, and says "ok" of bytes that were ' +
    'not copied; it refuses any two handles of one name. Ours says what is wrong, and copies within a file where ranges do ' +
    'not overlap. The end of the file before the range is none of ours to complain of.',
  'real-path-of-the-system':
    'OpenSSH resolves by itself: `..` after a file, or after a name too long, takes it off the text. Files of the machine ' +
    'answer as the system does, which says that a file is no directory.',
  'another-reason':
    'Files of the machine that rename by other calls, or resolve `.`, `..` and links themselves, meet another reason to refuse ' +
    'that the first two are removed, moved or replaced, or what has a slash after its name, or that a file is made of such a ' +
    'name. Refused it is in any case.',
} as const
export type Exception = keyof typeof exceptions

const always: readonly Exception[] = ['rename-never-replaces', 'bad-handle-is-no-missing-file', 'copy-data-tells']

/** What each kind of files may do otherwise. */
export const exceptionsOf = {
  openssh: new Set<Exception>(),
  memory: new Set<Exception>([...always, 'listing-is-of-the-directory']),
  overlay: new Set<Exception>([...always, 'listing-is-of-the-directory']),
  disk: new Set<Exception>([...always, 'real-path-of-the-system', 'another-reason']),
  root: new Set<Exception>([...always, 'listing-is-of-the-directory', 'real-path-of-the-system', 'another-reason']),
} as const satisfies Record<string, ReadonlySet<Exception>>
