# Forwards by paramiko and asyncssh through a server: reaches a port, listens there, Unix sockets. Prints what came back.
# Usage: forward_clients.py LIBRARY KIND HOST PORT USER KEYFILE TARGET
#   KIND   local: TARGET is a port of 127.0.0.1 to reach; socket: a path to reach; remote: the server listens on any port and this
#          program connects to it; remote-socket: TARGET is the path the server listens on.
import asyncio
import socket
import sys

library, kind, host, port, user, key, target = sys.argv[1:8]
SENT = b'x' * 300_000


def talk(sock):
    sock.sendall(SENT)
    sock.shutdown(socket.SHUT_WR)
    out = b''
    while True:
        part = sock.recv(65536)
        if not part:
            return out
        out += part


def by_paramiko():
    import paramiko
    transport = paramiko.Transport((host, int(port)))
    transport.start_client()
    transport.auth_publickey(user, paramiko.Ed25519Key.from_private_key_file(key))
    if kind == 'local':
        channel = transport.open_channel('direct-tcpip', ('127.0.0.1', int(target)), ('127.0.0.1', 1))
        channel.sendall(SENT)
        channel.shutdown_write()
        print(channel.makefile('rb').read().decode())
    else:
        import threading
        got = transport.request_port_forward('localhost', 0)

        def serve():
            channel = transport.accept(20)
            count = len(channel.makefile('rb').read())
            channel.sendall(b'%d bytes' % count)
            channel.shutdown_write()
            channel.close()

        thread = threading.Thread(target=serve)
        thread.start()
        print(talk(socket.create_connection(('127.0.0.1', got))).decode())
        thread.join()
        transport.cancel_port_forward('localhost', got)
        try:
            socket.create_connection(('127.0.0.1', got)).close()
            print('still listening')
        except ConnectionRefusedError:
            pass
    transport.close()


async def by_asyncssh():
    import asyncssh

    async def count(reader, writer):
        got = len(await reader.read())
        writer.write(b'%d bytes' % got)
        writer.write_eof()

    async def far(reader, writer):
        writer.write(SENT)
        writer.write_eof()
        print((await reader.read()).decode())
        writer.close()

    async with asyncssh.connect(host, int(port), username=user, client_keys=[key], known_hosts=None, config=None) as connection:
        if kind == 'local':
            await far(*await connection.open_connection('127.0.0.1', int(target), encoding=None))
        elif kind == 'socket':
            await far(*await connection.open_unix_connection(target, encoding=None))
        elif kind == 'remote':
            server = await connection.start_server(lambda *_: count, 'localhost', 0, encoding=None)
            await far(*await asyncio.open_connection('127.0.0.1', server.get_port()))
            server.close()
        else:
            await connection.start_unix_server(lambda: count, target, encoding=None)
            await far(*await asyncio.open_unix_connection(target))


if library == 'paramiko':
    by_paramiko()
else:
    asyncio.run(by_asyncssh())
