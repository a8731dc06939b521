# Owns small SFTP servers of Python, over the disk of this machine: AsyncSSH's own, and paramiko's with the plain handlers a
# program would write. Takes the library's name and one JSON argument, prints "ready PORT". Knows nothing of who calls.
import asyncio
import json
import os
import socket
import sys
import threading

library, options = sys.argv[1], json.loads(sys.argv[2])
with open(options["authorizedKeys"]) as lines:
    authorized = {tuple(line.split()[:2]) for line in lines}


def serve_asyncssh():
    import asyncssh

    async def main():
        listener = await asyncssh.create_server(
            asyncssh.SSHServer, "127.0.0.1", 0, server_host_keys=options["hostKeys"], authorized_client_keys=options["authorizedKeys"],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel), allow_scp=False,
        )
        print(f"ready {listener.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


def serve_paramiko():
    import paramiko

    def status(error):
        return paramiko.SFTPServer.convert_errno(error.errno)

    def change(path, attributes):
        # paramiko's own set_file_attr empties a file to set its size.
        if attributes.st_size is not None:
            os.truncate(path, attributes.st_size)
        if attributes.st_mode is not None:
            os.chmod(path, attributes.st_mode & 0o7777)
        if attributes.st_mtime is not None:
            os.utime(path, (attributes.st_atime, attributes.st_mtime))

    class Handle(paramiko.SFTPHandle):
        def stat(self):
            return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

        def chattr(self, attributes):
            change(self.filename, attributes)
            return paramiko.SFTP_OK

    def refusing(method):
        def call(*arguments):
            try:
                result = method(*arguments)
                return paramiko.SFTP_OK if result is None else result
            except OSError as error:
                return status(error)
        return call

    class Files(paramiko.SFTPServerInterface):
        @refusing
        def list_folder(self, path):
            return [paramiko.SFTPAttributes.from_stat(os.lstat(os.path.join(path, name)), name) for name in os.listdir(path)]

        @refusing
        def stat(self, path):
            return paramiko.SFTPAttributes.from_stat(os.stat(path))

        @refusing
        def lstat(self, path):
            return paramiko.SFTPAttributes.from_stat(os.lstat(path))

        @refusing
        def open(self, path, flags, attributes):
            mode = getattr(attributes, "st_mode", None)
            descriptor = os.open(path, flags, 0o666 if mode is None else mode)
            kind = "r+b" if flags & os.O_RDWR else "wb" if flags & os.O_WRONLY else "rb"
            file = os.fdopen(descriptor, "ab" if flags & os.O_APPEND else kind, 0)
            handle = Handle(flags)
            handle.filename = path
            handle.readfile = handle.writefile = file
            return handle

        @refusing
        def remove(self, path):
            os.remove(path)

        @refusing
        def rename(self, old, new):
            if os.path.lexists(new):
                return paramiko.SFTP_FAILURE
            os.rename(old, new)

        @refusing
        def posix_rename(self, old, new):
            os.rename(old, new)

        @refusing
        def mkdir(self, path, attributes):
            os.mkdir(path)
            change(path, attributes)

        @refusing
        def rmdir(self, path):
            os.rmdir(path)

        @refusing
        def chattr(self, path, attributes):
            change(path, attributes)

        @refusing
        def symlink(self, target, path):
            os.symlink(target, path)

        def readlink(self, path):
            try:
                return os.readlink(path)
            except OSError as error:
                return status(error)

        def canonicalize(self, path):
            return os.path.realpath(path)

    class Session(paramiko.ServerInterface):
        def get_allowed_auths(self, username):
            return "publickey"

        def check_auth_publickey(self, username, key):
            return paramiko.AUTH_SUCCESSFUL if (key.get_name(), key.get_base64()) in authorized else paramiko.AUTH_FAILED

        def check_channel_request(self, kind, chanid):
            return paramiko.OPEN_SUCCEEDED

    def connection(client):
        transport = paramiko.Transport(client)
        transport.add_server_key(paramiko.Ed25519Key.from_private_key_file(options["hostKeys"][0]))
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
        transport.start_server(event=threading.Event(), server=Session())

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(20)
    print(f"ready {listener.getsockname()[1]}", flush=True)
    while True:
        accepted, _ = listener.accept()
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=connection, args=(accepted,), daemon=True).start()


{"asyncssh": serve_asyncssh, "paramiko": serve_paramiko}[library]()
