"""Makes private.json and public.json beside this file. Needs ssh-keygen, openssl, puttygen and Python's cryptography."""
import json, os, re, shutil, subprocess, tempfile
from cryptography.hazmat.primitives import serialization as s

here = os.path.dirname(os.path.abspath(__file__))
keys = os.path.join(here, '..', 'keys')
types = ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048', 'dsa']
secret = 'correct horse'
work = tempfile.mkdtemp()
private, public = [], []

def run(*command, data=None):
    done = subprocess.run(command, input=data, capture_output=True, cwd=work)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout.decode()

def path(name, text=None):
    full = os.path.join(work, name)
    if text is not None:
        with open(os.open(full, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), 'w') as file:
            file.write(text)
    return full

def row(rows, maker, key, how, text):
    rows.append([maker, key, how, text])

with open(path('secret', secret)), open(path('empty', '')):
    pass

for name in types:
    key = path(name)
    shutil.copy(os.path.join(keys, f'{name}.key'), key)
    os.chmod(key, 0o600)
    comment = f'{name}@vectors'
    pkcs8 = path(f'{name}.pkcs8')
    loaded = s.load_ssh_private_key(open(key, 'rb').read(), None)
    path(f'{name}.pkcs8', loaded.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode())

    # OpenSSH's own form; 1 round, for it is read often.
    copy = path('copy', open(key).read())
    run('ssh-keygen', '-q', '-p', '-P', '', '-N', secret, '-a', '1', '-f', copy)
    row(private, 'ssh-keygen', name, 'openssh, aes256-ctr', open(copy).read())

    # PEM as OpenSSL has it, open and with each cipher. It has no such form of Ed25519.
    if name != 'ed25519':
        tool = {'rsa2048': 'rsa', 'dsa': 'dsa'}.get(name, 'ec')
        traditional = ['-traditional'] if tool == 'rsa' else []
        row(private, 'openssl', name, 'pem', run('openssl', tool, '-in', pkcs8, *traditional))
        for cipher in ['des3', 'aes128', 'aes192', 'aes256']:
            text = run('openssl', tool, '-in', pkcs8, *traditional, f'-{cipher}', '-passout', f'pass:{secret}')
            row(private, 'openssl', name, f'pem, {cipher}', text)
        copy = path('copy', open(key).read())
        run('ssh-keygen', '-q', '-p', '-m', 'PEM', '-P', '', '-N', secret, '-f', copy)
        row(private, 'ssh-keygen', name, 'pem, aes128', open(copy).read())
        copy = path('copy', open(key).read())
        run('ssh-keygen', '-q', '-p', '-m', 'PKCS8', '-P', '', '-N', secret, '-f', copy)
        row(private, 'ssh-keygen', name, 'pkcs8, as ssh-keygen has it', open(copy).read())
    if name.startswith('ecdsa'):
        row(private, 'openssl', name, 'pem without its public half', run('openssl', 'ec', '-in', pkcs8, '-no_public'))

    # PKCS#8.
    row(private, 'openssl', name, 'pkcs8', run('openssl', 'pkcs8', '-topk8', '-nocrypt', '-in', pkcs8))
    ways = [('aes-256-cbc', 'hmacWithSHA256')]
    if name == 'ed25519':
        ways += [('aes-128-cbc', 'hmacWithSHA1'), ('aes-192-cbc', 'hmacWithSHA224'), ('des3', 'hmacWithSHA384'), ('aes-256-cbc', 'hmacWithSHA512')]
    for cipher, prf in ways:
        text = run('openssl', 'pkcs8', '-topk8', '-in', pkcs8, '-v2', cipher, '-v2prf', prf, '-passout', f'pass:{secret}')
        row(private, 'openssl', name, f'pkcs8, {cipher}, {prf}', text)
    text = run('openssl', 'pkcs8', '-topk8', '-in', pkcs8, '-v2', 'aes-256-cbc', '-scrypt', '-scrypt_N', '1024', '-passout', f'pass:{secret}')
    row(private, 'openssl', name, 'pkcs8, aes-256-cbc, scrypt', text)

    # PuTTY.
    def puttygen(how, passphrase, *params):
        run('puttygen', key, '-C', comment, '-O', 'private', '-o', path('out.ppk'), '--new-passphrase', path(passphrase), *params)
        row(private, 'puttygen', name, how, open(path('out.ppk')).read())
    cheap = 'memory=64,passes=2'
    puttygen('ppk 3', 'empty')
    puttygen('ppk 2', 'empty', '--ppk-param', 'version=2')
    puttygen('ppk 2, aes256-cbc', 'secret', '--ppk-param', 'version=2')
    kdfs = ['argon2id', 'argon2i', 'argon2d'] if name == 'ecdsa384' else ['argon2id']
    for kdf in kdfs:
        puttygen(f'ppk 3, {kdf}', 'secret', '--ppk-param', f'version=3,kdf={kdf},{cheap}')
    if name == 'rsa2048':
        puttygen('ppk 3, four lanes', 'secret', '--ppk-param', 'version=3,memory=64,passes=3,parallelism=4')

    # Public keys.
    row(public, 'ssh-keygen', name, 'rfc4716', re.sub('by [^ ]+ from', 'by user@host from', run('ssh-keygen', '-e', '-m', 'RFC4716', '-f', key)))
    row(public, 'puttygen', name, 'rfc4716', run('puttygen', key, '-C', f'{name} "of" vectors, with a comment that is longer than a line may be: it goes on', '-O', 'public'))
    row(public, 'openssl', name, 'spki', run('openssl', 'pkey', '-in', pkcs8, '-pubout'))
    if name != 'ed25519':
        row(public, 'ssh-keygen', name, 'pem', run('ssh-keygen', '-e', '-m', 'PEM', '-f', key))
        row(public, 'ssh-keygen', name, 'pkcs8', run('ssh-keygen', '-e', '-m', 'PKCS8', '-f', key))

for file, rows in [('private.json', private), ('public.json', public)]:
    with open(os.path.join(here, file), 'w') as out:
        out.write('[\n' + ',\n'.join(json.dumps(each) for each in rows) + '\n]\n')
shutil.rmtree(work)
