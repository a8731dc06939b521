# Owns a wire between two hosts that are network namespaces: an Ethernet device in each, and frames carried between them, of which
# some are lost. For kernels without netem. Ends when standard input does. Arguments: the namespaces, the devices' name, the share
# that is lost (the same frames each time).
import ctypes, fcntl, os, random, select, struct, sys

def device(space, name):
    libc = ctypes.CDLL(None, use_errno=True)
    at = os.open('/run/netns/' + space, os.O_RDONLY)
    if libc.setns(at, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), 'setns')
    os.close(at)
    descriptor = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, 0x400454CA, struct.pack('16sH22x', name.encode(), 0x1002))
    return descriptor

first, second, name, lost = sys.argv[1:]
ends = [device(first, name), device(second, name)]
other = {ends[0]: ends[1], ends[1]: ends[0]}
dice = random.Random(1)
print('ready', flush=True)
while True:
    ready, _, _ = select.select([0, *ends], [], [])
    if 0 in ready and os.read(0, 1000) == b'':
        break
    for end in ready:
        if end == 0:
            continue
        try:
            while True:
                frame = os.read(end, 70000)
                if dice.random() >= float(lost):
                    os.write(other[end], frame)
        except (BlockingIOError, OSError):
            pass
