// Owns the list of versions, by number. A new one is a file and a line here.
import type { SftpVersion, SftpVersionNumber } from './version.ts'
import { version3 } from './version3.ts'
import { version4 } from './version4.ts'
import { version5 } from './version5.ts'
import { version6 } from './version6.ts'

export const sftpVersions: Readonly<Record<SftpVersionNumber, SftpVersion>> = { 3: version3, 4: version4, 5: version5, 6: version6 }
