"""One program under the agent, and what it left; used by agent_test.py."""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from snapshot import load

AGENT, PROGRAMS = (os.path.abspath(p) for p in sys.argv[1:3])
STATUS = struct.Struct('<IIQQQiIQQQQQQQ')
COUNTERS = ('processes', 'snapshots', 'failed', 'errno', 'signal_taken', 'dropped', 'thinned',
            'samples', 'recording_ns', 'writing_ns', 'memory', 'pressed')
MAGIC, VERSION = 0x68656170, 2


def program(name):
    return os.path.join(PROGRAMS, name)


class Run:
    """One program under the agent, in a directory of its own."""

    def __init__(self, *command, rate=1, interval=0, timeout=250, directory=None, preload=None,
                 frames=None, check=0, wait=True, stdin=None, preexec=None, for_all=False,
                 under=(), **settings):
        """`for_all`: a program that becomes another user may go on. `under`: strace, which
        itself is not recorded."""
        self.directory = directory or tempfile.mkdtemp(prefix='heapdiff-agent-')
        self.status_path = tempfile.mktemp(prefix='heapdiff-status-')
        with open(self.status_path, 'wb') as file:
            file.write(STATUS.pack(MAGIC, VERSION, *[0] * 12))
        if for_all:
            os.chmod(self.directory, 0o777)
            os.chmod(self.status_path, 0o666)
        environment = dict(os.environ, LD_PRELOAD=' '.join(filter(None, [AGENT, preload])),
                           HEAPDIFF_DIR=self.directory, HEAPDIFF_RATE=str(rate),
                           HEAPDIFF_INTERVAL_MS=str(interval), HEAPDIFF_STATUS=self.status_path,
                           **{f'HEAPDIFF_{k.upper()}': str(v) for k, v in settings.items()})
        if frames:
            environment['HEAPDIFF_MAX_FRAMES'] = str(frames)
        if under:
            command = (*under, '-E', f'LD_PRELOAD={environment.pop("LD_PRELOAD")}', *command)
        self.process = subprocess.Popen(command, env=environment, stdin=stdin,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        preexec_fn=preexec)
        if wait:
            self.finish(timeout, check)

    def finish(self, timeout=250, check=0):
        try:
            self.out, self.err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError('hangs')
        assert self.process.returncode == check, (self.process.returncode, self.err)
        assert self.err == '', self.err

    def status(self):
        with open(self.status_path, 'rb') as file:
            fields = STATUS.unpack(file.read())
        return dict(zip(COUNTERS, fields[2:]))

    def series(self, thinned=False):
        return load(self.directory, thinned)

    def only(self, thinned=False):
        series = self.series(thinned)
        assert len(series) == 1, list(series)
        return next(iter(series.values()))

    def own(self, thinned=False):
        """The series of the process itself, which its children's are deleted beside. Those
        that end by a bare system call may have begun one where the machine let them live so
        long, and end in the middle of it: that this is never taken for a snapshot is the
        point of the name that it has until it is one."""
        for name in os.listdir(self.directory):
            if f'.{self.process.pid}.' not in name:
                os.unlink(os.path.join(self.directory, name))
        return self.only(thinned)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory, ignore_errors=True)
        os.unlink(self.status_path)


def expected(text):
    lines = [line.split() for line in text.splitlines() if line.startswith('site_')]
    return {line[0]: [int(x) for x in line[1:]] for line in lines}


def check_exact(run, snapshot, demangle=lambda name: name):
    got = {demangle(k): v for k, v in snapshot.exact().items() if k}
    want = expected(run.out)
    assert len(want) > 3
    for site, values in want.items():
        assert got.get(site, [0] * 4) == values, (site, got.get(site), values)
    assert snapshot.header['dropped'] == {'stacks': 0, 'allocations': 0}


def end_by(number, *mode, check=None, rate=1, command=None):
    """Sends a signal once the program says that it is ready."""
    run = Run(*(command or (program('agent_signals'), *mode)), rate=rate, interval=100000,
              wait=False)
    lines = []
    while not lines or lines[-1] != 'ready':
        line = run.process.stdout.readline()
        assert line, 'it ended before'
        lines.append(line.strip())
    deadline = time.time() + 120
    while not any(n.endswith('.heapdiff') for n in os.listdir(run.directory)):
        assert time.time() < deadline, 'no first snapshot'
        time.sleep(.005)
    run.process.send_signal(number)
    run.finish(check=-number if check is None else check)
    return run, lines[:-1]
