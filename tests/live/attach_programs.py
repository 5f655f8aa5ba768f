"""What the tests of attaching attach to, and heapdiff around it."""
import contextlib
import ctypes
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PATIENCE = 120  # seconds: nothing waits for so long but a machine that does something else


class Failure(Exception):
    pass


def check(good, *what):
    if not good:
        raise Failure(" ".join(str(word) for word in what))


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise Failure(f"{what}: not within {PATIENCE} s")


def die_with_the_test():
    """Also where that is killed: PR_SET_PDEATHSIG."""
    LIBC.prctl(1, signal.SIGKILL)


class Program:
    """A process that is ended with the block."""

    def __init__(self, words, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        self.process = subprocess.Popen(words, preexec_fn=die_with_the_test, **options)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            children = self.text(f"task/{self.pid}/children").split()
            self.process.kill()
            for child in children:
                with contextlib.suppress(ProcessLookupError):  # it has ended with its parent
                    os.kill(int(child), signal.SIGKILL)
            self.process.wait()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def text(self, name):
        return pathlib.Path(f"/proc/{self.pid}/{name}").read_text(errors="replace")


class Visited(Program):
    """testdata/programs/visited.c, which says what was done to it."""

    def __init__(self, options, *words, program=None, **more):
        program = program or os.path.join(options.programs, "visited")
        super().__init__([*more.pop("before", ()), program, *words], stdout=subprocess.PIPE,
                         text=True, **more)
        check(self.process.stdout.readline() == "ready\n", words, "did not start")

    def unharmed(self):
        status = self.end()
        said = self.process.stdout.read()
        check(status == 0 and not said, f"the program ended with {status}: {said}")


class Heapdiff:
    def __init__(self, options, work):
        self.program, self.work = options.heapdiff, work
        self.environment = dict(os.environ, XDG_STATE_HOME=os.path.join(work, "state"),
                                XDG_CACHE_HOME=os.path.join(work, "cache"))

    def start(self, *words, **options):
        return Recording(self, words, options)

    def run(self, *words, status=0, **options):
        """Standard output and error of a command that ends by itself."""
        options = {"cwd": self.work, "env": self.environment, **options}
        result = subprocess.run([self.program, *words], capture_output=True, text=True,
                                timeout=PATIENCE, check=False, **options)
        check(result.returncode == status, words, "ended with", result.returncode, "and not",
              status, result.stdout, result.stderr)
        return result.stdout, result.stderr

    def record(self, pid, *words, **options):
        return self.run("record", "--pid", str(pid), "--attach-timeout", "100s", *words,
                        **options)[1]

    def refuses(self, pid, words, *options, **more):
        said = self.record(pid, *options, status=3, **more)
        check(words in said, f"'{words}' is not in: {said}")
        check(said.count("\n") == 1, "not one line:", said)


class Recording(Program):
    """`heapdiff record --pid` that runs on."""

    def __init__(self, heapdiff, words, options):
        options = {"cwd": heapdiff.work, "env": heapdiff.environment, **options}
        self.said = []
        super().__init__([heapdiff.program, "record", *words], stderr=subprocess.PIPE, text=True,
                         **options)
        self.until("what it allocated before is unknown")

    def until(self, words):
        for line in self.process.stderr:
            self.said.append(line)
            if words in line:
                return
        raise Failure(f"'{words}' never came: {self.said}")

    def finish(self, number=signal.SIGTERM):
        """By SIGTERM: SIGINT may be ignored, where a shell has put the tests into the
        background."""
        status = self.end(number)
        self.said += self.process.stderr.readlines()
        check(status == 0, "the recording ended with", status, self.said)
        return "".join(self.said)


def snapshots(directory):
    return sorted(pathlib.Path(directory).glob("*.heapdiff"))


def stopped_ms(said):
    found = re.search(r"stopped for ([\d.]+)(ms|s);", said)
    check(found, "no stop is told of:", said)
    return float(found[1]) * (1000 if found[2] == "s" else 1)


class Redis(Program):
    """A server on a socket in `work`."""

    def __init__(self, work):
        self.socket = os.path.join(work, "redis.sock")
        super().__init__(["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "",
                          "--dir", work], stdout=subprocess.DEVNULL)
        wait_until(self.listens, "redis-server")

    def listens(self):
        with socket.socket(socket.AF_UNIX) as connection:
            return os.path.exists(self.socket) and connection.connect_ex(self.socket) == 0


class RedisUser(threading.Thread):
    """Writes and reads back, and counts what went wrong."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.requests, self.failure, self.ended = path, 0, None, False

    def run(self):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(PATIENCE)
                connection.connect(self.path)
                self.talk(connection.makefile("rwb"))
        except (OSError, Failure) as failure:
            self.failure = failure

    def ask(self, stream, *words):
        stream.write(b"*%d\r\n" % len(words))
        for word in words:
            stream.write(b"$%d\r\n%s\r\n" % (len(word), word))
        stream.flush()
        answer = stream.readline()
        if answer.startswith(b"$"):
            answer = stream.read(int(answer[1:]) + 2)
        return answer.rstrip(b"\r\n")

    def talk(self, stream):
        while not self.ended:
            key, value = b"key:%d" % (self.requests % 1000), b"v" * (self.requests % 3000)
            check(self.ask(stream, b"SET", key, value) == b"+OK", "SET failed")
            check(self.ask(stream, b"GET", key) == value, "GET gave something else")
            self.requests += 2
