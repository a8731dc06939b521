// Owns what must be done differently with particular clients of SFTP: one row each, recognised by the software version of the
// SSH client. Knows no packets.

interface QuirkRow {
  readonly matches: RegExp
  /** Versions of SFTP, the lowest and the highest. */
  readonly versions: readonly [number, number]
  /** Where this is known from. */
  readonly because: string
  /**
   * It sends the arguments of SYMLINK the other way round: in version 3 as the draft has them, the link first and then what it
   * points to; in later ones as OpenSSH has them in version 3.
   */
  readonly swapsLink: boolean
}

const rows: readonly QuirkRow[] = [
  {
    matches: /^AsyncSSH/,
    versions: [3, 3],
    because: 'its client takes the order of OpenSSH at servers named OpenSSH only',
    swapsLink: true,
  },
  { matches: /^ssh2js/, versions: [3, 3], because: 'its client takes the order of OpenSSH at servers named OpenSSH only', swapsLink: true },
  {
    matches: /^OpenSSH/,
    versions: [4, 5],
    because: 'its own sftp speaks version 3 only; lftp, which speaks through ssh, has the order of OpenSSH in these too',
    swapsLink: true,
  },
]

/** Whether SYMLINK comes the other way round. `software` as in the identification of SSH, after `SSH-2.0-`; '' when it is not known. */
export const swapsLink = (software: string, version: number): boolean =>
  rows.some(row => row.matches.test(software) && row.versions[0] <= version && version <= row.versions[1] && row.swapsLink)
