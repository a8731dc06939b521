#!/bin/sh
# Makes every file in this folder anew with OpenSSH (ssh-keygen, ssh-agent) and openssl: sh make.sh
# The keys are for tests only. Nothing anywhere trusts them.
set -eu
cd "$(dirname "$0")"
rm -f -- *.key *.pub *.sig *.pem *.json known_hosts known_hosts.hashed message.txt
for spec in ed25519:ed25519: ecdsa256:ecdsa:256 ecdsa384:ecdsa:384 ecdsa521:ecdsa:521 rsa2048:rsa:2048 rsa1024:rsa:1024 dsa:dsa:; do
  name=${spec%%:*}; rest=${spec#*:}; type=${rest%%:*}; bits=${rest#*:}
  ssh-keygen -q -t "$type" ${bits:+-b "$bits"} -N '' -C "$name@vectors" -f "$name.key"
  mv "$name.key.pub" "$name.pub"
done

# The ed25519 key under every cipher; few rounds, so that tests stay fast. Passphrase: correct horse
for cipher in 3des-cbc aes128-cbc aes192-cbc aes256-cbc aes128-ctr aes192-ctr aes256-ctr aes128-gcm@openssh.com aes256-gcm@openssh.com chacha20-poly1305@openssh.com; do
  file="encrypted-${cipher%@*}.key"
  cp ed25519.key "$file"
  ssh-keygen -q -p -P '' -N 'correct horse' -Z "$cipher" -a 2 -f "$file"
done

# Other forms of the same keys.
for name in rsa2048 ecdsa256 ecdsa521 dsa; do
  cp "$name.key" "$name-pem.pem"; ssh-keygen -q -p -P '' -N '' -m PEM -f "$name-pem.pem"
done
for name in rsa2048 ecdsa384; do
  cp "$name.key" "$name-pkcs8.pem"; ssh-keygen -q -p -P '' -N '' -m PKCS8 -f "$name-pkcs8.pem"
done
cp rsa2048.key rsa2048-pem-encrypted.pem; ssh-keygen -q -p -P '' -N 'correct horse' -m PEM -f rsa2048-pem-encrypted.pem
cp rsa2048.key rsa2048-pkcs8-encrypted.pem; ssh-keygen -q -p -P '' -N 'correct horse' -m PKCS8 -f rsa2048-pkcs8-encrypted.pem
openssl genpkey -algorithm ed25519 -out ed25519-pkcs8.pem

# Detached signatures over message.txt, and what -l prints.
printf 'a message to sign\n' > message.txt
for name in ed25519 ecdsa256 ecdsa384 ecdsa521 rsa2048; do
  ssh-keygen -q -Y sign -n vectors -f "$name.key" < message.txt > "$name.sig" 2>/dev/null
done
python3 make-json.py

# Host names plain and hashed.
key() { cut -d' ' -f1,2 "$1.pub"; }
{
  echo "# a comment"
  echo "plain.example $(key ed25519)"
  echo "several.example,192.0.2.7,[several.example]:2222 $(key ecdsa256)"
  echo "[port.example]:2200 $(key rsa2048) with a comment"
} > known_hosts
cp known_hosts known_hosts.hashed
ssh-keygen -q -H -f known_hosts.hashed 2>/dev/null
rm -f known_hosts.hashed.old
chmod 644 -- *
