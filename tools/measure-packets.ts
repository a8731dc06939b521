// Owns the figures of packages/native/README.md: CPU of sealing and of opening one packet, pure and accelerated, taken in
// turns. Run it with `npx node --conditions=nacre-source tools/measure-packets.ts`. Knows nothing of sockets and sessions.
import { defaultTables } from '../packages/nacre/src/algorithms/tables.ts'
import { nativeCryptoFault, nodeCrypto } from '../packages/nacre/src/crypto/node/index.ts'
import type { CryptoProvider } from '../packages/nacre/src/crypto/provider.ts'
import { createOpener, createSealer } from '../packages/nacre/src/transport/protect.ts'

const rounds = 5
const secondsEach = 0.15
const sizes = [32, 64, 1024, 32_768]
const choices = [
  { cipher: 'aes128-gcm@openssh.com', mac: undefined },
  { cipher: 'chacha20-poly1305@openssh.com', mac: undefined },
  { cipher: 'aes128-ctr', mac: 'hmac-sha2-256-etm@openssh.com' },
]

/** Microseconds of CPU for one call of `act`. */
const spent = (act: () => void): number => {
  let calls = 0
  const begun = process.cpuUsage()
  let used = 0
  while (used < secondsEach * 1e6) {
    for (let i = 0; i < 200; i++) act()
    calls += 200
    const { user, system } = process.cpuUsage(begun)
    used = user + system
  }
  return used / calls
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]

/** Sealing, and sealing and opening together: a packet opens only once. */
const workOf = (crypto: CryptoProvider, { cipher, mac }: (typeof choices)[number], size: number) => {
  const cipherRow = defaultTables.ciphers.find(row => row.name === cipher)
  const macRow = defaultTables.macs.find(row => row.name === mac)
  if (cipherRow === undefined) throw new Error(`no cipher ${cipher}`)
  const keys = {
    key: new Uint8Array(cipherRow.keyBytes).fill(1),
    iv: new Uint8Array(cipherRow.ivBytes).fill(2),
    macKey: new Uint8Array(macRow?.keyBytes ?? 0).fill(3),
  }
  const bytes = new Uint8Array(4 + size + 64)
  const sealer = createSealer(crypto, cipherRow, macRow, keys)
  const both = { sealer: createSealer(crypto, cipherRow, macRow, keys), opener: createOpener(crypto, cipherRow, macRow, keys) }
  const writeLength = (): void => new DataView(bytes.buffer).setUint32(0, size)
  let sequence = 0
  return {
    seal: () => {
      writeLength()
      sealer.seal(bytes, 0, size, 7)
    },
    both: () => {
      writeLength()
      sequence = (sequence + 1) >>> 0
      both.sealer.seal(bytes, 0, size, sequence)
      if (both.opener.packetLength(bytes, 0, sequence) !== size) throw new Error('the length did not come back')
      if (both.opener.open(bytes, 0, size, sequence) === undefined) throw new Error('a packet did not open')
    },
  }
}

const fault = nativeCryptoFault()
if (fault !== undefined) {
  console.error(`measure-packets: the accelerator is not in use: ${fault}`)
  process.exit(1)
}
console.log('| µs of CPU a packet | bytes | seal, pure | seal, native | open, pure | open, native |\n| --- | --: | --: | --: | --: | --: |')
for (const choice of choices) {
  for (const size of sizes) {
    const [pure, native] = [nodeCrypto({ native: false }), nodeCrypto()].map(crypto => workOf(crypto, choice, size))
    const taken: { seal: number[]; open: number[] }[] = [
      { seal: [], open: [] },
      { seal: [], open: [] },
    ]
    for (let round = 0; round < rounds; round++) {
      for (const [i, work] of [pure, native].entries()) {
        const seal = spent(work.seal)
        taken[i].seal.push(seal)
        taken[i].open.push(spent(work.both) - seal)
      }
    }
    const cells = [taken[0].seal, taken[1].seal, taken[0].open, taken[1].open].map(values => median(values).toFixed(2))
    const name = choice.mac === undefined ? choice.cipher : `${choice.cipher}, ${choice.mac}`
    console.log(`| ${name.replaceAll('@openssh.com', '')} | ${size} | ${cells.join(' | ')} |`)
  }
}
