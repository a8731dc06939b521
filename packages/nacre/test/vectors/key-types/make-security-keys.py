# Makes security-keys.json: keys of a token in software (python3 cryptography), signatures it makes with all kinds of flags,
# spoilt ones too, and what `ssh-keygen -Y check-novalidate` says of each. The data of all is that of a signed file, since
# only those can be shown to ssh-keygen; a signature over data that ssh-keygen would not choose is a spoilt one.
#   SSH_KEYGEN=/usr/bin/ssh-keygen python3 make-security-keys.py > security-keys.json
import base64, hashlib, json, os, struct, subprocess, sys, tempfile
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEYGEN = os.environ.get('SSH_KEYGEN', 'ssh-keygen')
u32 = lambda n: struct.pack('>I', n)
string = lambda b: u32(len(b)) + b
sha256 = lambda b: hashlib.sha256(b).digest()
b64 = lambda b: base64.b64encode(b).decode()


def mpint(n):
    return string(n.to_bytes((n.bit_length() + 8) // 8, 'big'))


class Token:
    def __init__(self, name, kind, application, flags=1):
        self.name, self.kind, self.application, self.flags = name, kind, application.encode(), flags
        self.type = {'ed25519': b'sk-ssh-ed25519@openssh.com', 'ecdsa': b'sk-ecdsa-sha2-nistp256@openssh.com'}[kind]
        if kind == 'ed25519':
            self.private = ed25519.Ed25519PrivateKey.generate()
            point = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            self.fields = string(point) + string(self.application)
        else:
            self.private = ec.generate_private_key(ec.SECP256R1())
            point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            self.fields = string(b'nistp256') + string(point) + string(self.application)
        self.blob = string(self.type) + self.fields

    def raw(self, message):
        if self.kind == 'ed25519':
            return self.private.sign(message)
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(hashes.SHA256())))
        return mpint(r) + mpint(s)

    def sign(self, data, flags=1, counter=7, application=None, said_flags=None, said_counter=None, behind=b''):
        signed = sha256(self.application if application is None else application) + bytes([flags]) + u32(counter) + sha256(data)
        said = bytes([flags if said_flags is None else said_flags]) + u32(counter if said_counter is None else said_counter)
        return string(self.type) + string(self.raw(signed)) + said + behind

    def webauthn(self, data, flags=1, counter=7, origin='https://ssh.example.org', page=None, typ='webauthn.get', extensions=b'', tail=',"crossOrigin":false}', challenge=None, behind=b'', extensions_said=None):
        shown = data if challenge is None else challenge
        client = ('{"type":"%s","challenge":"%s","origin":"%s"%s' % (
            typ, base64.urlsafe_b64encode(shown).decode().rstrip('='), origin if page is None else page, tail)).encode()
        signed = sha256(self.application) + bytes([flags]) + u32(counter) + extensions + sha256(client)
        return (string(b'webauthn-' + self.type) + string(self.raw(signed)) + bytes([flags]) + u32(counter) +
                string(origin.encode()) + string(client) + string(extensions if extensions_said is None else extensions_said) + behind)

    def file(self, comment):
        body = u32(0x01020304) * 2 + string(self.type) + self.fields + bytes([self.flags]) + string(b'handle of ' + self.name.encode()) + string(b'') + string(comment)
        body += bytes((i % 256) for i in range(1, 1 + (-len(body)) % 8))
        whole = b'openssh-key-v1\0' + string(b'none') + string(b'none') + string(b'') + u32(1) + string(self.blob) + string(body)
        text = b64(whole)
        lines = '\n'.join(text[i:i + 70] for i in range(0, len(text), 70))
        return '-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n' % lines


MESSAGE = b'what is signed\n'
NAMESPACE = b'file'
DATA = b'SSHSIG' + string(NAMESPACE) + string(b'') + string(b'sha512') + string(hashlib.sha512(MESSAGE).digest())


def verdict(token, signature):
    whole = b'SSHSIG' + u32(1) + string(token.blob) + string(NAMESPACE) + string(b'') + string(b'sha512') + string(signature)
    text = b64(whole)
    with tempfile.NamedTemporaryFile('w', suffix='.sig') as f:
        f.write('-----BEGIN SSH SIGNATURE-----\n' + '\n'.join(text[i:i + 70] for i in range(0, len(text), 70)) + '\n-----END SSH SIGNATURE-----\n')
        f.flush()
        done = subprocess.run([KEYGEN, '-Y', 'check-novalidate', '-n', NAMESPACE.decode(), '-s', f.name], input=MESSAGE, capture_output=True)
        return done.returncode == 0


ed = Token('ed25519', 'ed25519', 'ssh:')
ec_ = Token('ecdsa', 'ecdsa', 'ssh:')
other = Token('ecdsa-elsewhere', 'ecdsa', 'ssh:sign in elsewhere', flags=0x25)
rows = []


def add(about, token, signature, **says):
    rows.append({'about': about, 'key': token.name, 'algorithm': signature[4:4 + struct.unpack('>I', signature[:4])[0]].decode(),
                 'signature': b64(signature), 'accepted': verdict(token, signature), **says})


for token in (ed, ec_, other):
    for flags in (0, 1, 4, 5, 0x25, 0xff):
        add('flags %d' % flags, token, token.sign(DATA, flags=flags, counter=flags * 1000 + 0x80000001), flags=flags, counter=flags * 1000 + 0x80000001)
for token in (ed, ec_):
    add('said to be touched, and signed as not', token, token.sign(DATA, flags=0, said_flags=1))
    add('said to be verified, and signed as touched', token, token.sign(DATA, flags=1, said_flags=5))
    add('another counter', token, token.sign(DATA, said_counter=8))
    add('for another application', token, token.sign(DATA, application=b'ssh:other'))
    add('for an application without a name', token, token.sign(DATA, application=b''))
    add('other data', token, token.sign(DATA + b'.'))
    add('a byte behind', token, token.sign(DATA, behind=b'\0'))
    add('no flags and counter', token, token.sign(DATA)[:-5])
    add('half a counter', token, token.sign(DATA)[:-2])
    add('not hashed', token, string(token.type) + string(token.raw(DATA)) + b'\1' + u32(7))
spoilt = bytearray(ec_.sign(DATA)); spoilt[-20] ^= 1
add('another bit', ec_, bytes(spoilt))
spoilt = bytearray(ed.sign(DATA)); spoilt[-20] ^= 1
add('another bit', ed, bytes(spoilt))
for token in (ec_, other):
    add('a page', token, token.webauthn(DATA, flags=5, counter=3), flags=5, counter=3, origin='https://ssh.example.org')
add('a page, nothing but what is needed', ec_, ec_.webauthn(DATA, tail='}'), flags=1, counter=7, origin='https://ssh.example.org')
add('a page, no touch', ec_, ec_.webauthn(DATA, flags=0), flags=0, counter=7, origin='https://ssh.example.org')
add('a page, with extensions', ec_, ec_.webauthn(DATA, flags=0x81, extensions=b'\xa0'), flags=0x81, counter=7, origin='https://ssh.example.org')
add('a page, extensions that no flag tells of', ec_, ec_.webauthn(DATA, flags=1, extensions=b'\xa0'))
add('a page, a flag for extensions that are not there', ec_, ec_.webauthn(DATA, flags=0x81))
add('a page, extensions said and not signed', ec_, ec_.webauthn(DATA, flags=0x81, extensions=b'', extensions_said=b'\xa0'))
add('a page, with data of a registration', ec_, ec_.webauthn(DATA, flags=0x41))
add('a page, another one than the signature says', ec_, ec_.webauthn(DATA, page='https://evil.example.org'))
add('a page, the beginning of the one that signed', ec_, ec_.webauthn(DATA, origin='https://ssh.example', page='https://ssh.example.org'))
add('a page with a quote in it', ec_, ec_.webauthn(DATA, origin='https://ssh.example.org","x":"y'))
add('a registration', ec_, ec_.webauthn(DATA, typ='webauthn.create'))
add('a page, other data', ec_, ec_.webauthn(DATA, challenge=DATA[:-1]))
add('a page, data with more behind', ec_, ec_.webauthn(DATA, challenge=DATA + b'xyz'))
add('a page, a byte behind', ec_, ec_.webauthn(DATA, behind=b'\0'))
add('a page that is not named', ec_, ec_.webauthn(DATA, origin=''), flags=1, counter=7, origin='')
plain_as_page = string(b'webauthn-' + ec_.type) + ec_.sign(DATA)[4 + len(ec_.type):]
add('a plain signature under the name of those of browsers', ec_, plain_as_page)
add('that of a browser under the plain name', ec_, string(ec_.type) + ec_.webauthn(DATA)[4 + len(b'webauthn-' + ec_.type):])

json.dump({
    'about': 'made by make-security-keys.py; "accepted" is what ssh-keygen -Y check-novalidate says',
    'data': b64(DATA),
    'keys': [{'name': t.name, 'public': '%s %s %s' % (t.type.decode(), b64(t.blob), t.name), 'application': t.application.decode(), 'flags': t.flags,
              'file': t.file(t.name.encode())} for t in (ed, ec_, other)],
    'signatures': rows,
}, sys.stdout, indent=1)
sys.stdout.write('\n')
