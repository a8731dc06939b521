# Owns a small SSH server made of AsyncSSH. Takes its options as one JSON argument, prints "ready PORT", serves exec, shell and
# a pty with /bin/sh until it is killed. Knows nothing of who calls.
import asyncio
import fcntl
import json
import logging
import os
import pty
import signal
import struct
import subprocess
import sys
import termios

import asyncssh

options = json.loads(sys.argv[1])
logging.basicConfig(stream=sys.stderr, level=logging.INFO)

with open(options["authorizedKeys"]) as file:
    authorized = {tuple(line.split()[:2]) for line in file}


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        self.username = username
        return True

    def public_key_auth_supported(self):
        return "publickey" in options["methods"]

    def validate_public_key(self, username, key):
        kind, blob = key.export_public_key("openssh").decode().split()[:2]
        return username == options["user"] and (kind, blob) in authorized

    def password_auth_supported(self):
        return "password" in options["methods"]

    def validate_password(self, username, password):
        return username == options["user"] and password == options["password"]

    def kbdint_auth_supported(self):
        return "keyboard-interactive" in options["methods"]

    def get_kbdint_challenge(self, username, lang, submethods):
        return "Questions", "Answer these.", "", [(each["prompt"], each["echo"]) for each in options["prompts"]]

    def validate_kbdint_response(self, username, responses):
        return username == options["user"] and list(responses) == [each["answer"] for each in options["prompts"]]

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        return True

    def server_requested(self, listen_host, listen_port):
        return True

    def unix_connection_requested(self, dest_path):
        return True

    def unix_server_requested(self, listen_path):
        return True


def set_size(descriptor, size):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))


def finish(process, code):
    if code < 0:
        process.exit_with_signal(signal.Signals(-code).name[3:])
    else:
        process.exit(code)


async def serve(process):
    command = ["/bin/sh"] + (["-c", process.command.decode() if isinstance(process.command, bytes) else process.command] if process.command else [])
    if process.term_type is not None:
        return await serve_terminal(process, command)
    child = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr)
    await process.stdout.drain()
    await process.stderr.drain()
    finish(process, await child.wait())


async def serve_terminal(process, command):
    master, slave = pty.openpty()
    set_size(master, process.term_size)
    child = await asyncio.create_subprocess_exec(
        *command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": process.term_type}, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    loop = asyncio.get_running_loop()
    drained = loop.create_future()

    def readable():
        try:
            data = os.read(master, 65536)
        except OSError:
            data = b""
        if data:
            process.stdout.write(data)
        else:
            loop.remove_reader(master)
            drained.set_result(None)

    loop.add_reader(master, readable)

    async def feed():
        while True:
            try:
                data = await process.stdin.read(65536)
            except asyncssh.TerminalSizeChanged as change:
                set_size(master, (change.width, change.height))
                continue
            except asyncssh.BreakReceived:
                continue
            if not data:
                return
            os.write(master, data)

    feeding = asyncio.create_task(feed())
    code = await child.wait()
    await drained
    feeding.cancel()
    finish(process, code)


async def main():
    listener = await asyncssh.create_server(
        Server, "127.0.0.1", 0, server_host_keys=options["hostKeys"], process_factory=serve, encoding=None, line_editor=False,
        **({"rekey_bytes": options["rekeyBytes"]} if options["rekeyBytes"] else {}),
        compression_algs=["zlib@openssh.com", "none"],
    )
    print(f"ready {listener.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
