#!/usr/bin/python3
"""Makes lists.json: revocation lists and signatures of files, by each ssh-keygen named.

python3 make.py NAME=PATH ... (such as 9.2=/usr/bin/ssh-keygen); needs python3-cryptography for the signatures of security
keys, which are put together here and shown to every ssh-keygen named. The keys are those of ../keys.
"""
import base64, hashlib, json, os, shutil, struct, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
os.environ['TZ'] = 'UTC'
tools = dict(each.split('=', 1) for each in sys.argv[1:])
work = tempfile.mkdtemp()
os.chdir(work)
kinds = ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048']
for kind in kinds:
    shutil.copy(f'{here}/../keys/{kind}.key', kind)
    os.chmod(kind, 0o600)
    shutil.copy(f'{here}/../keys/{kind}.pub', f'{kind}.pub')


def run(*command, stdin=b'', okay=True):
    done = subprocess.run(command, input=stdin, capture_output=True)
    if okay and done.returncode != 0:
        raise SystemExit(f'{command}: {done.stderr.decode()}')
    return done


def text(path):
    return open(path).read()


def certificate(tool, name, ca, *options):
    shutil.copy('ed25519.pub', f'{name}.pub')
    run(tool, '-q', '-s', ca, *options, f'{name}.pub')
    return text(f'{name}-cert.pub').strip()


certificates = {}


def krl(by, tool, name, authority, spec, asked):
    path = f'{name}.krl'
    open('spec', 'w').write(spec)
    run(tool, '-q', '-k', '-f', path, '-s', authority, '-z', '7', 'spec')
    data = open(path, 'rb').read()
    answers = []
    for line in asked:
        open('asked.pub', 'w').write(line + '\n')
        answers.append({'line': line, 'revoked': run(tool, '-Q', '-f', path, 'asked.pub', okay=False).returncode == 1})
    return {
        'by': by,
        'name': name,
        'authority': None if authority == 'NONE' else text(authority).strip(),
        'spec': spec,
        'generated': struct.unpack('>Q', data[20:28])[0],
        'krl': base64.b64encode(data).decode(),
        'shown': run(tool, '-Q', '-l', '-f', path).stdout.decode(),
        'asked': answers,
    }


def krls(by, tool):
    lines = {kind: text(f'{kind}.pub').strip() for kind in kinds}
    certs = {serial: certificate(tool, f's{serial}', 'ecdsa256', '-I', f'id {serial}', '-n', 'ada', '-z', str(serial)) for serial in (0, 9, 10, 20, 21)}
    certs['other'] = certificate(tool, 'other', 'rsa2048', '-I', 'id 10', '-n', 'ada', '-z', '10')
    asked = [*certs.values(), *lines.values()]
    rows = [
        krl(by, tool, 'empty', 'ecdsa256.pub', '', asked),
        krl(by, tool, 'range', 'ecdsa256.pub', 'serial: 10-20\n', asked),
        krl(by, tool, 'any-authority', 'NONE', 'serial: 10\nid: id 0\n', asked),
        krl(by, tool, 'ids', 'ecdsa256.pub', 'id: id 0\nid: id 21\nid: nobody\n', asked),
        krl(by, tool, 'list', 'ecdsa256.pub', 'serial: 21\nserial: 1000000\nserial: 18446744073709551615\n', asked),
        krl(by, tool, 'bitmap', 'ecdsa256.pub', ''.join(f'serial: {n}\n' for n in range(9, 600, 3)), asked),
        krl(by, tool, 'high-bitmap', 'ecdsa256.pub', ''.join(f'serial: {n}\n' for n in range(2**64 - 300, 2**64, 2)), asked),
        krl(by, tool, 'overlaps', 'ecdsa256.pub', 'serial: 15-19\nserial: 10-14\nserial: 5-12\nserial: 20\nserial: 40-50\nserial: 30-60\n', asked),
        krl(by, tool, 'mixed', 'ecdsa256.pub', ''.join(f'serial: {n * n}-{n * n + 1 + n % 7}\n' for n in range(1, 200)), asked),
        krl(by, tool, 'key', 'ecdsa256.pub', f"key: {lines['ed25519']}\n", asked),
        krl(by, tool, 'authority', 'ecdsa256.pub', f"{lines['ecdsa256']}\n", asked),
        krl(by, tool, 'hashes', 'ecdsa256.pub', f"sha1: {lines['ecdsa384']}\nsha256: {lines['ecdsa521']}\nsha256: {lines['rsa2048']}\n", asked),
        krl(by, tool, 'hash-of-certified', 'ecdsa256.pub', f"sha1: {lines['ed25519']}\n", asked),
        krl(by, tool, 'certificates', 'ecdsa256.pub', f"{certs[0]}\n{certs[10]}\n{certs['other']}\n", asked),
    ]
    return rows


message = b'what was signed\n'


def signature(by, tool, kind, key, namespace, digest):
    open('data', 'wb').write(message)
    if os.path.exists('data.sig'):
        os.unlink('data.sig')
    run(tool, '-q', '-Y', 'sign', '-f', key, '-n', namespace, '-O', f'hashalg={digest}', 'data')
    return {'by': by, 'kind': kind, 'namespace': namespace, 'hash': digest, 'file': text('data.sig')}


def string(data):
    return struct.pack('>I', len(data)) + data


def security_key(flags, counter):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b'a token of the vectors').digest())
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    name, application = b'sk-ssh-ed25519@openssh.com', b'ssh:'
    blob = string(name) + string(public) + string(application)
    digest = hashlib.sha512(message).digest()
    signed = b'SSHSIG' + string(b'file') + string(b'') + string(b'sha512') + string(digest)
    told = struct.pack('>BI', flags, counter)
    raw = private.sign(hashlib.sha256(application).digest() + told + hashlib.sha256(signed).digest())
    sig = string(name) + string(raw) + told
    whole = b'SSHSIG' + struct.pack('>I', 1) + string(blob) + string(b'file') + string(b'') + string(b'sha512') + string(sig)
    encoded = base64.b64encode(whole).decode()
    lines = '\n'.join(encoded[i : i + 70] for i in range(0, len(encoded), 70))
    file = f'-----BEGIN SSH SIGNATURE-----\n{lines}\n-----END SSH SIGNATURE-----\n'
    open('sk.sig', 'w').write(file)
    for tool in tools.values():
        run(tool, '-Y', 'check-novalidate', '-n', 'file', '-s', 'sk.sig', stdin=message)
    return {'by': 'make.py', 'kind': f'security key {flags}', 'namespace': 'file', 'hash': 'sha512', 'file': file, 'flags': flags, 'counter': counter}


signatures = [security_key(1, 7), security_key(5, 4294967295), security_key(0, 0)]
lists = []
for by, tool in tools.items():
    lists += krls(by, tool)
    for kind in kinds:
        for digest in ('sha512', 'sha256'):
            signatures.append(signature(by, tool, kind, kind, 'file' if digest == 'sha512' else 'git', digest))

json.dump({'message': message.decode(), 'lists': lists, 'signatures': signatures}, open(f'{here}/lists.json', 'w'), indent=1)
open(f'{here}/lists.json', 'a').write('\n')
shutil.rmtree(work)
