// The public face of files on a server on Node: all of the other, and Node's streams.
export * from './index-web.ts'
export { openSftp } from './client/open-node.ts'
export { createReadStream, createWriteStream } from './client/streams-node.ts'
