#!/usr/bin/env python3
# Makes certificates.json with ssh-keygen (OpenSSH 9.2) from the keys in ../keys. Run it in this folder. Nonces are random, so that
# each run makes other certificates; times are fixed.
import json, os, shutil, subprocess, tempfile

keys = os.path.join('..', 'keys')
usual = ['-n', 'ada,grace', '-z', '7', '-V', '20200101000000Z:20400101000000Z']

# The public halves of keys in tokens: ssh-keygen certifies them without the token.
security = {
    'sk-ed25519': 'sk-ssh-ed25519@openssh.com',
    'sk-ecdsa': 'sk-ecdsa-sha2-nistp256@openssh.com',
}

rows = [
    *({'name': f'{key} by {ca}', 'key': key, 'ca': ca, 'words': usual}
      for ca in ('ed25519', 'ecdsa256', 'rsa2048')
      for key in ('ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048')),
    *({'name': key, 'key': key, 'ca': 'ed25519', 'words': usual} for key in security),
    {'name': 'host', 'key': 'ed25519', 'ca': 'ed25519', 'words': ['-h', '-n', 'host.example,*.lab.example', '-V', 'always:forever']},
    {'name': 'host expired', 'key': 'ed25519', 'ca': 'ed25519', 'words': ['-h', '-n', 'host.example', '-V', '20200101000000Z:20210101000000Z']},
    {'name': 'limits', 'key': 'ed25519', 'ca': 'ed25519', 'words': [
        *usual, '-O', 'force-command=/bin/echo "forced"', '-O', 'source-address=192.0.2.0/24,2001:db8::/32', '-O', 'verify-required',
        '-O', 'no-touch-required', '-O', 'no-pty', '-O', 'no-x11-forwarding']},
    {'name': 'nothing allowed', 'key': 'ed25519', 'ca': 'ed25519', 'words': [*usual, '-O', 'clear']},
    {'name': 'unknown critical option', 'key': 'ed25519', 'ca': 'ed25519', 'words': [*usual, '-O', 'critical:only-on-sundays@example.org=yes']},
    {'name': 'unknown extension', 'key': 'ed25519', 'ca': 'ed25519', 'words': [*usual, '-O', 'extension:colour@example.org=green']},
    {'name': 'no principals', 'key': 'ed25519', 'ca': 'ed25519', 'words': []},
    {'name': 'before', 'key': 'ed25519', 'ca': 'ed25519', 'words': ['-n', 'ada', '-V', 'always:20210101000000Z']},
    {'name': 'after', 'key': 'ed25519', 'ca': 'ed25519', 'words': ['-n', 'ada', '-V', '20390101000000Z:forever']},
    {'name': 'by SHA-1', 'key': 'ed25519', 'ca': 'rsa2048', 'words': [*usual, '-t', 'ssh-rsa']},
    {'name': 'by SHA-256', 'key': 'ed25519', 'ca': 'rsa2048', 'words': [*usual, '-t', 'rsa-sha2-256']},
    {'name': 'by 1024 bits', 'key': 'ed25519', 'ca': 'rsa1024', 'words': usual},
    {'name': 'largest serial', 'key': 'ed25519', 'ca': 'ed25519', 'words': ['-n', 'ada', '-z', '18446744073709551615']},
    {'name': 'DSA', 'key': 'dsa', 'ca': 'ed25519', 'words': usual},
]


def public_line(name):
    if name in security:
        with open(os.path.join('..', 'key-types', 'security-keys.json')) as file:
            return next(line for line in strings(json.load(file)) if line.startswith(security[name] + ' '))
    with open(os.path.join(keys, name + '.pub')) as file:
        return file.read()


def strings(value):
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from strings(each)


made = []
with tempfile.TemporaryDirectory() as folder:
    for row in rows:
        path = os.path.join(folder, 'key.pub')
        with open(path, 'w') as file:
            file.write(public_line(row['key']).strip() + '\n')
        ca = os.path.join(folder, 'ca')
        shutil.copyfile(os.path.join(keys, row['ca'] + '.key'), ca)
        os.chmod(ca, 0o600)
        certificate = os.path.join(folder, 'key-cert.pub')
        subprocess.run(['ssh-keygen', '-q', '-s', ca, '-I', 'id of ' + row['name'], *row['words'], path], check=True)
        shown = subprocess.run(['ssh-keygen', '-L', '-f', certificate], check=True, capture_output=True, text=True, env={**os.environ, 'TZ': 'UTC'})
        with open(certificate) as file:
            made.append({**{k: row[k] for k in ('name', 'key', 'ca')}, 'line': file.read().strip(), 'shown': shown.stdout.split('\n')[1:-1]})
with open('certificates.json', 'w') as file:
    json.dump(made, file, indent=2, ensure_ascii=False)
    file.write('\n')
