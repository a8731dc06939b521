// The public face of Node's crypto provider.
export { nodeCrypto } from './provider.ts'
export { generateKeyNumbers } from './generate.ts'
