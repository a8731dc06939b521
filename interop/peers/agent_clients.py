# Asks the agent at SSH_AUTH_SOCK by paramiko or AsyncSSH, whichever is named, and prints what became of it as JSON. AsyncSSH also
# adds the key it is given, locks, unlocks and removes.
import asyncio
import json
import os
import sys

data = b'what is signed'


def with_paramiko():
    import paramiko

    keys = paramiko.Agent().get_keys()
    right = []
    for key in keys:
        algorithm = 'rsa-sha2-512' if key.get_name() == 'ssh-rsa' else None
        signature = key.sign_ssh_data(data, algorithm)
        kinds = {'ssh-rsa': paramiko.RSAKey, 'ssh-ed25519': paramiko.Ed25519Key}
        public = kinds.get(key.get_name(), paramiko.ECDSAKey)(data=key.asbytes())
        right.append(public.verify_ssh_sig(data, paramiko.Message(signature)))
    return {'types': [key.get_name() for key in keys], 'right': right}


async def with_asyncssh(path):
    import asyncssh

    async with asyncssh.connect_agent(os.environ['SSH_AUTH_SOCK']) as agent:
        found = await agent.get_keys()
        types = [key.algorithm.decode() for key in found]
        right = []
        for key in found:
            algorithm = b'rsa-sha2-512' if key.algorithm == b'ssh-rsa' else key.algorithm
            key.set_sig_algorithm(algorithm)
            public = asyncssh.public_key.decode_ssh_public_key(key.public_data)
            right.append(public.verify(data, await key.sign_async(data)))
        result = {'types': types, 'right': right}
        try:
            result['extensions'] = list(await agent.query_extensions())
        except ValueError as error:
            result['extensions'] = str(error)
        added = asyncssh.read_private_key(path)
        await agent.add_keys([added], lifetime=600)
        result['added'] = len(await agent.get_keys())
        await agent.lock('a passphrase')
        result['locked'] = len(await agent.get_keys())
        try:
            await agent.unlock('another')
            result['wrong'] = 'taken'
        except ValueError:
            result['wrong'] = 'refused'
        await agent.unlock('a passphrase')
        await agent.remove_keys([found[0]])
        result['removed'] = len(await agent.get_keys())
        await agent.remove_all()
        result['all'] = len(await agent.get_keys())
        return result


print(json.dumps(with_paramiko() if sys.argv[1] == 'paramiko' else asyncio.run(with_asyncssh(sys.argv[2]))))
