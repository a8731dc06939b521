// Owns a table of where the CPU of a process goes that opens or serves sessions, by what it is for: sockets, public keys,
// hashes, packets, JavaScript by whose it is, garbage, of what Linux's `perf` has recorded. Starts nothing.
//
//   NODE_OPTIONS='--perf-basic-prof --interpreted-frames-native-stack' npm run bench -- --rounds 1 session
//   perf record -e cpu-clock -F 4000 -g -p PID -o /tmp/perf.data     meanwhile, PID that of the site to look at
//   perf script -i /tmp/perf.data -F ip,sym,dso | node bench/where-session.ts
import { createInterface } from 'node:readline'

interface Frame {
  readonly symbol: string
  readonly file: string
}

/** What a sample is for when one of its frames says so, looked at in this order. */
const telling: readonly { readonly kind: string; readonly pattern: RegExp }[] = [
  {
    kind: 'garbage',
    pattern: /Scaveng|Heap::CollectGarbage|Sweep|MarkCompact|MarkingVisitor|ConcurrentMarking|HandleExternalMemoryInterrupt/,
  },
  {
    kind: 'compiling',
    pattern: /v8::internal::(compiler|maglev|baseline)::|OptimizingCompileDispatcher|TurbofanCompilationJob|v8::internal::Compiler::/,
  },
  {
    kind: 'public keys: OpenSSL and what leads to it',
    pattern: /node::crypto::(Sign|Verify|DH|Key|SecretKey|ImportRaw|PublicKey|NativeKey)|EVP_PKEY|ossl_(ed|x)25519|ncrypto::EVPKey/,
  },
  { kind: 'hashes and randomness', pattern: /node::crypto::(Hash|Random)|EVP_Digest|RAND_/ },
  { kind: 'AES-GCM of packets', pattern: /node::crypto::Cipher|wasm-function|EVP_Cipher/ },
]

const inKernel = ({ file }: Frame): boolean => file.includes('[kernel') || file.includes('.ko')
const ofSockets = /^(uv_|node::(Libuv|Stream|TCP|HandleWrap|WriteWrap|ReqWrap|EmitToJS|ShutdownWrap))/
const ofScript = /^JS:.*? (node:\S+|file:\/\/)/

/** `stack` has the innermost frame at the front. */
const kindOf = (stack: readonly Frame[]): string => {
  const told = telling.find(({ pattern }) => stack.some(({ symbol }) => pattern.test(symbol)))
  if (told !== undefined) return told.kind
  if (inKernel(stack[0])) return 'sockets: the kernel'
  if (ofSockets.test(stack[0].symbol)) return 'sockets: libuv and Node'
  for (const { symbol } of stack) {
    const script = ofScript.exec(symbol)?.[1]
    if (script === undefined) continue
    if (script.startsWith('node:internal/crypto')) return 'JavaScript of node:crypto'
    return script.startsWith('node:') ? 'JavaScript of node:net and its streams' : 'JavaScript of the program'
  }
  return 'event loop, malloc and the rest'
}

const counts = new Map<string, number>()
let total = 0
let stack: Frame[] = []

const end = (): void => {
  if (stack.length > 0) {
    const kind = kindOf(stack)
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    total++
  }
  stack = []
}

for await (const line of createInterface({ input: process.stdin })) {
  const match = /^\s*[0-9a-f]+ (.*) \((.*)\)$/.exec(line)
  if (match === null) end()
  else stack.push({ symbol: match[1], file: match[2] })
}
end()

for (const [kind, count] of [...counts].toSorted(([, a], [, b]) => b - a))
  console.log(`${((100 * count) / total).toFixed(1).padStart(5)} %  ${kind}`)
console.log(`${total} samples`)
