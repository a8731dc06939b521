// The public face of the crypto provider that needs no runtime's own modules.
export { webCrypto } from './provider.ts'
export { generateKeyNumbers } from './generate.ts'
