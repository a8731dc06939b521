# Makes shown.json: what ssh-keygen prints of each key, and of a certificate for it.
#   SSH_KEYGEN=/usr/bin/ssh-keygen SSH_KEYGEN_MLDSA=/path/to/that/of/10.5 python3 make-shown.py > shown.json
import glob, json, os, shutil, subprocess, sys, tempfile

USUAL = os.environ.get('SSH_KEYGEN', 'ssh-keygen')
MLDSA = os.environ.get('SSH_KEYGEN_MLDSA', USUAL)
here = os.path.dirname(os.path.abspath(__file__))
folder = tempfile.mkdtemp()


def run(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, cwd=folder)
    return done.stdout if done.returncode == 0 else ''


def shown(program, file):
    line = open(file).read().strip()
    row = {'public': line, 'fingerprints': {}, 'art': {}}
    for name in ('md5', 'sha1', 'sha256', 'sha384', 'sha512'):
        first, *art = run(program, '-l', '-v', '-E', name, '-f', file).rstrip('\n').split('\n')
        bits, fingerprint, *_, kind = first.split(' ')
        row.update(bits=int(bits), shortName=kind.strip('()'))
        row['fingerprints'][name] = fingerprint
        row['art'][name] = '\n'.join(art)
    row['babble'] = run(program, '-B', '-f', file).split(' ')[1]
    row['sshfp'] = run(program, '-r', 'host.example', '-f', file).splitlines()
    row['generic'] = run(program, '-r', 'host.example', '-g', '-f', file).splitlines()
    return row


lines = [open(file).read() for file in sorted(glob.glob(here + '/../keys/*.pub')) + [here + '/mldsa44-ed25519.pub']]
lines += [key['public'] for key in json.load(open(here + '/security-keys.json'))['keys']]
run(USUAL, '-q', '-t', 'ed25519', '-N', '', '-f', 'authority')
rows = []
for number, line in enumerate(lines):
    program = MLDSA if 'mldsa' in line else USUAL
    file = os.path.join(folder, 'key%d.pub' % number)
    open(file, 'w').write(line.strip() + '\n')
    rows.append(shown(program, file))
    run(program, '-q', '-s', 'authority', '-I', 'somebody', '-n', 'somebody', file)
    certificate = file.replace('.pub', '-cert.pub')
    if os.path.exists(certificate):
        rows.append(shown(program, certificate))
shutil.rmtree(folder)
json.dump(rows, sys.stdout, indent=1)
sys.stdout.write('\n')
