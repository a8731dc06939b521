# Called by make.sh. fingerprints.json: what `ssh-keygen -l -E` prints. signatures.json: signature blobs by ssh-agent.
import base64, json, os, re, socket, struct, subprocess, tempfile

names = ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048', 'rsa1024', 'dsa']

fingerprints = []
for name in names:
    row = {'key': name}
    for hash_name in ['sha256', 'sha1', 'md5']:
        line = subprocess.check_output(['ssh-keygen', '-l', '-E', hash_name, '-f', f'{name}.pub'], text=True)
        bits, printed, short = re.match(r'(\d+) (\S+) .*\((\S+)\)$', line).groups()
        row.update({'bits': int(bits), hash_name: printed, 'shortName': short})
    fingerprints.append(row)
json.dump(fingerprints, open('fingerprints.json', 'w'), indent=1)


def string(value):
    return struct.pack('>I', len(value)) + value


def blob_of(name):
    return base64.b64decode(open(f'{name}.pub').read().split()[1])


def sign(agent, blob, data, flags):
    payload = b'\x0d' + string(blob) + string(data) + struct.pack('>I', flags)
    agent.sendall(string(payload))
    def exactly(count):
        got = b''
        while len(got) < count:
            got += agent.recv(count - len(got))
        return got
    answer = exactly(struct.unpack('>I', exactly(4))[0])
    assert answer[0] == 14, answer[0]
    return answer[5:]


wanted = [
    ('ed25519', 'ssh-ed25519', 0),
    ('ecdsa256', 'ecdsa-sha2-nistp256', 0),
    ('ecdsa384', 'ecdsa-sha2-nistp384', 0),
    ('ecdsa521', 'ecdsa-sha2-nistp521', 0),
    ('rsa2048', 'rsa-sha2-512', 4),
    ('rsa2048', 'rsa-sha2-256', 2),
    ('rsa2048', 'ssh-rsa', 0),
    ('dsa', 'ssh-dss', 0),
]
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'agent')
    process = subprocess.Popen(['ssh-agent', '-D', '-a', path], stdout=subprocess.DEVNULL)
    try:
        while not os.path.exists(path):
            pass
        for name in names:
            os.chmod(f'{name}.key', 0o600)
            subprocess.check_call(['ssh-add', '-q', f'{name}.key'], env={**os.environ, 'SSH_AUTH_SOCK': path})
        agent = socket.socket(socket.AF_UNIX)
        agent.connect(path)
        rows = []
        # Several of each, so that numbers with leading zeros are among them.
        for name, algorithm, flags in wanted:
            for i in range(1 if algorithm.startswith('rsa') or algorithm.startswith('ssh-rsa') else 8):
                data = f'{algorithm} number {i}'.encode()
                signature = sign(agent, blob_of(name), data, flags)
                rows.append({'key': name, 'algorithm': algorithm, 'data': data.decode(), 'signature': base64.b64encode(signature).decode()})
        json.dump(rows, open('signatures.json', 'w'), indent=1)
    finally:
        process.terminate()
