# Owns a terminal for a program: `terminal.py COLUMNS ROWS NEXT_COLUMNS NEXT_ROWS COMMAND…` runs the command on it, copies its
# own standard streams, takes the next size at SIGUSR1, and ends as the command does. Knows nothing of SSH.
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios

columns, rows, next_columns, next_rows = (int(each) for each in sys.argv[1:5])


def set_size(width, height):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


pid, master = pty.fork()
if pid == 0:
    # The size must be there before the command looks.
    os.read(0, 1)
    os.execvp(sys.argv[5], sys.argv[5:])
set_size(columns, rows)
attributes = termios.tcgetattr(master)
attributes[3] &= ~termios.ECHO
termios.tcsetattr(master, termios.TCSANOW, attributes)
os.write(master, b"\n")
attributes[3] |= termios.ECHO
termios.tcsetattr(master, termios.TCSADRAIN, attributes)
signal.signal(signal.SIGUSR1, lambda *_: set_size(next_columns, next_rows))

sources = [0, master]
while True:
    for source in select.select(sources, [], [])[0]:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b""
        if source == master:
            if not data:
                _, status = os.waitpid(pid, 0)
                sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
            os.write(1, data)
        elif data:
            os.write(master, data)
        else:
            sources = [master]
