// The public face of Node's crypto provider.
export { nodeCrypto, type NodeCryptoOptions } from './provider.ts'
export { nativeCryptoFault } from './native.ts'
export { generateKeyNumbers } from './generate.ts'
