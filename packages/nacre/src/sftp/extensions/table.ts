// Owns the list of SFTP extensions, in the order a server announces them. A new one is a file and a line here, or a row in the
// server's option `extensions`.
import { checkFileHandle } from './check-file-handle.ts'
import { checkFileName } from './check-file-name.ts'
import { checkFile } from './check-file.ts'
import { copyData } from './copy-data.ts'
import { copyFile } from './copy-file.ts'
import { expandPath } from './expand-path.ts'
import { fstatvfs } from './fstatvfs.ts'
import { fsync } from './fsync.ts'
import { hardlink } from './hardlink.ts'
import { homeDirectory } from './home-directory.ts'
import { limits } from './limits.ts'
import { lsetstat } from './lsetstat.ts'
import { md5HashHandle } from './md5-hash-handle.ts'
import { md5Hash } from './md5-hash.ts'
import { newline } from './newline.ts'
import { posixRename } from './posix-rename.ts'
import type { ExtensionRow } from './row.ts'
import { spaceAvailable } from './space-available.ts'
import { statvfs } from './statvfs.ts'
import { supported } from './supported.ts'
import { supported2 } from './supported2.ts'
import { textSeek } from './text-seek.ts'
import { usersGroupsById } from './users-groups-by-id.ts'
import { vendorId } from './vendor-id.ts'
import { versionSelect } from './version-select.ts'
import { versions } from './versions.ts'

export const extensions: readonly ExtensionRow[] = [
  newline,
  vendorId,
  supported,
  supported2,
  versions,
  versionSelect,
  posixRename,
  statvfs,
  fstatvfs,
  hardlink,
  fsync,
  lsetstat,
  limits,
  expandPath,
  copyData,
  homeDirectory,
  usersGroupsById,
  copyFile,
  checkFile,
  checkFileHandle,
  checkFileName,
  md5Hash,
  md5HashHandle,
  spaceAvailable,
  textSeek,
]
