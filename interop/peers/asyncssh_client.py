# Owns a small SSH client made of AsyncSSH. Takes its options as one JSON argument, runs one command with its own standard
# streams and ends with the command's status, or 255 for its own errors. Knows nothing of who serves.
import asyncio
import json
import os
import sys

import asyncssh

options = json.loads(sys.argv[1])


class Client(asyncssh.SSHClient):
    def __init__(self):
        self.answers = list(options["answers"])

    def kbdint_auth_requested(self):
        return "" if self.answers else None

    def kbdint_challenge_received(self, name, instructions, lang, prompts):
        return [self.answers.pop(0) for _ in prompts]


def known_hosts():
    lines = "".join(f"* {line}\n" for line in options["hostKeys"])
    return asyncssh.import_known_hosts(lines)


def own(descriptor, mode):
    # AsyncSSH closes what it is given.
    return os.fdopen(os.dup(descriptor), mode)


async def main():
    keys = [asyncssh.read_private_key(options["key"], options["passphrase"] or None)] if options["key"] else []
    connection, _ = await asyncssh.create_connection(
        Client, options["host"], options["port"], username=options["user"], known_hosts=known_hosts(), client_keys=keys,
        password=options["password"] or None, agent_path=None, config=None, login_timeout=20,
        **({"rekey_bytes": options["rekeyBytes"]} if options["rekeyBytes"] else {}),
        compression_algs=["zlib@openssh.com"] if options["compress"] else ["none"],
    )
    async with connection:
        terminal = {"term_type": "xterm-256color", "term_size": (132, 43)} if options["pty"] else {}
        process = await connection.create_process(
            options["command"] or None, stdin=own(0, "rb"), stdout=own(1, "wb"), stderr=own(2, "wb"), encoding=None, **terminal
        )
        result = await process.wait()
        if result.exit_signal is not None:
            print(f"ended by signal {result.exit_signal[0]}", file=sys.stderr, flush=True)
            return 254
        return result.exit_status if result.exit_status is not None else 253


try:
    code = asyncio.run(main())
except (OSError, asyncssh.Error) as error:
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    code = 255
sys.stdout.flush()
os._exit(code)
