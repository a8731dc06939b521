// Owns the globals of Node that tests, and the packages they use, expect in a browser. The library expects none.
export { Buffer } from 'buffer/'
export const process = { env: {}, argv: [], platform: 'browser', version: '', versions: {}, nextTick: queueMicrotask }

/** After what is waiting, and at once: a timer in a page takes four milliseconds. */
export const setImmediate = (act: () => void): void => {
  const { port1, port2 } = new MessageChannel()
  port2.onmessage = () => {
    port2.close()
    act()
  }
  port1.postMessage(0)
}
