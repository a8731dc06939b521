# Owns a small SSH server made of paramiko. Takes its options as one JSON argument, prints "ready PORT", serves exec, shell and
# a pty with /bin/sh until it is killed. Knows nothing of who calls.
import fcntl
import json
import logging
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
import threading

import paramiko

options = json.loads(sys.argv[1])
logging.basicConfig(stream=sys.stderr, level=logging.INFO)


def load_key(path):
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key_file(path)
        except paramiko.SSHException:
            pass
    raise SystemExit(f"no key in {path}")


with open(options["authorizedKeys"]) as lines:
    authorized = {tuple(line.split()[:2]) for line in lines}


class Session(paramiko.ServerInterface):
    def __init__(self):
        self.passed = []
        self.terminals = {}

    def get_allowed_auths(self, username):
        chain = options["chain"]
        return ",".join(chain[len(self.passed):len(self.passed) + 1] if chain else options["methods"])

    def verdict(self, method, good):
        if not good or method not in self.get_allowed_auths("").split(","):
            return paramiko.AUTH_FAILED
        if not options["chain"]:
            return paramiko.AUTH_SUCCESSFUL
        self.passed.append(method)
        return paramiko.AUTH_SUCCESSFUL if len(self.passed) == len(options["chain"]) else paramiko.AUTH_PARTIALLY_SUCCESSFUL

    def check_auth_none(self, username):
        return paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        good = username == options["user"] and (key.get_name(), key.get_base64()) in authorized
        # Paramiko asks the same for a query and for a proof; only a proof moves a chain on. It cannot tell them apart
        # here, so a chain counts a key once and takes it again.
        if good and options["chain"] and "publickey" in self.passed:
            return paramiko.AUTH_PARTIALLY_SUCCESSFUL
        return self.verdict("publickey", good)

    def check_auth_password(self, username, password):
        return self.verdict("password", username == options["user"] and password == options["password"])

    def check_auth_interactive(self, username, submethods):
        if username != options["user"] or "keyboard-interactive" not in self.get_allowed_auths("").split(","):
            return paramiko.AUTH_FAILED
        query = paramiko.InteractiveQuery("Questions", "Answer these.")
        for each in options["prompts"]:
            query.add_prompt(each["prompt"], each["echo"])
        return query

    def check_auth_interactive_response(self, responses):
        wanted = [each["answer"] for each in options["prompts"]]
        return self.verdict("keyboard-interactive", responses == wanted)

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE

    def check_channel_pty_request(self, channel, term, width, height, pixelwidth, pixelheight, modes):
        master, slave = pty.openpty()
        self.terminals[channel.get_id()] = (master, slave, term.decode())
        set_size(master, width, height)
        return True

    def check_channel_window_change_request(self, channel, width, height, pixelwidth, pixelheight):
        terminal = self.terminals.get(channel.get_id())
        if terminal is None:
            return False
        set_size(terminal[0], width, height)
        return True

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=serve, args=(channel, ["/bin/sh", "-c", command.decode()], self.terminals.get(channel.get_id())), daemon=True).start()
        return True

    def check_channel_shell_request(self, channel):
        threading.Thread(target=serve, args=(channel, ["/bin/sh"], self.terminals.get(channel.get_id())), daemon=True).start()
        return True


def set_size(descriptor, columns, rows):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def pump(read, write, done):
    try:
        while True:
            data = read()
            if not data:
                break
            write(data)
    except (OSError, EOFError, ValueError):
        pass
    done()


def close_quietly(file):
    try:
        file.close()
    except OSError:
        pass


def serve(channel, command, terminal):
    if terminal is not None:
        return serve_terminal(channel, command, terminal)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)

    def write_all(data):
        view = memoryview(data)
        while view:
            view = view[process.stdin.write(view):]

    outputs = [
        threading.Thread(target=pump, args=(lambda: os.read(process.stdout.fileno(), 65536), channel.sendall, lambda: None), daemon=True),
        threading.Thread(target=pump, args=(lambda: os.read(process.stderr.fileno(), 65536), channel.sendall_stderr, lambda: None), daemon=True),
    ]
    threading.Thread(target=pump, args=(lambda: channel.recv(65536), write_all, lambda: close_quietly(process.stdin)), daemon=True).start()
    for each in outputs:
        each.start()
    finish(channel, process.wait(), outputs)


def serve_terminal(channel, command, terminal):
    master, slave, term = terminal
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": term}, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    output = threading.Thread(target=pump, args=(lambda: os.read(master, 65536), channel.sendall, lambda: None), daemon=True)
    output.start()
    threading.Thread(target=pump, args=(lambda: channel.recv(65536), lambda data: os.write(master, data), lambda: None), daemon=True).start()
    finish(channel, process.wait(), [output])


def finish(channel, code, outputs):
    for each in outputs:
        each.join()
    try:
        if code < 0:
            send_exit_signal(channel, -code)
        else:
            channel.send_exit_status(code)
    finally:
        channel.close()


def send_exit_signal(channel, number):
    # Paramiko has no call for it.
    import signal

    message = paramiko.Message()
    message.add_byte(paramiko.common.cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("exit-signal")
    message.add_boolean(False)
    message.add_string(signal.Signals(number).name[3:])
    message.add_boolean(False)
    message.add_string("")
    message.add_string("")
    channel.transport._send_user_message(message)


def connection(client, keys):
    transport = paramiko.Transport(client)
    for key in keys:
        transport.add_server_key(key)
    transport.use_compression(options["compress"])
    if options["rekeyBytes"]:
        transport.packetizer.REKEY_BYTES = options["rekeyBytes"]
    try:
        transport.start_server(event=threading.Event(), server=Session())
    except (paramiko.SSHException, EOFError):
        transport.close()


keys = [load_key(path) for path in options["hostKeys"]]
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 0))
listener.listen(200)
print(f"ready {listener.getsockname()[1]}", flush=True)
while True:
    accepted, _ = listener.accept()
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=connection, args=(accepted, keys), daemon=True).start()
