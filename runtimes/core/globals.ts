// Owns the globals of Node that tests, and the packages they use, expect in a browser. The library expects none.
export { Buffer } from 'buffer'
export const process = { env: {}, argv: [], platform: 'browser', version: '', versions: {}, nextTick: queueMicrotask }
