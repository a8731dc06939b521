// Owns a table of where the CPU of a process goes, by kinds of work, from what Linux's `perf` has recorded of it: system
// calls by their names, cipher, copies, JavaScript, garbage. Knows nothing of who was recorded, and starts nothing.
//
//   perf record -e cpu-clock -F 2000 -g -p PID -o /tmp/perf.data     while it works, until Ctrl-C
//   perf script -i /tmp/perf.data -F ip,sym,dso | node bench/where.ts   (Node started with --perf-basic-prof names its code)
import { type Frame, inKernel, printKinds } from './rig/stacks.ts'

const inJit = ({ file, symbol }: Frame): boolean => file.includes('perf-') || file.includes('[JIT]') || symbol.startsWith('Builtins_')

const any = (stack: readonly Frame[], pattern: RegExp): boolean => stack.some(({ symbol }) => pattern.test(symbol))

/** By the innermost frame first, then by what it was called for. `stack` has the innermost frame at the front. */
const kindOf = (stack: readonly Frame[]): string => {
  const [leaf] = stack
  if (inKernel(leaf)) {
    if (any(stack, /^(vfs_writev?|do_writev|sock_write_iter|__sys_sendto|____sys_sendmsg)$/)) return 'writing to the socket'
    if (any(stack, /^(vfs_readv?|do_readv|sock_read_iter|__sys_recvfrom|____sys_recvmsg)$/)) return 'reading from the socket'
    if (any(stack, /^(do_epoll_wait|do_sys_poll|do_select|core_sys_select)$/)) return 'waiting'
    return 'other work of the kernel'
  }
  const { symbol, file } = leaf
  if (/gcm_(en|de)crypt|aes_.*(en|de)crypt|chacha20_ctr|poly1305_blocks|gcm_ghash|gcm_gmult/i.test(symbol)) return 'AES-GCM itself'
  if (/mem(move|cpy)/.test(symbol)) return 'copies'
  if (any(stack, /Scaveng|Heap::CollectGarbage|Sweep|MarkCompact|MarkingVisitor|ConcurrentMarking/)) return 'garbage'
  if (any(stack, /::(compiler|maglev|baseline)::|OptimizingCompileDispatcher|TurbofanCompilationJob/)) return 'compiling'
  if (inJit(leaf)) return 'JavaScript'
  if (/libc|ld-linux/.test(file)) return 'malloc and the rest of libc'
  return 'C++ of Node, V8 and OpenSSL around them'
}

await printKinds(kindOf)
