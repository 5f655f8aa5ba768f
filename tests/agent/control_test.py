"""Processes that the agent is talked to in while they run: dormant ones, ones that it is
attached to, and ordinary recordings.

usage: control_test.py AGENT PROGRAMS TEST
"""
import errno
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from running import AGENT, Run, program
from snapshot import Snapshot, load

import control
from control import Client


class Driven:
    """The program of driven.c: dormant, or to be attached to."""

    def __init__(self, name='agent_driven', attach=False, first=None):
        settings = dict(os.environ)
        if not attach:
            settings.update(LD_PRELOAD=' '.join(filter(None, [first, AGENT])), HEAPDIFF='off')
        self.attach, self.directories = attach, []
        self.process = subprocess.Popen([program(name)], env=settings, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if attach:
            assert self.do(f'attach {AGENT}') == ['0']

    def do(self, command):
        """What it says, as words."""
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()
        line = self.process.stdout.readline().split()
        assert line and line[-1] == 'ok', (command, line, self.process.poll())
        return line[:-1]

    def client(self):
        return Client(self.process.pid)

    def directory(self):
        self.directories.append(tempfile.mkdtemp(prefix='heapdiff-agent-'))
        return self.directories[-1]

    def end(self, command='exit 0', code=0):
        self.process.stdin.write(command + '\n')
        self.process.stdin.close()
        assert self.process.wait(120) == code, self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        for directory in self.directories:
            shutil.rmtree(directory, ignore_errors=True)


def only(directory):
    series = load(directory)
    assert len(series) == 1, list(series)
    return next(iter(series.values()))


def record(driven, client, **settings):
    directory = driven.directory()
    answer = client.record(directory, **settings)
    assert answer == (0, ''), answer
    assert client.control.state == control.RECORDING
    assert client.control.directory.decode() == directory
    return directory


def stop(client):
    answer = client.stop()
    assert answer == (0, ''), answer
    assert client.control.state == control.DORMANT


WAYS = [name for name in ('', '_lazy', '_now', '_noplt', '_nopie', '_jemalloc', '_tcmalloc')
        if os.path.exists(program('agent_driven' + name))]
ALLOCATOR = {'malloc', 'realloc', 'free'}


def check_slots(attach):
    """Whatever a program is linked like, its slots lead where they should, and what is
    allocated through them is counted once."""
    plugin = [program(f'libagent_plugin_{x}.so') for x in 'ab']
    for way in WAYS:
        with Driven('agent_driven' + way, attach) as driven:
            client = driven.client()
            assert driven.do(f'open {plugin[0]}') == ['1']
            stays = sorted(driven.do('slots'))
            assert not set(stays) & (ALLOCATOR | {'dlopen', 'dlclose'}), (way, stays)
            driven.do('alloc direct 50 10')
            directory = record(driven, client, rate=1, interval_ms=0)
            slots = driven.do('slots')
            assert ALLOCATOR <= set(slots) and client.control.patched == len(slots), (way, slots)
            for site, number in (('direct', 3), ('pointer', 5), ('inner', 7), ('plugin', 11)):
                driven.do(f'alloc {site} {number} 100')
            driven.do('free 1')
            snapshot = Snapshot(client.snapshot())
            sums = snapshot.exact()
            assert snapshot.header['attached'] is True
            got = {site: sums[f'site_{site}'] for site in ('direct', 'pointer', 'inner', 'plugin')}
            assert got == {'direct': [300, 3, 300, 3], 'pointer': [500, 5, 500, 5],
                           'inner': [700, 7, 700, 7], 'plugin': [1000, 10, 1100, 11]}, (way, got)
            # One that is opened now is found, too.
            assert driven.do(f'open {plugin[1]}') == ['1']
            deadline = time.time() + 120
            if attach:
                while client.control.patched == len(slots):
                    assert time.time() < deadline, driven.do('slots')
                    time.sleep(.005)
            driven.do('alloc plugin 13 100')
            stop(client)
            assert sorted(driven.do('slots')) == stays
            snapshots = only(directory)
            assert [s.header['reason'] for s in snapshots] == ['start', 'request', 'detach']
            assert snapshots[-1].exact()['site_plugin'] == [2300, 23, 2400, 24], way
            driven.end()


def test_slots():
    check_slots(attach=False)


def test_attached_slots():
    check_slots(attach=True)


def check_wake(attach):
    with Driven(attach=attach) as driven:
        client = driven.client()
        assert client.control.state == control.DORMANT
        assert client.control.attached == attach
        for cycle in range(1, 5):
            driven.do('alloc direct 100 1000')
            directory = record(driven, client, rate=1, interval_ms=0)
            driven.do(f'alloc direct {cycle} 100')
            driven.do(f'free {cycle + 50}')  # half of them nobody knows
            driven.do('alloc pointer 2 50')
            last = client.snapshot()
            assert last.startswith(directory + '/')
            driven.do('alloc pointer 1 50')
            stop(client)
            driven.do('alloc direct 10 1000')
            snapshots = only(directory)
            assert [s.header['reason'] for s in snapshots] == ['start', 'request', 'detach']
            assert snapshots[1].path == last
            sums = snapshots[-1].exact()
            assert sums['site_direct'] == [0, 0, 100 * cycle, cycle], (cycle, sums)
            assert sums['site_pointer'] == [150, 3, 150, 3], (cycle, sums)
            assert client.control.counters.snapshots == 3 * cycle
        driven.end()
        assert len(load(directory)) == 1


def test_wake():
    check_wake(attach=False)


def test_attach():
    check_wake(attach=True)


def test_ends():
    """However a process ends that was woken or attached to, its last snapshot is there."""
    for attach in (False, True):
        for end, code, reason in (('exit 3', 3, 'exit'), ('_exit 4', 4, 'exit'),
                                  (signal.SIGTERM, -signal.SIGTERM, 'signal'),
                                  (f'exec {program("agent_driven")}', 0, 'exec')):
            with Driven(attach=attach) as driven:
                client = driven.client()
                directory = record(driven, client, rate=1, interval_ms=0)
                driven.do('alloc direct 5 100')
                if isinstance(end, str):
                    driven.end(end, code)
                else:
                    driven.process.send_signal(end)
                    assert driven.process.wait(120) == code
                last = only(directory)[-1]
                assert last.header['reason'] == reason, (end, last.header['reason'])
                assert last.exact()['site_direct'] == [500, 5, 500, 5]
    with Driven() as driven:  # and its signals are its own again
        client = driven.client()
        directory = record(driven, client, rate=1, interval_ms=0)
        stop(client)
        driven.process.send_signal(signal.SIGTERM)
        assert driven.process.wait(120) == -signal.SIGTERM
        assert only(directory)[-1].header['reason'] == 'detach'


def test_asked_wrongly():
    with Driven() as driven:
        client = driven.client()
        assert client.snapshot_answer()[0] != 0 and client.stop()[0] != 0 and client.rate(100)[0] != 0
        directory = driven.directory()
        for settings, words in (({'dir': 'relative'}, 'absolute'), ({}, 'no directory'),
                                ({'dir': directory + '/none'}, 'cannot write'),
                                ({'dir': directory, 'rate': '1k'}, 'HEAPDIFF_RATE=1k'),
                                ({'dir': directory, 'rate': 0}, 'HEAPDIFF_RATE=0')):
            client.set(**settings)
            error, message = client.ask(control.RECORD)
            assert error != 0 and words in message, (settings, error, message)
            assert client.control.state == control.DORMANT
        assert client.ask(99)[0] != 0
        # Whatever is in there: no end of a text, no text at all.
        for garbage in (b'\xff' * 8192, b'\n' * 8192, b'HEAPDIFF_DIR=' + b'/' * 8179):
            for i, byte in enumerate(garbage[:8192]):
                client.memory[control.Control.settings.offset + i] = byte
            assert client.ask(control.RECORD)[0] != 0
        record(driven, client, rate=1000, interval_ms=0)
        error, message = client.record(directory)
        assert error != 0 and 'already' in message, message
        for rate in (0, 1, 1 << 60):
            assert client.rate(rate)[0] != 0
        assert client.rate(2000) == (0, '')
        stop(client)
        # Whatever the agent does at the beginning of a recording, it hears what is asked.
        for _ in range(200):
            record(driven, client, rate=1000, interval_ms=0)
            for rate in (0, 1, 1 << 60):
                assert client.rate(rate)[0] != 0
            assert client.rate(2000) == (0, '') and client.control.rate == 2000
            stop(client)
        error, message = client.record(directory, rate=1)
        assert error != 0 and 'samples before' in message, message
        driven.do('alloc direct 10 10')
        driven.end()


def test_ordinary():
    """A recording that was there from the start can be talked to, too."""
    with Run(program('agent_driven'), rate=1, interval=100000, wait=False, stdin=subprocess.PIPE) as run:
        client = Client(run.process.pid)
        assert client.control.state == control.RECORDING
        assert client.control.directory.decode() == run.directory
        first = Snapshot(client.snapshot())
        assert first.header['reason'] == 'request' and 'attached' not in first.header
        assert client.stop() == (0, '')
        run.process.stdin.write('slots\n')
        run.process.stdin.flush()
        assert not set(run.process.stdout.readline().split()) & ALLOCATOR
        assert [s.header['reason'] for s in run.only()] == ['start', 'request', 'detach']
        again = tempfile.mkdtemp(prefix='heapdiff-agent-')
        assert client.record(again, rate=1, interval_ms=0) == (0, '')
        run.finish()
        assert [s.header['reason'] for s in only(again)] == ['start', 'exit']
        assert only(again)[0].header['image_ns'] > first.header['image_ns']
        shutil.rmtree(again)


def estimate(snapshot, site):
    """Allocated bytes, and their variance."""
    total = variance = 0.0
    for stack in snapshot.stacks:
        if snapshot.site(stack) != site:
            continue
        for rec in stack['records']:
            p = 1 - math.exp(-(rec['size'] + 1) / rec['rate'])
            unit = rec['size'] / p
            total += rec['alloc'] * unit
            variance += rec['alloc'] * unit * unit * (1 - p)
    return total, variance


def test_rates():
    """The rate changes in the middle of what is allocated, up and down, within one
    recording and between two: estimates stay without bias."""
    rounds, number, size = 60, 2000, 100
    errors = []
    with Driven() as driven:
        client = driven.client()
        for i in range(rounds):
            directory = record(driven, client, rate=(3000, 20000)[i % 2], interval_ms=0, seed=i + 1)
            driven.do(f'alloc direct {number} {size}')
            assert client.rate((20000, 1000)[i % 2]) == (0, '')
            driven.do(f'alloc direct {number} {size}')
            assert client.rate(7000) == (0, '')
            driven.do(f'alloc direct {number} {size}')
            stop(client)
            driven.do(f'free {3 * number}')
            total, variance = estimate(only(directory)[-1], 'site_direct')
            errors.append((total - 3 * number * size) / math.sqrt(variance))
            rates = {r['rate'] for st in only(directory)[-1].stacks for r in st['records']}
            assert len(rates) > 1, rates
            shutil.rmtree(directory)
        driven.end()
    mean = sum(errors) / rounds
    spread = math.sqrt(sum(e * e for e in errors) / rounds)
    print(f'mean error {mean:.3f} of its own, spread {spread:.2f}')
    # Seeded: what is seen here is seen in every run.
    assert abs(mean) < 3.5 / math.sqrt(rounds) and .7 < spread < 1.4, (mean, spread)


def check_cycles(attach, rate, cycles):
    """Recordings come and go under sixteen threads that allocate all the time."""
    with Driven(attach=attach) as driven:
        client = driven.client()
        driven.do('threads 16')
        for i in range(cycles):
            directory = record(driven, client, rate=rate, interval_ms=(0, 1)[i % 2])
            if i % 3 == 0:
                client.snapshot()
            stop(client)
            last = only(directory)[-1]
            assert last.header['dropped'] == {'stacks': 0, 'allocations': 0}, last.header['dropped']
            if rate == 1:
                live = last.exact()['site_thread'][1]
                assert live <= 16 * 33, live
            shutil.rmtree(directory)
        assert int(driven.do('halt')[0]) > 0
        assert not set(driven.do('slots')) & ALLOCATOR
        directory = record(driven, client, rate=rate, interval_ms=0)
        driven.do('alloc direct 100 100000')
        stop(client)
        if rate == 1:
            assert only(directory)[-1].exact()['site_direct'] == [10 ** 7, 100, 10 ** 7, 100]
        assert 'site_thread' not in {only(directory)[-1].site(s) for s in only(directory)[-1].stacks}
        assert client.control.counters.dropped == 0
        driven.end()


def test_cycles():
    check_cycles(False, 1000, 100)


def test_cycles_exact():
    check_cycles(False, 1, 40)


def test_attached_cycles():
    check_cycles(True, 1000, 100)


def test_forks():
    """A dormant process's children are dormant, each by itself."""
    with Driven() as driven:
        client = driven.client()
        child = int(driven.do('fork')[0])
        other = Client(child)
        assert other.control.state == control.DORMANT
        directory = driven.directory()
        assert other.record(directory, rate=1, interval_ms=0) == (0, '')
        assert client.control.state == control.DORMANT
        driven.do('child alloc direct 7 100')
        driven.do('alloc direct 9 100')
        assert other.stop() == (0, '')
        sums = only(directory)[-1].exact()
        assert sums['site_direct'] == [700, 7, 700, 7], sums
        # And of a woken one: a child that records by itself, from the first.
        directory = record(driven, client, rate=1, interval_ms=0)
        driven.do('alloc direct 3 100')
        grandchild = int(driven.do('fork')[0])
        deadline = time.time() + 120
        while control.find(grandchild) is None:  # its first allocations start its thread
            driven.do('child alloc pointer 1 100')
            assert time.time() < deadline, 'no thread'
        last = Snapshot(Client(grandchild).snapshot())
        assert last.exact()['site_direct'] == [300, 3, 300, 3]
        assert last.header['pid'] == grandchild
        stop(client)
        for pid in (child, grandchild):
            os.kill(pid, signal.SIGKILL)
        driven.end()


def wait_for_end(*children):
    """Of children that were killed, and that nobody waits for."""
    deadline = time.time() + 120
    while any(control.is_alive(pid) for pid in children):
        assert time.time() < deadline, 'they live on'
        time.sleep(.005)


def test_storm():
    """Forks while a recording comes and goes: every child can open a library, and ends."""
    with Driven() as driven:
        client = driven.client()
        driven.do('threads 2')
        for i in range(30):
            directory = record(driven, client, rate=1000, interval_ms=1)
            child = int(driven.do('fork')[0])
            assert driven.do(f'child open {program("libagent_plugin_a.so")}') == ['1']
            stop(client)
            other = int(driven.do('fork')[0])
            assert driven.do(f'child open {program("libagent_plugin_a.so")}') == ['1']
            for pid in (child, other):
                os.kill(pid, signal.SIGKILL)
            wait_for_end(child, other)
            shutil.rmtree(directory)
        driven.do('halt')
        driven.end()


def test_churn():
    """Recordings come and go while libraries do, and while others fork."""
    plugins = [program(f'libagent_plugin_{x}.so') for x in 'ab']
    for attach in (False, True):
        command = [program('agent_churn'), '4', *plugins] + [AGENT] * attach
        environment = dict(os.environ)
        if not attach:
            environment.update(LD_PRELOAD=AGENT, HEAPDIFF='off')
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        client, cycles = Client(process.pid), 0
        while process.poll() is None:
            directory = tempfile.mkdtemp(prefix='heapdiff-agent-')
            try:
                assert client.record(directory, rate=1000 * (cycles % 2) + 1, interval_ms=5)[0] in \
                    (0, errno.EINVAL)  # exactly after samples: refused
                client.stop()
            except control.Gone:
                pass
            # Children that are recorded may still be writing.
            shutil.rmtree(directory, ignore_errors=True)
            cycles += 1
        assert process.returncode == 0, process.returncode
        print(cycles, process.stdout.read())


def test_inside():
    """An allocator that the agent does not stand before cannot be recorded: that is said."""
    jemalloc = '/usr/lib/x86_64-linux-gnu/libjemalloc.so.2'
    if os.path.exists(jemalloc):
        with Driven(first=jemalloc) as driven:
            client = driven.client()
            driven.do('alloc direct 100 100')
            error, message = client.record(driven.directory(), rate=1)
            assert error == errno.ENOTSUP and 'name the agent first' in message
            driven.do('free 100')
            driven.end()
    if not os.path.exists(program('agent_driven_static_jemalloc')):
        print('no static jemalloc: not tried')
        return
    for attach in (False, True):
        with Driven('agent_driven_static_jemalloc', attach) as driven:
            client = driven.client()
            error, message = client.record(driven.directory(), rate=1)
            assert error == errno.ENOTSUP and 'linked into the program' in message
            assert client.control.state == control.DORMANT
            driven.do('alloc direct 10 10')
            driven.end()


def test_identities():
    """The thread that waits does not get in the way of what only one thread may do."""
    for attach in (False, True):
        with Driven(attach=attach) as driven:
            first = driven.client()
            assert driven.do('setgid') == ['0']
            client = driven.client()
            assert first.control.magic == 0 or attach and 'setgid' not in driven.do('slots')
            directory = record(driven, client, rate=1, interval_ms=0)
            driven.do('alloc direct 5 100')
            driven.end()
            assert only(directory)[-1].exact()['site_direct'][1] == 5


if __name__ == '__main__':
    globals()['test_' + sys.argv[3]]()
