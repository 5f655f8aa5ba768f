"""A client of the agent's control (src/agent/protocol.h), for tests."""
import ctypes
import fcntl
import mmap
import os
import struct
import time

MAGIC, VERSION = 0x68656163, 1
EVENT_BYTES, EVENT_CONTROL = 4, 8
DORMANT, RECORDING = 0, 1
RECORD, STOP, SNAPSHOT, RATE = 1, 2, 3, 4
SYS_FUTEX, FUTEX_WAKE = 202, 1

COUNTERS = ('magic', 'version', 'processes', 'snapshots', 'failed', 'failed_errno', 'signal_taken',
            'dropped', 'thinned', 'samples', 'recording_ns', 'writing_ns', 'memory', 'pressed')


class Counters(ctypes.Structure):
    _fields_ = [('magic', ctypes.c_uint32), ('version', ctypes.c_uint32),
                ('processes', ctypes.c_uint64), ('snapshots', ctypes.c_uint64),
                ('failed', ctypes.c_uint64), ('failed_errno', ctypes.c_int32),
                ('signal_taken', ctypes.c_uint32)] + [
                    (name, ctypes.c_uint64) for name in COUNTERS[7:]]


class Control(ctypes.Structure):
    _fields_ = [('magic', ctypes.c_uint32), ('version', ctypes.c_uint32), ('pid', ctypes.c_int32),
                ('state', ctypes.c_uint32), ('attached', ctypes.c_uint32),
                ('events', ctypes.c_uint32), ('asked', ctypes.c_uint32),
                ('answered', ctypes.c_uint32), ('command', ctypes.c_uint32),
                ('error', ctypes.c_int32), ('rate', ctypes.c_uint64), ('patched', ctypes.c_uint64),
                ('since_ns', ctypes.c_uint64), ('settings', ctypes.c_char * 8192),
                ('directory', ctypes.c_char * 4096), ('snapshot', ctypes.c_char * 4096),
                ('message', ctypes.c_char * 1024), ('counters', Counters)]


libc = ctypes.CDLL(None, use_errno=True)


def find(pid):
    """A file that is the process's control; None where there is none (yet)."""
    tasks = f'/proc/{pid}/task'
    for task in os.listdir(tasks):
        try:
            with open(f'{tasks}/{task}/comm') as file:
                if file.read() != 'heapdiff\n':
                    continue
            for fd in os.listdir(f'{tasks}/{task}/fd'):
                path = f'{tasks}/{task}/fd/{fd}'
                if not os.readlink(path).startswith('/memfd:heapdiff-control'):
                    continue
                found = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                if os.fstat(found).st_size >= ctypes.sizeof(Control):
                    return found
                os.close(found)  # it is being made
        except (FileNotFoundError, ProcessLookupError):  # a thread that is ending
            pass
    return None


def is_alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except (FileNotFoundError, ProcessLookupError):
        return False


class Gone(Exception):
    """The process ended."""


class Client:
    def __init__(self, pid, timeout=120):
        deadline = time.time() + timeout
        self.pid, self.fd = pid, None
        while self.fd is None:
            self.fd = find(pid)
            assert self.fd is not None or time.time() < deadline, 'no control'
            time.sleep(.005)
        while os.fstat(self.fd).st_size < ctypes.sizeof(Control):  # it has just been made
            assert time.time() < deadline, 'never of its size'
            time.sleep(.001)
        self.memory = mmap.mmap(self.fd, ctypes.sizeof(Control))
        self.control = Control.from_buffer(self.memory)
        while self.control.magic != MAGIC:
            assert time.time() < deadline, 'never ready'
            time.sleep(.001)
        assert self.control.version == VERSION and self.control.pid == pid

    def ask(self, command, timeout=120):
        """(error, message)"""
        control = self.control
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        try:
            control.command = command
            control.asked += 1
            # Not atomic, so nobody else may raise an event just now: repeated until heard.
            deadline = time.time() + timeout
            while control.answered != control.asked:
                control.events |= EVENT_CONTROL
                address = ctypes.addressof(control) + Control.events.offset
                libc.syscall(SYS_FUTEX, ctypes.c_void_p(address), FUTEX_WAKE, 1, None, None, 0)
                assert time.time() < deadline, 'no answer'
                if not is_alive(self.pid):
                    raise Gone
                time.sleep(.002)
            return control.error, control.message.decode()
        finally:
            fcntl.flock(self.fd, fcntl.LOCK_UN)

    def set(self, **settings):
        lines = ''.join(f'HEAPDIFF_{k.upper()}={v}\n' for k, v in settings.items()).encode()
        self.control.settings = lines

    def record(self, directory, **settings):
        self.set(dir=directory, **settings)
        return self.ask(RECORD)

    def stop(self):
        return self.ask(STOP)

    def snapshot_answer(self):
        return self.ask(SNAPSHOT)

    def snapshot(self):
        error, message = self.ask(SNAPSHOT)
        assert not error, (error, message)
        return self.control.snapshot.decode()

    def rate(self, rate):
        self.control.rate = rate
        return self.ask(RATE)
