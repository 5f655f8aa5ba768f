"""A program on a terminal of its own: keys go in, what it prints comes out."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

PATIENCE = 120  # seconds; what should come comes in much less


def keep_output(fd, echo=True):
    """Ctrl-C makes the kernel throw away what is on its way to the reader, after it has sent
    the signal: now and then that is what a program printed because of it, too. The echo of
    the key comes after that, before or after what the program prints."""
    settings = termios.tcgetattr(fd)
    settings[3] |= termios.NOFLSH
    if not echo:
        settings[3] &= ~termios.ECHO
    termios.tcsetattr(fd, termios.TCSANOW, settings)


def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Terminal:
    def __init__(self, command, environment, directory, rows=24, columns=100):
        self.output = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Here: what the program has set meanwhile must not be set back.
            keep_output(0)
            resize(0, rows, columns)
            os.chdir(directory)
            os.execvpe(command[0], command, environment)
        self.mark = 0

    def send(self, keys):
        """Marks where the output is, then types."""
        self.mark = len(self.output)
        os.write(self.fd, keys.encode())

    def text(self):
        """What came since the last send, without the sequences that move the cursor."""
        text = self.output[self.mark:].decode(errors="replace")
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r|\x07", "", text)

    def read(self, seconds):
        """False: nothing came, or the program has ended."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.output += data
        return bool(data)

    def expect(self, pattern, count=1):
        """Waits until the text since the last send has the pattern so many times."""
        end = time.monotonic() + PATIENCE
        while len(re.findall(pattern, self.text())) < count:
            if time.monotonic() > end:
                raise AssertionError(f"{pattern!r} does not come; there is:\n{self.text()}")
            self.read(0.2)
        return self.text()

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def end(self):
        """Waits for the program's end; returns its exit status."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self.read(0):
                    pass
                return os.waitstatus_to_exitcode(status)
            self.read(0.1)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError(f"it does not end; there is:\n{self.text()}")
