// Owns what must be done differently with particular clients of SFTP: one row each, recognised by the software version of the
// SSH client. Knows no packets.

interface QuirkRow {
  readonly matches: RegExp
  /** Where this is known from. */
  readonly because: string
  /** In version 3 it sends SYMLINK as the draft has it, the link first and then what it points to, to all servers but OpenSSH's. */
  readonly linkFirst: boolean
}

const rows: readonly QuirkRow[] = [
  { matches: /^AsyncSSH/, because: 'its client takes the order of OpenSSH at servers named OpenSSH only', linkFirst: true },
  { matches: /^ssh2js/, because: 'its client takes the order of OpenSSH at servers named OpenSSH only', linkFirst: true },
]

/** Whether SYMLINK of version 3 has the link first. `software` as in the identification of SSH, after `SSH-2.0-`; '' when it is not known. */
export const sendsLinkFirst = (software: string): boolean => rows.some(row => row.matches.test(software) && row.linkFirst)
