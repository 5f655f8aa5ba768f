"""Forks and kills by the thousand: what hangs, what is torn."""
import os
import signal
import subprocess
import sys
import time

import programs

sys.path.insert(0, os.path.join(programs.SOURCE, 'tests/agent'))
from snapshot import Snapshot, load  # noqa: E402

FORKS, KILLS, PATIENCE = 1000, 1000, 300


def build(bench):
    bench.compile(['../../agent/processes.c'], 'processes', '-D_GNU_SOURCE', '-pthread', '-fno-builtin',
                  '-fno-optimize-sibling-calls')
    return os.path.join(bench.bin, 'processes')


def forks(bench, program):
    """Forks under three threads that allocate, a snapshot every 5 ms."""
    for rate in (1, 4096):
        bench.clear()
        began = time.monotonic()
        subprocess.run([program, 'storm', str(FORKS), '0'], check=True, timeout=PATIENCE,
                       env=dict(os.environ, **bench.ours(rate, 5)), stdout=subprocess.DEVNULL)
        series = load(bench.out)
        snapshots = sum(len(s) for s in series.values())
        print(f'{FORKS} forks at rate {rate}: ended after {time.monotonic() - began:.1f} s, '
              f'{snapshots} snapshots, all whole')


def one_kill(bench, program):
    """Whether the snapshot was in the middle; every file that has its name must be whole."""
    process = subprocess.Popen([program, 'endless'], stdout=subprocess.DEVNULL,
                               env=dict(os.environ, **bench.ours(1, 1)))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        names = os.listdir(bench.out)
        if len(names) > 2 and any(name.endswith('.tmp') for name in names):
            break
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)
    names = os.listdir(bench.out)
    for name in names:
        if name.endswith('.heapdiff'):
            Snapshot(os.path.join(bench.out, name))
    left = [name for name in names if name.endswith('.tmp')]
    for name in names:
        os.unlink(os.path.join(bench.out, name))
    return bool(left), len(names) - len(left)


def safety(bench):
    program = build(bench)
    forks(bench, program)
    bench.clear()
    middle = whole = 0
    for _ in range(KILLS):
        in_the_middle, files = one_kill(bench, program)
        middle += in_the_middle
        whole += files
    print(f'{KILLS} kills: {middle} in the middle of a snapshot, {whole} files, none torn')
