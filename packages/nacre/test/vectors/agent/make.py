# Makes requests.json: what OpenSSH's ssh-add sends an agent for keys, certificates and constraints. Needs ssh-add and ssh-keygen
# 9.2 or later. Run here: python3 make.py. The keys are new each time; the tests hold for any.
import base64, json, os, socket, struct, subprocess, tempfile, threading

folder = tempfile.mkdtemp()
path = os.path.join(folder, 'agent')
requests = []


def exactly(connection, count):
    data = b''
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            return None
        data += piece
    return data


def serve(listener):
    while True:
        connection, _ = listener.accept()
        while True:
            head = exactly(connection, 4)
            if head is None:
                break
            requests.append(exactly(connection, struct.unpack('>I', head)[0]))
            connection.sendall(b'\0\0\0\1\6')


listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
threading.Thread(target=serve, args=(listener,), daemon=True).start()


def run(*words, **more):
    subprocess.run(words, check=True, cwd=folder, env={**os.environ, 'SSH_AUTH_SOCK': path, 'HOME': folder}, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, start_new_session=True, **more)


run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', 'ca', '-C', 'ca')
rows = []
for name, words in {'ed25519': [], 'ecdsa256': ['-b', '256'], 'ecdsa521': ['-b', '521'], 'rsa2048': ['-b', '2048']}.items():
    run('ssh-keygen', '-q', '-t', name.rstrip('0123456789') if name != 'ed25519' else name, *words, '-N', '', '-f', name, '-C', name + ' key')
    run('ssh-keygen', '-q', '-s', 'ca', '-I', name, '-n', 'somebody', name + '.pub')
with open(os.path.join(folder, 'known'), 'w') as known:
    known.write('hop ' + open(os.path.join(folder, 'ed25519.pub')).read())
    known.write('far ' + open(os.path.join(folder, 'ecdsa256.pub')).read())
    known.write('@cert-authority far ' + open(os.path.join(folder, 'ca.pub')).read())
ways = ['-H', 'known', '-h', 'hop', '-h', 'hop>user@far']


def record(what, *words, **more):
    del requests[:]
    run('ssh-add', *words, **more)
    rows.extend({'what': what, 'request': base64.b64encode(each).decode()} for each in requests)


for name in ['ed25519', 'ecdsa256', 'ecdsa521', 'rsa2048']:
    record(name, name)
record('lifetime', '-t', '3600', 'ed25519')
record('confirm', '-c', 'ed25519')
record('destinations', *ways, 'ed25519')
record('all', '-t', '3600', '-c', *ways, 'rsa2048')
record('remove', '-d', 'ed25519.pub')
record('remove all', '-D')
record('lock', '-x', input=b'secret\nsecret\n')
record('unlock', '-X', input=b'secret\n')
record('card', '-s', '/usr/lib/library.so', input=b'1234\n')
record('card with constraints', '-t', '60', *ways, '-s', '/usr/lib/library.so', input=b'1234\n')
record('card removed', '-e', '/usr/lib/library.so')
with open('requests.json', 'w') as out:
    json.dump(rows, out, indent=1)
    out.write('\n')
