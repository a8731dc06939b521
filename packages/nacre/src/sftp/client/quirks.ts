// Owns what must be done differently with particular servers of SFTP: one row each, recognised by the software version of the
// SSH server. Knows no packets.

export interface SftpQuirks {
  /** SYMLINK takes the link first and then what it points to, as the draft has it. OpenSSH and most others take them the other way round. */
  readonly linkFirst: boolean
  /** RENAME refuses when the new name is taken. The draft demands it; servers that just call rename(2) replace what is there. */
  readonly renameRefuses: boolean
  /** Bytes of a read or write that it takes though it does not announce limits@openssh.com. */
  readonly request: number | undefined
}

interface QuirkRow extends Partial<SftpQuirks> {
  readonly matches: RegExp
  /** Where this is known from. */
  readonly because: string
}

const usual: SftpQuirks = { linkFirst: false, renameRefuses: false, request: undefined }

const rows: readonly QuirkRow[] = [
  { matches: /^OpenSSH/, because: 'sftp-server.c: process_rename links, then unlinks', renameRefuses: true },
  // 8.5 was the first with limits@openssh.com; packets of 256 KiB were taken long before.
  { matches: /^OpenSSH_(?:[5-7]\.|8\.[0-4])/, because: 'sftp-common.h: SFTP_MAX_MSG_LENGTH', request: 255 * 1024 },
  { matches: /^nacre/, because: 'our own', renameRefuses: true },
  { matches: /^AsyncSSH/, because: 'its server takes the order of the draft but from clients named OpenSSH or paramiko', linkFirst: true },
  { matches: /^ssh2js/, because: 'its server takes the order of the draft but from clients named OpenSSH', linkFirst: true },
]

/** `software` as in the identification of SSH, after `SSH-2.0-`; '' when it is not known. */
export const quirksOf = (software: string): SftpQuirks =>
  rows
    .filter(row => row.matches.test(software))
    .reduce<SftpQuirks>(
      (quirks, { linkFirst, renameRefuses, request }) => ({
        linkFirst: linkFirst ?? quirks.linkFirst,
        renameRefuses: renameRefuses ?? quirks.renameRefuses,
        request: request ?? quirks.request,
      }),
      usual,
    )
