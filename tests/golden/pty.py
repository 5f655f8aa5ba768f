#!/usr/bin/env python3
"""Runs a command whose standard output and error are a terminal, copies what it
prints to standard output, and exits as it does.

usage: pty COLUMNS COMMAND [ARGUMENT...]
TERM is xterm unless it is set already.
"""
import fcntl
import os
import struct
import subprocess
import sys
import termios

ROWS = 24


def main():
    columns, command = int(sys.argv[1]), sys.argv[2:]
    controller, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    settings = termios.tcgetattr(terminal)
    settings[1] &= ~termios.OPOST  # no carriage returns
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal,
                             env={"TERM": "xterm", **os.environ})
    os.close(terminal)
    while True:
        try:
            data = os.read(controller, 65536)
        except OSError:  # EIO: the last one who had the terminal open is gone
            break
        if not data:
            break
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    status = child.wait()
    sys.exit(status if status >= 0 else 128 - status)


main()
