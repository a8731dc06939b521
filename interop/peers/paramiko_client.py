# Owns a small SSH client made of paramiko. Takes its options as one JSON argument, runs one command with its own standard
# streams and ends with the command's status, or 255 for its own errors. Knows nothing of who serves.
import json
import os
import socket
import sys
import threading

import paramiko

options = json.loads(sys.argv[1])


def fail(text):
    print(text, file=sys.stderr, flush=True)
    os._exit(255)


def load_key(path, passphrase):
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key_file(path, passphrase or None)
        except paramiko.PasswordRequiredException:
            raise
        except paramiko.SSHException:
            pass
    fail(f"no key in {path}")


def log_in(transport):
    user = options["user"]
    if options["key"]:
        transport.auth_publickey(user, load_key(options["key"], options["passphrase"]))
    if options["answers"] and not transport.is_authenticated():
        left = list(options["answers"])
        transport.auth_interactive(user, lambda title, instructions, prompts: [left.pop(0) for _ in prompts])
    if options["password"] and not transport.is_authenticated():
        transport.auth_password(user, options["password"], fallback=False)
    if not transport.is_authenticated():
        fail("not authenticated")


def send_stdin(channel):
    try:
        while True:
            data = os.read(0, 65536)
            if not data:
                break
            channel.sendall(data)
        channel.shutdown_write()
    except (OSError, EOFError):
        pass


def copy(read, descriptor):
    while True:
        data = read(65536)
        if not data:
            return
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view):]


def main():
    transport = paramiko.Transport(socket.create_connection((options["host"], options["port"])))
    if options["rekeyBytes"]:
        transport.packetizer.REKEY_BYTES = options["rekeyBytes"]
    transport.use_compression(options["compress"])
    transport.start_client(timeout=20)
    key = transport.get_remote_server_key()
    if f"{key.get_name()} {key.get_base64()}" not in options["hostKeys"]:
        fail("the host key is not the expected one")
    log_in(transport)
    channel = transport.open_session()
    if options["pty"]:
        channel.get_pty("xterm-256color", 132, 43)
    if options["command"]:
        channel.exec_command(options["command"])
    else:
        channel.invoke_shell()
    threading.Thread(target=send_stdin, args=(channel,), daemon=True).start()
    errors = threading.Thread(target=copy, args=(channel.recv_stderr, 2))
    errors.start()
    copy(channel.recv, 1)
    errors.join()
    code = channel.recv_exit_status()
    transport.close()
    sys.stdout.flush()
    os._exit(code if 0 <= code <= 255 else 254)


try:
    main()
except (paramiko.SSHException, OSError, EOFError) as error:
    fail(f"{type(error).__name__}: {error}")
