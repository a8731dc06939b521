// Owns the public map of `nacre/keys/node`: what of keys needs a disk. Knows nothing else.
export { appendLine, type EditedFile, type EditFileOptions, editTextFile } from './edit-file-node.ts'
export { loadPrivateKeyFile } from './load-node.ts'
