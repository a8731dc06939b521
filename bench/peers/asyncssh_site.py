"""The server made of AsyncSSH, with the same sessions as ours: they end at once, wait, or echo.

Calls come as lines of JSON on standard input, answers go as lines to standard output, as with all sites of the bench.
Knows nothing of who measures.
"""

import asyncio
import ctypes
import gc
import json
import resource
import sys

import asyncssh


async def run(process):
    command = process.command
    if command == 'hold':
        await process.stdin.read()
    elif command == 'echo':
        while data := await process.stdin.read(65536):
            process.stdout.write(data)
    elif command != 'nothing':
        process.exit(127)
        return
    process.exit(0)


async def serve_process(process):
    try:
        await run(process)
    except (asyncssh.Error, OSError):
        pass


async def listen(args):
    server = await asyncssh.listen(
        '127.0.0.1',
        0,
        server_host_keys=[args['hostKey']],
        authorized_client_keys=asyncssh.import_authorized_keys(args['authorized'] + '\n'),
        process_factory=serve_process,
        encoding=None,
        kex_algs=['curve25519-sha256'],
        encryption_algs=[args['cipher']],
    )
    return server.sockets[0].getsockname()[1]


async def cpu(_args):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def settle(_args):
    """Collects garbage and gives free pages back."""
    for _ in range(3):
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        await asyncio.sleep(0.2)


calls = {'listen': listen, 'cpu': cpu, 'settle': settle}


async def main():
    # Python does not raise this by itself, as Node and Go do.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncssh.set_log_level('CRITICAL')
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        asked = json.loads(line)
        answer = {'id': asked['id']}
        try:
            answer['result'] = await calls[asked['call']](asked['args'])
        except Exception as error:  # Whatever it was belongs in the answer.
            answer['error'] = repr(error)
        print(json.dumps(answer), flush=True)


asyncio.run(main())
