# Owns what AsyncSSH's SFTP client does at a server, in the version of SFTP it is told: trees, globs, attributes, links. Takes its
# options as one JSON argument, prints what it found as JSON. Knows nothing of who serves.
import asyncio
import hashlib
import json
import sys

import asyncssh

options = json.loads(sys.argv[1])
base, near, version = options["base"], options["near"], options["version"]
found = {}


async def names(sftp, path):
    return sorted([entry.filename async for entry in sftp.scandir(path) if entry.filename not in (".", "..")])


async def refused(call):
    try:
        await call
        return "none"
    except asyncssh.SFTPError as error:
        return type(error).__name__


async def work(sftp):
    found["version"] = sftp.version
    await sftp.makedirs(f"{base}/a/b/c")
    await sftp.makedirs(f"{base}/a/b/c", exist_ok=True)
    await sftp.put(near, f"{base}/tree", recurse=True, preserve=True)
    await sftp.get(f"{base}/tree", options["back"], recurse=True, preserve=True)
    await sftp.copy(f"{base}/tree", f"{base}/copy", recurse=True)
    await sftp.mput(f"{near}/inner/*.bin", f"{base}/a")
    found["glob"] = sorted(await sftp.glob(f"{base}/a/*.bin"))
    found["deep"] = len(await sftp.glob(f"{base}/tree/**/*.bin"))

    many = f"{base}/many"
    await sftp.mkdir(many)
    await asyncio.gather(*[write(sftp, f"{many}/{index}") for index in range(options["many"])])
    found["many"] = len(await names(sftp, many))
    found["readdir"] = len([each for each in await sftp.readdir(many) if each.filename not in (".", "..")])

    path = f"{base}/f"
    data = hashlib.shake_128(b"f").digest(2_000_003)
    async with sftp.open(path, "wb+") as file:
        await file.write(data)
        found["read"] = await file.read(len(data), 0) == data
        await file.seek(1000)
        await file.write(b"xyz")
        found["middle"] = (await file.read(5, 999)).hex() == (data[999:1000] + b"xyz" + data[1003:1004]).hex()
        await file.truncate(5000)
        found["fstat"] = (await file.stat()).size
        await file.fsync()
        found["fstatvfs"] = (await file.statvfs()).bsize > 0
    async with sftp.open(path, "ab") as file:
        await file.write(b"end")
    found["appended"] = await sftp.getsize(path)
    found["exclusive"] = await refused(opened(sftp, path, "xb"))
    await sftp.chmod(path, 0o640)
    await sftp.utime(path, (1_000_000_000, 1_100_000_000))
    facts = await sftp.stat(path)
    found["stat"] = [facts.size, facts.permissions & 0o777, int(facts.atime), int(facts.mtime)]
    found["owner"] = [facts.uid, facts.gid] if version == 3 else [facts.owner, facts.group]
    if version > 3:
        await sftp.utime(path, ns=(1_000_000_000_123_456_000, 1_100_000_000_654_321_000))
        found["ns"] = [await sftp.getatime_ns(path), await sftp.getmtime_ns(path)]
    await sftp.truncate(path, 10)
    found["size"] = await sftp.getsize(path)
    await sftp.symlink("f", f"{base}/soft")
    found["soft"] = [await sftp.readlink(f"{base}/soft"), await sftp.islink(f"{base}/soft"), await sftp.isfile(f"{base}/soft")]
    await sftp.link(path, f"{base}/hard")
    found["hard"] = await sftp.getsize(f"{base}/hard")
    found["rename"] = await refused(sftp.rename(f"{base}/hard", f"{base}/soft"))
    await sftp.posix_rename(f"{base}/hard", f"{base}/renamed")
    found["realpath"] = await sftp.realpath(f"{base}/a/../a/./b")
    found["statvfs"] = (await sftp.statvfs(base or "/")).blocks > 0
    found["errors"] = [
        await refused(sftp.stat(f"{base}/missing")),
        await refused(sftp.rmdir(f"{base}/a")),
        await refused(sftp.mkdir(f"{base}/a")),
        await refused(opened(sftp, f"{base}/missing/x", "wb")),
    ]
    # Beyond 4 GiB.
    async with sftp.open(f"{base}/far", "wb+") as file:
        await file.write(b"beyond", 5 * 2**30)
        found["far"] = [(await file.stat()).size, (await file.read(100, 5 * 2**30 - 2)).hex()]
    found["listing"] = await names(sftp, base or "/")
    await sftp.rmtree(many)
    for name in ("tree", "copy", "a"):
        await sftp.rmtree(f"{base}/{name}")
    for name in ("f", "soft", "renamed", "far"):
        await sftp.remove(f"{base}/{name}")
    found["left"] = await names(sftp, base or "/")


async def opened(sftp, path, mode):
    async with sftp.open(path, mode):
        pass


async def write(sftp, path):
    async with sftp.open(path, "w") as file:
        await file.write(path)


async def main():
    lines = "".join(f"* {line}\n" for line in options["hostKeys"])
    async with asyncssh.connect(
        options["host"], options["port"], username=options["user"], client_keys=[options["key"]], agent_path=None, config=None,
        known_hosts=asyncssh.import_known_hosts(lines),
    ) as connection:
        async with connection.start_sftp_client(sftp_version=version) as sftp:
            await work(sftp)
    print(json.dumps(found))


asyncio.run(main())
