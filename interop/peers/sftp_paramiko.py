# Owns what paramiko's SFTP client does at a server: every method people use, on a folder of the server's. Takes its options as
# one JSON argument, prints what it found as JSON. Knows nothing of who serves.
import hashlib
import io
import json
import socket
import stat
import sys

import paramiko

options = json.loads(sys.argv[1])
base = options["base"]
found = {}


def pattern(length, seed=7):
    return hashlib.shake_128(bytes([seed])).digest(length)


transport = paramiko.Transport(socket.create_connection((options["host"], options["port"])))
transport.start_client(timeout=20)
transport.auth_publickey(options["user"], paramiko.Ed25519Key.from_private_key_file(options["key"]))
sftp = paramiko.SFTPClient.from_transport(transport)

sftp.mkdir(f"{base}/d", 0o750)
sftp.chdir(f"{base}/d")
found["cwd"] = sftp.getcwd()

# Uploads: confirmed by a stat, writes one after another and pipelined.
big = pattern(3_000_001)
sftp.putfo(io.BytesIO(big), "big", confirm=True)
with sftp.open("pipelined", "w") as file:
    file.set_pipelined(True)
    for at in range(0, len(big), 40_000):
        file.write(big[at:at + 40_000])
with sftp.open("pipelined", "r") as file:
    file.prefetch()
    found["pipelined"] = file.read() == big
with sftp.open("big", "rb", bufsize=100_000) as file:
    found["readv"] = [len(each) for each in file.readv([(0, 10), (2_999_990, 11), (1_000_000, 200_000)])]
    file.seek(-5, io.SEEK_END)
    found["tail"] = file.read() == big[-5:]
copy = io.BytesIO()
found["got"] = sftp.getfo("big", copy) == len(big) and copy.getvalue() == big
found["callback"] = []
sftp.get("big", options["local"], callback=lambda done, total: found["callback"].append((done, total)))
found["callback"] = found["callback"][-1] == (len(big), len(big))
found["local"] = open(options["local"], "rb").read() == big

# In the middle of a file; appended; exclusive; past the end.
with sftp.open("middle", "w+") as file:
    file.write(b"0123456789")
    file.seek(3)
    file.write(b"abc")
    file.flush()
    file.seek(0)
    found["middle"] = file.read().decode()
    file.truncate(5)
    found["truncated"] = file.stat().st_size
    file.chmod(0o604)
    file.utime((1_000_000_000, 1_100_000_000))
with sftp.open("middle", "a") as file:
    file.write(b"++")
with sftp.open("middle") as file:
    found["appended"] = file.read().decode()
try:
    sftp.open("middle", "x")
    found["exclusive"] = "opened"
except IOError:
    found["exclusive"] = "refused"
sftp.truncate("middle", 3)
sftp.chmod("middle", 0o640)
sftp.utime("middle", (1_200_000_000, 1_300_000_000))
facts = sftp.stat("middle")
found["stat"] = [facts.st_size, stat.S_IMODE(facts.st_mode), int(facts.st_atime), int(facts.st_mtime)]

# check-file, which needs no reading.
with sftp.open("big") as file:
    found["check"] = file.check("sha1").hex() == hashlib.sha1(big).hexdigest()
    blocks = file.check("md5", 1000, 10_000, 4096)
    found["blocks"] = blocks == b"".join(hashlib.md5(big[1000 + at:min(1000 + at + 4096, 11_000)]).digest() for at in range(0, 10_000, 4096))

# Links: the first argument is what it points to.
sftp.symlink("middle", "soft")
found["link"] = [sftp.readlink("soft"), stat.S_ISLNK(sftp.lstat("soft").st_mode), stat.S_ISREG(sftp.stat("soft").st_mode)]

sftp.rename("pipelined", "renamed")
try:
    sftp.rename("renamed", "big")
    found["rename"] = "replaced"
except IOError:
    found["rename"] = "refused"
sftp.posix_rename("renamed", "big")
found["listing"] = sorted(sftp.listdir())
found["iterated"] = sorted(each.filename for each in sftp.listdir_iter(".", read_aheads=10))
found["attributes"] = sorted(f"{each.filename} {each.st_size} {each.longname[:10]}" for each in sftp.listdir_attr("."))
found["normalized"] = sftp.normalize("../d/./middle")
for call in (lambda: sftp.stat("missing"), lambda: sftp.rmdir(".."), lambda: sftp.open("missing/x", "w")):
    try:
        call()
        found.setdefault("errors", []).append("none")
    except IOError as error:
        found.setdefault("errors", []).append(error.errno)

# Beyond 4 GiB: a hole, and what is behind it.
with sftp.open("far", "w+") as file:
    file.seek(5 * 2**30)
    file.write(b"beyond")
    file.flush()
    file.seek(5 * 2**30 - 2)
    found["far"] = [file.stat().st_size, file.read(100).hex()]
for name in sftp.listdir():
    sftp.remove(name)
sftp.chdir(None)
sftp.rmdir(f"{base}/d")
transport.close()
print(json.dumps(found))
