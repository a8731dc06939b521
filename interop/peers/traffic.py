# Owns a program at one end of a connection in a network namespace, where the test itself is not. `take ADDRESS PORT`: says for each
# connection the sha256 of what came, once that has ended. `give ADDRESS PORT COUNT`: sends so many bytes and prints what is answered.
# `silent ADDRESS PORT`: connects, and prints when that has ended.
import hashlib, random, socket, sys, threading

what, address, port, *rest = sys.argv[1:]
family = socket.AF_INET6 if ':' in address else socket.AF_INET

def content(count):
    return random.Random(count).randbytes(count)

def take(connection):
    digest = hashlib.sha256()
    with connection:
        while piece := connection.recv(65536):
            digest.update(piece)
        connection.sendall(digest.hexdigest().encode())

if what == 'take':
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind((address, int(port)))
    listener.listen(50)
    print('ready', flush=True)
    while True:
        threading.Thread(target=take, args=(listener.accept()[0],), daemon=True).start()

connection = socket.socket(family, socket.SOCK_STREAM)
connection.settimeout(30)
connection.connect((address, int(port)))
if what == 'give':
    payload = content(int(rest[0]))
    connection.sendall(payload)
    connection.shutdown(socket.SHUT_WR)
    answer = b''
    while piece := connection.recv(65536):
        answer += piece
    print('same' if answer.decode() == hashlib.sha256(payload).hexdigest() else 'other: %r' % answer)
else:
    print('connected', flush=True)
    try:
        print('ended' if connection.recv(1) == b'' else 'said something', flush=True)
    except ConnectionResetError:
        print('ended', flush=True)
