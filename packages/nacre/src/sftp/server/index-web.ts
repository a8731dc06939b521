// The public face of file servers where there is no Node. Bundles for browsers find it under `nacre/sftp/server`.
export { SftpError, sftpStatuses } from '../../errors.ts'
export type { SftpErrorDetails, SftpStatus } from '../../errors.ts'
export type { Attributes, FileTime, FileType } from '../attributes.ts'
export { asBytes, asStatus } from '../extensions/row.ts'
export type { AnswerShape, ExtensionRow, ServedFile, Serving } from '../extensions/row.ts'
export { partialFiles } from '../files.ts'
export { memoryFiles } from '../files/memory.ts'
export type { MemoryFile, MemoryFiles, MemoryFilesOptions, MemoryListing } from '../files/memory.ts'
export { overlayFiles } from '../files/overlay.ts'
export { readOnlyFiles } from '../files/read-only.ts'
export type { FileEntry, Files, FilesystemStat, Listing, MaybePromise, OpenFile, OpenOptions } from '../files.ts'
export type { BytePipe, PipeTap } from '../pipe.ts'
export { statusTexts } from '../status.ts'
export type { SftpVersionNumber } from '../versions/version.ts'
export { defaultLimits, sftpRequestNames } from './options.ts'
export type {
  AnsweredRequest,
  ClosedHandle,
  MakeHasher,
  OpenedHandle,
  ReceivedRequest,
  SftpLimits,
  SftpServerLog,
  SftpServerOptions,
  UnfinishedFile,
} from './options.ts'
export type { SftpHandlerOptions } from './serve.ts'
export { defaultPatience, outlasting, sessionPipe } from './session-pipe.ts'
export type { PipedSession } from './session-pipe.ts'
export { serveSftp, sftpServer } from './serve-web.ts'
